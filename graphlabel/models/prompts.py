"""From a prompt to token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphlabel.errors import PromptError
from graphlabel.models.language_model import LanguageModel


@dataclass(frozen=True, slots=True)
class Prompt:
    """A tokenised prompt, its first special token included."""

    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """Each token as the tokenizer decodes it."""


def read_prompt(model: LanguageModel, text: str, *, chat: bool = False) -> Prompt:
    """Tokenise a prompt as circuit-tracer does.

    The text is tokenised without special tokens; unless its first token is special, one is put
    before it (BOS, else padding, else end of text), so there are never two. ``chat`` puts the text
    into the tokenizer's chat template first, as what the user says. Raises PromptError when the
    prompt is empty, too long, or holds words the tokenizer does not know.
    """
    if not text.strip():
        raise PromptError("the prompt is empty; give the text whose next token you want explained")
    tokenizer = model.tokenizer
    if chat:
        text = _as_chat(model, text)
    ids = [int(i) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    unknown = _unknown_words(model, text, ids)
    if unknown:
        shown = ", ".join(f"“{word}”" for word in unknown[:5])
        raise PromptError(f"the model does not know {shown}; use words of its vocabulary")
    if not ids or ids[0] not in tokenizer.all_special_ids:
        ids.insert(0, beginning_token(model))
    while len(ids) > 1 and ids[0] == ids[1] == tokenizer.bos_token_id:
        del ids[0]  # a template writes one, and so does the person
    return prompt_of_ids(model, ids, text=text)


def beginning_token(model: LanguageModel) -> int:
    """The special token that texts begin with: BOS, else padding, else end of text.

    Raises PromptError when the tokenizer has none.
    """
    first = _beginning(model)
    if first is None:
        raise PromptError(f"the tokenizer of {model.name} has no special token to begin with")
    return first


def _beginning(model: LanguageModel) -> int | None:
    tokenizer = model.tokenizer
    candidates = (tokenizer.bos_token_id, tokenizer.pad_token_id, tokenizer.eos_token_id)
    return next((int(i) for i in candidates if i is not None), None)


def lacks_beginning(model: LanguageModel, prompt: Prompt) -> bool:
    """Whether a prompt begins with no special token though the tokenizer has one for that."""
    return _beginning(model) is not None and prompt.ids[0] not in model.tokenizer.all_special_ids


def _as_chat(model: LanguageModel, text: str) -> str:
    if not model.tokenizer.chat_template:
        raise PromptError(f"the tokenizer of {model.name} has no chat template; leave out --chat")
    messages = [{"role": "user", "content": text}]
    try:
        return str(
            model.tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )
    except Exception as error:  # templates are programs of their authors
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PromptError(f"the chat template of {model.name} fails: {first}") from error


def prompt_of_ids(model: LanguageModel, ids: Sequence[int], *, text: str | None = None) -> Prompt:
    """A prompt of these token ids, used as given; raises PromptError when they do not fit."""
    vocabulary = int(model.config.vocab_size)
    if len(ids) < 2:
        raise PromptError("a prompt needs a first special token and at least one more")
    wrong = [i for i in ids if not 0 <= i < vocabulary]
    if wrong:
        raise PromptError(f"token id {wrong[0]} is outside the vocabulary (0 to {vocabulary - 1})")
    if len(ids) > model.context_length:
        raise PromptError(
            f"the prompt has {len(ids)} tokens, {model.name} takes {model.context_length}; "
            "shorten it"
        )
    tokens = tuple(model.tokenizer.decode([i]) for i in ids)
    return Prompt(model.tokenizer.decode(list(ids)) if text is None else text, tuple(ids), tokens)


def cut_prompt(model: LanguageModel, prompt: Prompt, position: int) -> Prompt:
    """The prompt up to a position, whose next token is to be explained.

    What stands later cannot matter. Negative positions count from the end. Raises PromptError when
    there is no such position, or only the first special token before it.
    """
    count = len(prompt.ids)
    place = position + count if position < 0 else position
    if not 0 < place < count:
        raise PromptError(
            f"there is no position {position} to explain; the prompt's are 1 to {count - 1}"
        )
    if place == count - 1:
        return prompt
    ids = prompt.ids[: place + 1]
    text = model.tokenizer.decode(list(ids[1:]))
    return Prompt(str(text), ids, prompt.tokens[: place + 1])


def _unknown_words(model: LanguageModel, text: str, ids: Sequence[int]) -> list[str]:
    """Words that became the unknown token.

    Where that is written out it is meant: in GPT-2 and Pythia it is the token that texts begin
    with.
    """
    tokenizer = model.tokenizer
    unknown = tokenizer.unk_token_id
    if unknown is None or unknown not in ids:
        return []
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    pieces = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    words = dict.fromkeys(text[a:b].strip() or text[a:b] for i, (a, b) in pieces if i == unknown)
    return [word for word in words if word != tokenizer.unk_token]

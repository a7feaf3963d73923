"""From documents to token sequences of at most the context length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from graphlabel.errors import EvidenceError
from graphlabel.models import LanguageModel, beginning_token

_CHARACTERS = 2**18
"""Documents are tokenised together until they hold so many characters."""


def token_sequences(
    model: LanguageModel, documents: Iterable[str], context_length: int, n_tokens: int = 0
) -> Iterator[Sequence[int]]:
    """Documents cut into sequences, each of which begins with a special token.

    ``n_tokens``: the most tokens to give, beginnings not counted; 0: all. No sequence holds tokens
    of two documents. Raises EvidenceError when the model's context is shorter.
    """
    if context_length > model.context_length:
        raise EvidenceError(
            f"the context length {context_length} is longer than the {model.context_length} "
            f"tokens that {model.name} takes; choose a shorter one"
        )
    beginning = beginning_token(model)
    room, left = context_length - 1, n_tokens
    for ids in _tokenised(model, documents):
        own = ids[1:] if ids[:1] == [beginning] else ids
        for start in range(0, len(own), room):
            part = own[start : start + room]
            if n_tokens:
                part = part[:left]
                left -= len(part)
            yield [beginning, *part]
            if n_tokens and left <= 0:
                return


def _tokenised(model: LanguageModel, documents: Iterable[str]) -> Iterator[list[int]]:
    for group in _groups(documents):
        encoded = model.tokenizer(group, add_special_tokens=False, verbose=False)
        for ids in encoded["input_ids"]:
            if ids:
                yield list(ids)


def _groups(documents: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document)
        if characters >= _CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group

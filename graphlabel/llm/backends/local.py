"""A chat model of transformers that runs here: a folder, a GGUF file or a hub id."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlabel.errors import LanguageModelError
from graphlabel.llm.backends.backend import BatchService
from graphlabel.llm.backends.wire import spoken
from graphlabel.llm.calls import CallError
from graphlabel.llm.gateway import FailureKind
from graphlabel.llm.requests import Completion, Request, StopReason
from graphlabel.llm.terms import FREE, Terms
from graphlabel.revision import folder_revision

if TYPE_CHECKING:
    import torch

_FAILURES = (
    OSError, ValueError, KeyError, IndexError, ImportError, RuntimeError, struct.error,
)  # fmt: skip
"""What transformers raises about files that it cannot use."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A model with its tokenizer."""

    model: Any
    tokenizer: Any

    @property
    def context(self) -> int:
        """The longest conversation, in tokens."""
        config = self.model.config.get_text_config()
        return int(getattr(config, "max_position_embeddings", 0) or 2**31)


class LocalModel:
    """A chat model on this machine: free, and nothing leaves it.

    It is loaded at its first call, in the dtype of its file, onto the best device there is.
    Without a temperature it is greedy: the same question has the same answer.
    """

    terms: Terms = FREE
    goes_to: str = ""
    most_at_once: int | None = 1
    batches: BatchService | None = None

    def __init__(self, model: str, say: Callable[[str], None] | None = None) -> None:
        """``model`` is a folder, a GGUF file, or an id on the hub; nothing is loaded yet.

        ``say`` is told when loading begins and ends, from another thread. Raises
        LanguageModelError when it names a path where nothing is.
        """
        path = Path(model).expanduser()
        if not path.exists() and (model.startswith((".", "/", "~")) or model.count("/") > 1):
            raise LanguageModelError(f"there is no model {model}; name a folder or a GGUF file")
        self._place, self._gguf = (str(path), None) if path.exists() else (model, None)
        if path.is_file():
            self._place, self._gguf = str(path.parent), path.name
        self.name = f"local:{_shown(model, path)}"
        self._say = say or (lambda _: None)
        self._loaded: _Loaded | None = None

    async def complete(self, request: Request) -> Completion:
        """Generate an answer, off the event loop; raises CallError or LanguageModelError."""
        return await asyncio.to_thread(self._generate, request)

    async def close(self) -> None:
        """Nothing to let go of: the model stays loaded."""

    def _generate(self, request: Request) -> Completion:
        import torch

        if self._loaded is None:
            self._loaded = self._load()
        loaded, started = self._loaded, time.monotonic()
        inputs = _inputs(loaded, request).to(loaded.model.device)
        prompt_length = int(inputs.shape[1])
        if prompt_length + request.max_tokens > loaded.context:
            raise CallError(
                FailureKind.REFUSED,
                f"the prompt's {prompt_length} tokens and an answer of {request.max_tokens} do not "
                f"fit {self.name} ({loaded.context}); use fewer examples or another model",
            )
        try:
            with torch.inference_mode():
                tokens = loaded.model.generate(
                    inputs,
                    attention_mask=torch.ones_like(inputs),
                    generation_config=_generation(loaded, request),
                    stopping_criteria=_stopping(loaded, request, prompt_length),
                )
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise LanguageModelError(
                f"memory ran out while {self.name} answered; use fewer examples or a smaller model"
            ) from error
        answer = tokens[0, prompt_length:]
        return self._completion(loaded, request, prompt_length, answer, started)

    def _load(self) -> _Loaded:
        unpacking = "; GGUF is unpacked first, which takes a while" if self._gguf else ""
        self._say(f"loading {self.name}{unpacking}")
        started = time.monotonic()
        loaded = _load(self._place, self._gguf)
        self._say(f"loaded in {time.monotonic() - started:.0f} s on {loaded.model.device}")
        return loaded

    def _completion(
        self,
        loaded: _Loaded,
        request: Request,
        prompt_length: int,
        answer: torch.Tensor,
        started: float,
    ) -> Completion:
        text = str(loaded.tokenizer.decode(answer, skip_special_tokens=True))
        cut = [text.index(stop) for stop in request.stop if stop in text]
        whole = bool(cut) or len(answer) < request.max_tokens
        return Completion(
            text=spoken(text[: min(cut)] if cut else text),
            model=self.name,
            stop=StopReason.END if whole else StopReason.LENGTH,
            input_tokens=prompt_length,
            output_tokens=len(answer),
            seconds=time.monotonic() - started,
        )


def _shown(model: str, path: Path) -> str:
    """A name that says which weights: answers are kept under it."""
    if path.is_file():
        return f"{path.name}@{folder_revision(path.parent)}"
    if path.is_dir():
        return f"{path.resolve().name}@{folder_revision(path)}"
    return model


def _inputs(loaded: _Loaded, request: Request) -> torch.Tensor:
    """The conversation as tokens, shape (1, length), by the model's own chat template."""
    turns = [{"role": turn.role.value, "content": turn.text} for turn in request.turns]
    if request.system:
        turns.insert(0, {"role": "system", "content": request.system})
    try:
        return _templated(loaded, turns)
    except Exception as error:  # templates raise what they like; some know no system turn
        if not request.system:
            raise _no_template(error) from error
    joined = f"{request.system}\n\n{turns[1]['content']}"
    try:
        return _templated(loaded, [{**turns[1], "content": joined}, *turns[2:]])
    except Exception as error:
        raise _no_template(error) from error


def _templated(loaded: _Loaded, turns: list[dict[str, str]]) -> torch.Tensor:
    encoded: torch.Tensor = loaded.tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    return encoded


def _no_template(error: Exception) -> LanguageModelError:
    first = " ".join(str(error).split())[:150]
    return LanguageModelError(
        f"the model cannot be asked: its chat template fails ({first}); use a chat model"
    )


def _generation(loaded: _Loaded, request: Request) -> Any:
    """Settings of generation: greedy without a temperature, whatever the model's file says."""
    from transformers import GenerationConfig

    own = loaded.model.generation_config
    return GenerationConfig(
        max_new_tokens=request.max_tokens,
        do_sample=bool(request.temperature),
        temperature=request.temperature or None,
        eos_token_id=own.eos_token_id or loaded.tokenizer.eos_token_id,
        bos_token_id=own.bos_token_id,
        pad_token_id=own.pad_token_id or loaded.tokenizer.eos_token_id,
    )


def _stopping(loaded: _Loaded, request: Request, prompt_length: int) -> Any:
    """Stops at the request's strings; transformers' own way fails with some tokenizers."""
    import torch
    from transformers import StoppingCriteriaList

    def stop(tokens: torch.Tensor, _: object, **__: object) -> torch.Tensor:
        text = loaded.tokenizer.decode(tokens[0, prompt_length:], skip_special_tokens=True)
        return torch.tensor([any(each in text for each in request.stop)], device=tokens.device)

    return StoppingCriteriaList([stop] if request.stop else [])


def _load(place: str, gguf: str | None) -> _Loaded:
    """Model and tokenizer; raises LanguageModelError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from graphlabel.hub import only_local_files, quiet_hub

    quiet_hub()
    options: dict[str, Any] = {
        "local_files_only": Path(place).is_dir() or only_local_files(),
        "trust_remote_code": False,  # else transformers asks, and runs it
    }
    if gguf is not None:
        options["gguf_file"] = gguf
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, **options)
        with redirect_stderr(StringIO()) if gguf else nullcontext():  # a bar of its own
            model, loaded = AutoModelForCausalLM.from_pretrained(
                place, dtype="auto", output_loading_info=True, **options
            )
    except _FAILURES as error:
        raise LanguageModelError(_why(place, gguf, error)) from error
    except Exception as error:
        if type(error).__module__.startswith(("safetensors", "huggingface_hub")):
            raise LanguageModelError(_why(place, gguf, error)) from error
        raise
    if loaded["missing_keys"]:  # transformers makes them up, at random
        lost = sorted(loaded["missing_keys"])[0]
        raise LanguageModelError(f"{place} lacks weights, such as {lost}; get the whole model")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _Loaded(model.eval().to(device), tokenizer)


def _why(place: str, gguf: str | None, error: Exception) -> str:
    if isinstance(error, ImportError) and gguf is not None:
        return "GGUF files need the gguf package; install it with: pip install 'graphlabel[gguf]'"
    first = " ".join(str(error).split())[:200]
    what = f"{place}/{gguf}" if gguf else place
    return f"cannot load the chat model {what}: {first}; name a folder, a GGUF file or a hub id"

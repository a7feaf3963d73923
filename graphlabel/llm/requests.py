"""One question to a language model, and its answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import msgspec


class Role(StrEnum):
    """Who speaks in a turn."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says."""

    role: Role
    text: str

    def __post_init__(self) -> None:
        """Replace what no service can be sent."""
        object.__setattr__(self, "text", _well_formed(self.text))


@dataclass(frozen=True, slots=True)
class Request:
    """A conversation so far, to be continued by the model, with its settings."""

    system: str
    """Instructions that hold for the whole conversation; empty for none."""
    turns: tuple[Turn, ...]
    """Alternating, the person's first and last; few-shot examples are earlier turns."""
    max_tokens: int = 512
    temperature: float | None = None
    """None: the model's own default (some models accept no other)."""
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Replace what no service can be sent."""
        object.__setattr__(self, "system", _well_formed(self.system))

    @property
    def prompt_hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything above; kept with every label."""
        return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(self))).hexdigest()


class StopReason(StrEnum):
    """Why a model stopped."""

    END = "end"
    LENGTH = "length"
    """At max_tokens: the answer is cut."""
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer and what it took."""

    text: str
    model: str
    """The model that answered, as it names itself."""
    stop: StopReason = StopReason.END
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = None
    """What it cost when it was sent; None where the price table does not know the model."""
    seconds: float = 0.0
    temperature: float | None = None
    """The temperature that was sent; None: the model's own, also where it takes no other."""
    cached: bool = False
    """It came from the response cache: nothing was sent now, nothing paid again."""


@runtime_checkable
class ChatModel(Protocol):
    """A language model that continues conversations."""

    @property
    def name(self) -> str:
        """The model's name, as it is asked for."""
        ...

    async def complete(self, request: Request) -> Completion:
        """The model's next turn; raises LanguageModelError."""
        ...


def _well_formed(text: str) -> str:
    """The text with a replacement character for every lone surrogate, which UTF-8 does not have."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""What a model costs and which settings it takes: a dated table, and the user's own over it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import msgspec

from graphlabel.errors import LanguageModelError
from graphlabel.llm.requests import Request

PRICES_VARIABLE = "GRAPHLABEL_PRICES"

THINKING_TOKENS = 4_000
"""Room for thinking, beyond a request's max_tokens, of models that cannot answer without."""

_SHIPPED = Path(__file__).with_name("models.toml")
_MILLION = 1_000_000
_TOKENS_PER_TURN = 16
"""More than any chat template puts around a turn."""
_BYTES_PER_TOKEN = 4
"""Of English prose, about; only estimates use it."""


class Thinking(StrEnum):
    """Whether a model thinks before it answers, and what keeps it from that."""

    NONE = "none"
    """Not unless it is asked to."""
    DISABLED = "disabled"
    BETWEEN_TOOLS = "between_tools"
    ALWAYS = "always"
    """It cannot be kept from it."""


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's prices, in dollars per million tokens, and the settings it takes."""

    input: float | None = None
    output: float | None = None
    batch: float = 1.0
    """What a call in a batch costs of that."""
    above: int | None = None
    """Prompts of more tokens than this cost ``long_input`` and ``long_output``."""
    long_input: float = 0.0
    long_output: float = 0.0
    temperature: bool = True
    thinking: Thinking = Thinking.NONE
    effort: str = ""

    @property
    def priced(self) -> bool:
        """Whether a call's price is known."""
        return self.input is not None and self.output is not None

    def dollars(
        self, input_tokens: int, output_tokens: int, *, batch: bool = False
    ) -> float | None:
        """What a call costs; None where the table does not know."""
        if self.input is None or self.output is None:
            return None
        into, out = self.input, self.output
        if self.above is not None and input_tokens > self.above:
            into, out = self.long_input, self.long_output
        total = (into * input_tokens + out * output_tokens) / _MILLION
        return total * (self.batch if batch else 1.0)

    def most_output(self, request: Request) -> int:
        """The most tokens the model may write, thinking included."""
        room = THINKING_TOKENS if self.thinking is Thinking.ALWAYS else 0
        return request.max_tokens + room

    def bound(self, request: Request, *, batch: bool = False) -> float | None:
        """The most that a call can cost in dollars; None where the table does not know."""
        return self.dollars(most_input(request), self.most_output(request), batch=batch)


FREE = Terms(input=0.0, output=0.0)
"""A model that runs here."""


def most_input(request: Request) -> int:
    """More tokens than any prompt can have: byte-level tokenizers make at most one of a byte."""
    texts = [request.system, *(turn.text for turn in request.turns)]
    return sum(len(text.encode("utf-8", "surrogatepass")) + _TOKENS_PER_TURN for text in texts)


def likely_input(request: Request) -> int:
    """About how many tokens a prompt has."""
    return most_input(request) // _BYTES_PER_TOKEN


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Terms by the beginning of a model's name, and when they were looked up."""

    dated: date
    models: dict[str, Terms]

    def terms(self, model: str) -> Terms:
        """The terms of the longest entry that a name begins with; no price without one."""
        fitting = [name for name in self.models if model.startswith(name)]
        return self.models[max(fitting, key=len)] if fitting else Terms()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    models: dict[str, Terms] = {}
    dated: date | None = None


def price_table(path: Path | None = None) -> PriceTable:
    """The shipped table with the user's over it.

    Theirs is ``path``, or what GRAPHLABEL_PRICES names, or ``prices.toml`` in the configuration
    folder if there is one. Raises LanguageModelError when it cannot be read.
    """
    shipped = _read(_SHIPPED)
    named = path or (Path(given) if (given := os.environ.get(PRICES_VARIABLE)) else None)
    own_path = named or _default_path()
    own = _read(own_path) if named or own_path.is_file() else _File()
    dated = max(filter(None, (shipped.dated, own.dated)), default=date.min)
    return PriceTable(dated, {**shipped.models, **own.models})


def _default_path() -> Path:
    from platformdirs import user_config_path

    return user_config_path("graphlabel") / "prices.toml"


def _read(path: Path) -> _File:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (OSError, ValueError) as error:
        first = " ".join(str(error).split())[:200]
        raise LanguageModelError(
            f"the price table {path} cannot be read: {first}; write it as docs/how-to-llm.md shows"
        ) from error

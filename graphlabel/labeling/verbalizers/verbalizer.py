"""What an activation verbalizer is: vectors or passages in, texts out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphlabel.annotation import Reading, Verbalization
from graphlabel.records import ActivationExample


@dataclass(frozen=True, slots=True, eq=False)
class ResidualVector:
    """A direction in the residual stream."""

    values: Float32[np.ndarray, " d_model"]
    """In the model's own units; verbalizers look at the direction alone."""
    layer: int | None
    """The block after whose output it stands."""
    reading: Reading
    passage: str = ""
    """The end of the text at whose last token it stands, where there is one."""
    model: str = ""
    """The model it is of, where that is known."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, for the residual stream at its last token in the layer that a verbalizer reads."""

    text: str
    reading: Reading

    @classmethod
    def of_example(cls, example: ActivationExample) -> Passage:
        """An example cut at its peak; special tokens are left out (a model puts its own first)."""
        kept = range(example.peak + 1)
        text = "".join(example.tokens[at] for at in kept if at not in example.special)
        return cls(text, Reading.EXAMPLE)


Subject = ResidualVector | Passage

Done = Callable[[int, Verbalization], None]
"""Told a subject's place and its text, as each is finished."""


@runtime_checkable
class Verbalizer(Protocol):
    """Puts vectors of one model's residual stream into words."""

    @property
    def name(self) -> str:
        """The checkpoint, adapter or server, as it is kept with every text."""
        ...

    @property
    def layer(self) -> int | None:
        """The layer whose residual stream it was trained on; None when it takes any."""
        ...

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; empty where the verbalizer said nothing.

        Raises VerbalizerError when a subject is of a kind or size that it cannot read, or when it
        cannot be asked; what ``done`` was told until then holds.
        """
        ...

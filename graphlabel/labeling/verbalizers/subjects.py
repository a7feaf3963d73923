"""From what is to be verbalized to vectors."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.verbalizer import Passage, ResidualVector, Subject

_TAIL = 120


@runtime_checkable
class StateReader(Protocol):
    """Reads the residual stream of the model whose vectors are verbalized."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    def last_state(self, text: str, layer: int) -> Float32[np.ndarray, " d_model"]:
        """The output of block ``layer`` at the text's last token; raises VerbalizerError."""
        ...


def tail(text: str) -> str:
    """The end of a text, to be kept beside what is said of it."""
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"


def vector_of(
    subject: Subject, states: StateReader | None, layer: int | None, d_model: int
) -> ResidualVector:
    """The vector of a subject; that of a passage stands at its last token, after block ``layer``.

    Raises VerbalizerError when there is no model to read a passage with, or the width is wrong.
    """
    vector = subject if isinstance(subject, ResidualVector) else _read(subject, states, layer)
    if len(vector.values) != d_model:
        raise VerbalizerError(
            f"the vectors have {len(vector.values)} dimensions, the verbalizer reads {d_model}; it "
            "was made for another model"
        )
    return vector


def _read(passage: Passage, states: StateReader | None, layer: int | None) -> ResidualVector:
    if states is None:
        raise VerbalizerError(
            "this verbalizer reads vectors; to read a text it needs the model the text goes "
            "through (--model)"
        )
    if layer is None:
        raise VerbalizerError("the sidecar does not say which layer it reads; give vectors instead")
    values = states.last_state(passage.text, layer)
    return ResidualVector(values, layer, passage.reading, tail(passage.text), states.name)

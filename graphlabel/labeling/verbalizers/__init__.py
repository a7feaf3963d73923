"""Activation verbalizers: vectors of the residual stream in words. One file a backend."""

from graphlabel.labeling.verbalizers.verbalizer import (
    Done,
    Passage,
    ResidualVector,
    Subject,
    Verbalizer,
)

__all__ = ["Done", "Passage", "ResidualVector", "Subject", "Verbalizer"]

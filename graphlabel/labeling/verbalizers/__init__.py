"""Activation verbalizers: vectors of the residual stream in words. One file a backend.

``open_verbalizer`` opens one by its name; what runs models imports torch, when it is opened.
"""

from graphlabel.labeling.verbalizers.opening import VerbalizerPlace, open_verbalizer
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.verbalizer import (
    Done,
    Passage,
    ResidualVector,
    Subject,
    Verbalizer,
)

__all__ = [
    "Done",
    "Passage",
    "ResidualVector",
    "Sampling",
    "Subject",
    "Verbalizer",
    "VerbalizerPlace",
    "open_verbalizer",
]

"""Transcoders: their kinds and their loaders."""

from graphlabel.models.transcoders.load import (
    check_fit,
    fitted,
    load_transcoders,
    made_for_another,
)
from graphlabel.models.transcoders.transcoder import (
    Activation,
    BatchTopK,
    GroupMax,
    JumpReLU,
    NoTranscoder,
    ReadPoint,
    RectifiedTopK,
    ReLU,
    TopK,
    TranscoderLayer,
    Transcoders,
    WritePoint,
)

__all__ = [
    "Activation",
    "BatchTopK",
    "GroupMax",
    "JumpReLU",
    "NoTranscoder",
    "ReLU",
    "ReadPoint",
    "RectifiedTopK",
    "TopK",
    "TranscoderLayer",
    "Transcoders",
    "WritePoint",
    "check_fit",
    "fitted",
    "load_transcoders",
    "made_for_another",
]

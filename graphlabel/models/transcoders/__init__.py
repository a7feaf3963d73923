"""Transcoders: their kinds and their loaders."""

from graphlabel.models.transcoders.load import check_fit, load_transcoders
from graphlabel.models.transcoders.transcoder import (
    Activation,
    JumpReLU,
    ReadPoint,
    ReLU,
    TopK,
    TranscoderLayer,
    Transcoders,
    WritePoint,
)

__all__ = [
    "Activation",
    "JumpReLU",
    "ReLU",
    "ReadPoint",
    "TopK",
    "TranscoderLayer",
    "Transcoders",
    "WritePoint",
    "check_fit",
    "load_transcoders",
]

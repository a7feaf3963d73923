"""How each architecture is linearised: one declarative adapter a family."""

from graphlabel.models.architectures.adapter import Architecture, architecture_of
from graphlabel.models.architectures.norms import FrozenNorm, Norm

__all__ = ["Architecture", "FrozenNorm", "Norm", "architecture_of"]

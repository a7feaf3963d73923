"""How each architecture is linearised: one declarative adapter a family."""

from graphlabel.models.architectures.adapter import Architecture, Norm, architecture_of

__all__ = ["Architecture", "Norm", "architecture_of"]

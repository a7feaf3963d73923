"""Text from strangers, made safe to show; the library's own, under the name the widgets use."""

from graphlabel.inert import bare_token, inert

__all__ = ["bare_token", "inert"]

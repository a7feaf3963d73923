"""Annotate attribution graphs: trace, route, label, review, export."""

from graphlabel._version import __version__

__all__ = ["__version__"]

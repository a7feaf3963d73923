"""Text from strangers, made safe to show; see ``graphlabel.inert``."""

from __future__ import annotations

from graphlabel.inert import inert

__all__ = ["bare_token", "inert"]


def bare_token(text: str) -> str:
    """A token for a narrow place: inert, without the space before it; ``␣`` when nothing else."""
    shown = inert(text)
    return shown.strip(" ") or "␣"

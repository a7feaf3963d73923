"""Texts from the world as Markdown that cannot act."""

from __future__ import annotations

from graphlabel.inert import inert
from graphlabel.records import ActivationExample
from graphlabel.scoring.excerpts import Excerpt, cut_excerpt

AROUND = 8


def shown_excerpt(text: Excerpt | ActivationExample) -> str:
    """A few tokens around the peak, the peak in guillemets, as code."""
    excerpt = text if isinstance(text, Excerpt) else cut_excerpt(text)
    peak = excerpt.activations.index(excerpt.peak_activation)
    tokens = list(excerpt.tokens)
    bare = tokens[peak].strip() or "␣"
    space = " " if tokens[peak][:1].isspace() else ""
    tokens[peak] = f"{space}«{bare}»"
    return inert_code("".join(tokens[max(peak - AROUND, 0) : peak + AROUND + 1]))


def inert_code(text: str) -> str:
    """A text as inline code on one line; backticks are replaced, since they would end it."""
    plain = " ".join(inert(text).replace("`", "ˋ").split())
    return f"`{plain or ' '}`"

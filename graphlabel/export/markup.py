"""Text for XML and HTML: escaped, and inert beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from graphlabel.inert import inert


def text(value: object) -> str:
    """A text as element content."""
    return escape(inert(str(value)))


def attribute(value: object) -> str:
    """A text as an attribute's value, quotes included."""
    return quoteattr(inert(str(value)))


def element(name: str, attributes: Mapping[str, object], content: str | None = None) -> str:
    """An element; attributes that are None are left out, ``content`` is markup already."""
    written = "".join(
        f" {key}={attribute(number(value) if isinstance(value, float) else value)}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}/>" if content is None else f"<{name}{written}>{content}</{name}>"


def number(value: float) -> str:
    """A coordinate: one decimal, none when it is whole."""
    return f"{value:.1f}".removesuffix(".0")

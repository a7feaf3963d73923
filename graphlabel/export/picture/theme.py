"""Colours of the picture by role, in hues that colour-blind people tell apart (Okabe & Ito)."""

from __future__ import annotations

from typing import NamedTuple

from graphlabel.graph import NodeKind


class Theme(NamedTuple):
    """A colour for every role; any CSS colour, or a CSS variable for a page that switches."""

    background: str
    text: str
    quiet: str
    """Secondary text, and the outline of boxes that only give context."""
    positive: str
    negative: str
    group: str
    group_line: str
    feature: str
    feature_line: str
    token: str
    token_line: str
    logit: str
    logit_line: str
    error: str
    error_line: str


LIGHT = Theme(
    background="#ffffff",
    text="#16202c",
    quiet="#5b6675",
    positive="#0072b2",
    negative="#d55e00",
    group="#e8f1f8",
    group_line="#5c8fb4",
    feature="#ffffff",
    feature_line="#8a96a5",
    token="#f1f2f4",
    token_line="#a7afba",
    logit="#e3f4ee",
    logit_line="#2b9a78",
    error="#f8eee9",
    error_line="#b98b76",
)

DARK = Theme(
    background="#0f1319",
    text="#e6eaf0",
    quiet="#98a4b5",
    positive="#56b4e9",
    negative="#ff9552",
    group="#17293a",
    group_line="#4d86ad",
    feature="#161c25",
    feature_line="#67758a",
    token="#1d232d",
    token_line="#5b6677",
    logit="#10302a",
    logit_line="#2fc39a",
    error="#2b211d",
    error_line="#95725f",
)

PAGE = Theme(*(f"var(--{name.replace('_', '-')})" for name in Theme._fields))
"""Colours a page defines as CSS variables, so that it can switch between the two."""

THEMES = {"light": LIGHT, "dark": DARK}


def colours(kind: NodeKind, is_group: bool, theme: Theme) -> tuple[str, str]:
    """Fill and outline of a box."""
    if kind is NodeKind.TOKEN:
        return theme.token, theme.token_line
    if kind is NodeKind.LOGIT:
        return theme.logit, theme.logit_line
    if kind is NodeKind.ERROR:
        return theme.error, theme.error_line
    return (theme.group, theme.group_line) if is_group else (theme.feature, theme.feature_line)

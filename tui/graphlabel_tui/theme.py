"""Two themes in colour-blind-safe hues (Okabe & Ito), the only place with colours."""

from __future__ import annotations

from typing import NamedTuple

from textual.theme import Theme

DARK = Theme(
    name="graphlabel-dark",
    primary="#56b4e9",
    secondary="#0072b2",
    accent="#e69f00",
    warning="#f0e442",
    error="#ff7a33",
    success="#2fc39a",
    foreground="#d8dde6",
    background="#0f1319",
    surface="#131922",
    panel="#1b2330",
    dark=True,
    variables={
        "gl-input": "#56b4e9",
        "gl-output": "#f0a830",
        "gl-cross": "#e08fbd",
        "gl-obscure": "#f0e442",
        "gl-unrouted": "#aab4c4",
        "gl-error": "#78859a",
        "gl-token": "#d8dde6",
        "gl-logit": "#2fc39a",
        "gl-plus": "#5fb8f2",
        "gl-minus": "#ff8a4a",
        "gl-plus-weak": "#14283a",
        "gl-plus-middle": "#17435f",
        "gl-plus-strong": "#1667a0",
        "gl-minus-weak": "#3a2216",
        "gl-minus-middle": "#653213",
        "gl-minus-strong": "#a84a0c",
        "gl-heat-1": "#3a3414",
        "gl-heat-2": "#6b5410",
        "gl-heat-3": "#a2760a",
        "gl-heat-4": "#e69f00",
        "gl-on-heat": "#0f1319",
        "gl-muted": "#8793a6",
        "gl-line": "#2c3849",
        "gl-cursor": "#243349",
        "gl-ring": "#ffffff",
        "gl-on-ring": "#0f1319",
    },
)

LIGHT = Theme(
    name="graphlabel-light",
    primary="#0072b2",
    secondary="#56b4e9",
    accent="#9a5b00",
    warning="#8a6d00",
    error="#b84300",
    success="#00795a",
    foreground="#1c2430",
    background="#f7f8fa",
    surface="#fdfdfe",
    panel="#e8ecf2",
    dark=False,
    variables={
        "gl-input": "#0068a5",
        "gl-output": "#a35c00",
        "gl-cross": "#a13c78",
        "gl-obscure": "#7a6200",
        "gl-unrouted": "#4a5668",
        "gl-error": "#7c8797",
        "gl-token": "#1c2430",
        "gl-logit": "#00795a",
        "gl-plus": "#0068a5",
        "gl-minus": "#b84300",
        "gl-plus-weak": "#e2f0fa",
        "gl-plus-middle": "#b9dcf3",
        "gl-plus-strong": "#7fc1ec",
        "gl-minus-weak": "#fbe9df",
        "gl-minus-middle": "#f6cdb5",
        "gl-minus-strong": "#efa57c",
        "gl-heat-1": "#fdf3d3",
        "gl-heat-2": "#f9e09a",
        "gl-heat-3": "#f3c552",
        "gl-heat-4": "#e69f00",
        "gl-on-heat": "#1c2430",
        "gl-muted": "#5d6878",
        "gl-line": "#c5cdd8",
        "gl-cursor": "#d9e6f4",
        "gl-ring": "#1c2430",
        "gl-on-ring": "#ffffff",
    },
)

HIGH_CONTRAST = Theme(
    name="graphlabel-contrast",
    primary="#7fd4ff",
    secondary="#7fd4ff",
    accent="#ffc14d",
    warning="#fff27a",
    error="#ff9a66",
    success="#5fffc8",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        **DARK.variables,
        "gl-input": "#7fd4ff",
        "gl-output": "#ffc14d",
        "gl-cross": "#ffb3e6",
        "gl-obscure": "#fff27a",
        "gl-unrouted": "#ffffff",
        "gl-error": "#c8c8c8",
        "gl-token": "#ffffff",
        "gl-logit": "#5fffc8",
        "gl-plus": "#7fd4ff",
        "gl-minus": "#ffb080",
        "gl-muted": "#d0d0d0",
        "gl-line": "#909090",
        "gl-cursor": "#00477a",
        "gl-on-heat": "#000000",
        "gl-on-ring": "#000000",
    },
)

THEMES = (DARK, LIGHT, HIGH_CONTRAST)


class Role(NamedTuple):
    """How a role of the painted text looks: theme variables, and attributes for no colours."""

    color: str = ""
    background: str = ""
    rest: str = ""


ROLES = {
    "input": Role("gl-input"),
    "output": Role("gl-output"),
    "cross": Role("gl-cross"),
    "obscure": Role("gl-obscure"),
    "unrouted": Role("gl-unrouted"),
    "error": Role("gl-error"),
    "token": Role("gl-token"),
    "logit": Role("gl-logit"),
    "plus": Role("gl-plus"),
    "minus": Role("gl-minus"),
    "plus-weak": Role(background="gl-plus-weak"),
    "plus-middle": Role(background="gl-plus-middle"),
    "plus-strong": Role(background="gl-plus-strong", rest="bold"),
    "minus-weak": Role(background="gl-minus-weak"),
    "minus-middle": Role(background="gl-minus-middle"),
    "minus-strong": Role(background="gl-minus-strong", rest="bold"),
    "heat-1": Role(background="gl-heat-1"),
    "heat-2": Role(background="gl-heat-2"),
    "heat-3": Role(background="gl-heat-3"),
    "heat-4": Role("gl-on-heat", "gl-heat-4"),
    "peak": Role(rest="bold"),
    "muted": Role("gl-muted"),
    "line": Role("gl-muted"),
    "bold": Role(rest="bold"),
    "italic": Role(rest="italic"),
    "title": Role("primary", rest="bold"),
    "key": Role("accent", rest="bold"),
    "cursor": Role(background="gl-cursor", rest="bold"),
    "ring": Role("gl-ring", "gl-on-ring", "bold reverse"),
    "marked": Role(rest="bold underline"),
    "warn": Role("warning"),
    "good": Role("success"),
}
"""What a piece of painted text may be, and how it looks."""

WITHOUT_COLOR = {
    "cursor": "reverse",
    "heat-3": "underline",
    "heat-4": "underline",
    "plus-strong": "underline",
    "minus-strong": "underline",
}
"""What roles add when there are no colours to tell them by."""

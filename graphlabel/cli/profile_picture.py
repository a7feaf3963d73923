"""The layer profile as a picture: for the terminal and as SVG."""

from __future__ import annotations

from html import escape

from rich.text import Text

from graphlabel.protocol.profile import CLASSES, Profile, Trend

GLYPHS = dict(zip(CLASSES, "▼▲◆○", strict=True))
STYLES = dict(zip(CLASSES, ("cyan", "magenta", "yellow", "dim"), strict=True))
FILLS = dict(zip(CLASSES, ("#2f81b7", "#b5498f", "#b8860b", "#8a8f98"), strict=True))
"""Readable on white and on near-black; told apart without colour by their order."""

BAR, ROW, LEFT, RIGHT, TOP = 420, 24, 64, 520, 64
COLUMN = 112
"""Width of a class's share with its interval."""


def bar_lines(profile: Profile, width: int = 40) -> list[Text]:
    """A bar of glyphs a layer, the bottom layer last, with shares and their intervals."""
    legend = Text("        ")
    for each in CLASSES:
        legend.append(f"{GLYPHS[each]} {each.value}   ", STYLES[each])
    lines = [legend]
    for layer in reversed(profile.layers):
        line = Text(f"{f'L{layer}':>6}  ")
        row = profile.counts[profile.layers.index(layer)]
        for each, cells in zip(CLASSES, shared_cells(row.tolist(), width), strict=True):
            line.append(GLYPHS[each] * cells, STYLES[each])
        line.append(f"  n = {int(row.sum())}")
        lines.append(line)
    return lines


def interval_lines(profile: Profile) -> list[Text]:
    """A row of numbers a layer: every class's share in per cent with its 95 % interval."""
    lines = [Text(" " * 8 + "".join(f"{each.value:<18}" for each in CLASSES).rstrip())]
    for layer in reversed(profile.layers):
        cells = []
        for each in CLASSES:
            found = profile.share(layer, each)
            low, high = 100 * found.low, 100 * found.high
            cells.append(f"{100 * found.share:3.0f} % [{low:.0f}, {high:.0f}]".ljust(18))
        lines.append(Text(f"{f'L{layer}':>6}  " + "".join(cells).rstrip()))
    return lines


def trend_words(trend: Trend) -> str:
    """A trend in words."""
    p = "p < 0.001" if trend.p < 0.001 else f"p = {trend.p:.3f}"
    return f"{trend.claim}: z = {trend.z:+.2f}, {p}"


def shared_cells(counts: list[int], width: int) -> list[int]:
    """Cells for counts that sum to the width, by largest remainder."""
    whole = sum(counts)
    if not whole:
        return [0] * len(counts)
    exact = [count * width / whole for count in counts]
    cells = [int(each) for each in exact]
    order = sorted(range(len(counts)), key=lambda i: (cells[i] - exact[i], i))
    for place in order[: width - sum(cells)]:
        cells[place] += 1
    return cells


def svg(profile: Profile, title: str) -> str:
    """The profile as an SVG picture; the same profile gives the same bytes."""
    height = TOP + ROW * len(profile.layers) + 22 * 4 + 24
    width = LEFT + BAR + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{_plain(title)}">',
        "<style>text{font:13px sans-serif;fill:#1f2328}.m{fill:#59636e}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}}</style>",
        f'<text x="12" y="22" font-weight="bold">{_plain(title)}</text>',
    ]
    x = LEFT
    for each in CLASSES:
        parts.append(f'<rect x="{x}" y="36" width="12" height="12" fill="{FILLS[each]}"/>')
        parts.append(f'<text x="{x + 17}" y="47">{each.value}</text>')
        x += 92
    for number, each in enumerate(CLASSES):
        place = LEFT + BAR + 14 + COLUMN * number
        parts.append(f'<text class="m" x="{place}" y="47">{each.value}, %</text>')
    for number, layer in enumerate(reversed(profile.layers)):
        parts += _svg_row(profile, layer, TOP + ROW * number)
    y = TOP + ROW * len(profile.layers) + 24
    for trend in (*profile.trends, profile.joint):
        parts.append(f'<text class="m" x="12" y="{y}">{_plain(trend_words(trend))}</text>')
        y += 22
    return "\n".join([*parts, "</svg>", ""])


def _svg_row(profile: Profile, layer: int, y: int) -> list[str]:
    parts = [f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">L{layer}</text>']
    x = float(LEFT)
    columns = LEFT + BAR + 14
    for number, each in enumerate(CLASSES):
        found = profile.share(layer, each)
        span = BAR * found.share
        words = f"{each.value}: {found.count} of {found.of}, {found.low:.2f} to {found.high:.2f}"
        parts.append(
            f'<rect x="{x:.2f}" y="{y + 2}" width="{span:.2f}" height="{ROW - 6}" '
            f'fill="{FILLS[each]}"><title>{_plain(words)}</title></rect>'
        )
        x += span
        numbers = f"{100 * found.share:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"
        place = columns + COLUMN * number
        parts.append(f'<text class="m" x="{place}" y="{y + 15}">{numbers}</text>')
    n = int(profile.counts[profile.layers.index(layer)].sum())
    parts.append(
        f'<text class="m" x="{columns + COLUMN * len(CLASSES)}" y="{y + 15}">n = {n}</text>'
    )
    return parts


def _plain(text: str) -> str:
    kept = "".join(char for char in text if char.isprintable())
    return escape(kept, quote=True)

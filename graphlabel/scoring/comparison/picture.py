"""A comparison as an SVG picture: a panel a scorer, its methods with intervals beside chance.

Left of each panel the means over features, right the same by quantile of activation, for scorers
that judge texts. The same comparison gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from graphlabel.scoring.comparison.compare import Comparison
from graphlabel.scoring.intervals import Interval, Summary
from graphlabel.scoring.quantiles import QUANTILES

COLOURS = (
    "#2f81b7", "#b5498f", "#b8860b", "#2e9e6b", "#7a5cc0", "#c0562f", "#5f6b76", "#3b8f99",
)  # fmt: skip
"""Readable on white and on near-black; methods beyond these share them, told apart by name."""
MARKS = "●■▲◆▼★✚✖"
NAMES, MEANS, GAP, CURVES, NUMBERS = 190, 300, 40, 260, 185
ROW, HEAD, FOOT = 22, 54, 34
CURVE_HEIGHT = 110
WIDTH = NAMES + MEANS + NUMBERS + GAP + CURVES + 30


def comparison_svg(comparison: Comparison, title: str) -> str:
    """The picture; scorers without any value are left out."""
    panels: list[str] = []
    top = 44.0
    for scorer, measure in comparison.measures.items():
        summaries = {
            name: found for name, found in comparison.summaries(scorer).items() if found.value
        }
        if not summaries:
            continue
        curves = CURVE_HEIGHT if _has_curves(summaries) else 0
        height = HEAD + max(ROW * len(summaries), curves) + FOOT
        panels.append(f'<g transform="translate(0 {top:.0f})">')
        panels += _panel(f"{scorer}: {measure}", summaries, measure)
        panels.append("</g>")
        top += height
    return "\n".join([*_opening(title, top), *panels, "</svg>", ""])


def _opening(title: str, height: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{_plain(title)}">',
        "<style>text{font:13px sans-serif;fill:#1f2328}.m{fill:#59636e}.a{stroke:#8a8f98}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}}</style>",
        f'<text x="12" y="24" font-weight="bold">{_plain(title)}</text>',
    ]


def _panel(title: str, summaries: Mapping[str, Summary], measure: str) -> list[str]:
    low = -1.0 if measure == "Pearson r" else 0.0
    parts = [f'<text x="12" y="18" font-weight="bold">{_plain(title)}</text>']
    bottom = HEAD + ROW * len(summaries)
    parts += _axis(NAMES, MEANS, bottom, low)
    for row, (name, found) in enumerate(summaries.items()):
        parts += _row(name, found, HEAD + ROW * row, row, low)
    parts += _chance(summaries, bottom, low)
    return [*parts, *(_curves(summaries, low) if _has_curves(summaries) else [])]


def _has_curves(summaries: Mapping[str, Summary]) -> bool:
    return any(each.by_quantile for each in summaries.values())


def _row(name: str, summary: Summary, y: int, number: int, low: float) -> list[str]:
    value = summary.value
    assert value is not None, "only scorers with a value are drawn"
    colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
    parts = [
        f'<text x="{NAMES - 10}" y="{y + 15}" text-anchor="end">{_plain(name)} '
        f'<tspan fill="{colour}">{mark}</tspan></text>'
    ]
    if not math.isnan(value.low):
        x1, x2 = (_x(each, low) for each in (value.low, value.high))
        parts.append(
            f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y + 11}" y2="{y + 11}" stroke="{colour}" '
            'stroke-width="2.5"/>'
        )
    parts.append(
        f'<circle cx="{_x(value.mean, low):.1f}" cy="{y + 11}" r="4.5" fill="{colour}">'
        f"<title>{_plain(name)}: {interval_words(value)}</title></circle>"
    )
    words = interval_words(value)
    parts.append(
        f'<text class="m" x="{NAMES + MEANS + 12}" y="{y + 15}">{words}, n = {value.n}</text>'
    )
    return parts


def interval_words(value: Interval) -> str:
    """A mean with its interval, as words."""
    if math.isnan(value.low):
        return f"{value.mean:.2f}"
    return f"{value.mean:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _axis(left: int, width: int, bottom: int, low: float) -> list[str]:
    parts = []
    for step in range(5):
        share = step / 4
        x = left + width * share
        parts.append(
            f'<line class="a" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD - 6}" y2="{bottom}" '
            'stroke-width="0.4"/>'
        )
        value = low + (1 - low) * share
        parts.append(
            f'<text class="m" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        )
    return parts


def _chance(summaries: Mapping[str, Summary], bottom: int, low: float) -> list[str]:
    mean = sum(each.chance for each in summaries.values()) / len(summaries)
    x = _x(mean, low)
    return [
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD - 10}" y2="{bottom}" stroke="#d1242f" '
        'stroke-width="1.5" stroke-dasharray="5 3"/>',
        f'<text x="{x:.1f}" y="{HEAD - 14}" text-anchor="middle" fill="#d1242f" '
        f'style="fill:#d1242f">chance {mean:.2f}</text>',
    ]


def _curves(summaries: Mapping[str, Summary], low: float) -> list[str]:
    """A line a method over the quantiles, the weakest left; chance dashed."""
    left = NAMES + MEANS + NUMBERS + GAP

    def at(quantile: int, value: float) -> tuple[float, float]:
        share = (value - low) / (1 - low)
        x = left + CURVES * (quantile + 0.5) / QUANTILES
        return x, HEAD + CURVE_HEIGHT * (1 - min(1.0, max(0.0, share)))

    parts = [
        f'<rect class="a" x="{left}" y="{HEAD}" width="{CURVES}" height="{CURVE_HEIGHT}" '
        'fill="none" stroke-width="0.5"/>'
    ]
    for value in (low, 1.0):
        y = at(0, value)[1] + 4
        parts.append(
            f'<text class="m" x="{left - 6}" y="{y:.1f}" text-anchor="end">{value:g}</text>'
        )
    mean = sum(each.chance for each in summaries.values()) / len(summaries)
    y = at(0, mean)[1]
    parts.append(
        f'<line x1="{left}" x2="{left + CURVES}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d1242f" '
        'stroke-width="1.2" stroke-dasharray="5 3"/>'
    )
    for number, summary in enumerate(summaries.values()):
        points = [at(q, summary.by_quantile[q].mean) for q in sorted(summary.by_quantile)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>' for x, y in points]
    words = ("weakest tenth", "strongest")
    bottom = HEAD + CURVE_HEIGHT + 16
    parts.append(f'<text class="m" x="{left}" y="{bottom}">{words[0]}</text>')
    parts.append(
        f'<text class="m" x="{left + CURVES}" y="{bottom}" text-anchor="end">{words[1]}</text>'
    )
    return parts


def _x(value: float, low: float) -> float:
    share = (value - low) / (1 - low)
    return NAMES + MEANS * min(1.0, max(0.0, share))


def _plain(text: str) -> str:
    return escape("".join(char for char in text if char.isprintable()), quote=True)

"""A feature's evidence as lines: examples in context, histogram, logits, explanations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from graphlabel.errors import EvidenceError
from graphlabel.records import (
    ActivationExample,
    Explanation,
    FeatureRecord,
    Histogram,
    LogitEffect,
)
from graphlabel_tui.glyphs import dots
from graphlabel_tui.inert import bare_token, inert
from graphlabel_tui.lines import Line, Span, clip, crop, line, width_of, wrap
from graphlabel_tui.wording import number, percent, signed

BLOCKS = " ▁▂▃▄▅▆▇█"
HEAT_LEVELS = 4
EXAMPLES_SHOWN = 10
MOST_REMARKS, MOST_REMARKED = 4, 400
"""Remarks shown of a record, and characters of each."""


def quantile_line(record: FeatureRecord, chosen: int, width: int) -> Line:
    """The stretches of the activation distribution, the one shown highlighted."""
    spans = [Span("── examples  ", "line")]
    for at, quantile in enumerate(record.quantiles):
        spans.append(Span(" ▸ " if at else "", "muted"))
        name = inert(quantile.name)
        spans.append(Span(f"[{name}]", "title") if at == chosen else Span(name, "muted"))
    rest = width - width_of(spans) - 8
    hint = [Span("  , . ", "key")] if len(record.quantiles) > 1 and rest >= 0 else []
    hint.append(Span(" "))
    left = width - width_of(spans) - width_of(hint)
    return line(*crop([*spans, *hint, Span("─" * max(0, left), "line")], width))


def example_lines(examples: Sequence[ActivationExample], width: int, limit: int) -> list[Line]:
    """Examples one below the other, their peaks in one column."""
    highest = max((max(each.activations, default=0.0) for each in examples), default=0.0)
    return [example_line(each, width, highest) for each in examples[:limit]]


def example_line(example: ActivationExample, width: int, highest: float) -> Line:
    """An example around its peak; the peak stands in brackets, shading shows activation.

    An example that was drawn for another token stands around that one, in angle brackets.
    """
    try:
        peak, brackets = example.peak, "[]"
        if example.sampled not in (None, peak):
            peak, brackets = example.sampled, "‹›"
    except EvidenceError:
        return line(Span("(an example of special tokens only)", "muted"))
    value = f" {number(example.activations[peak])}" if width >= 40 else ""
    room = width - cell_len(value)
    text = inert(example.tokens[peak])
    bare = clip(text.strip(" ") or "␣", max(4, room // 3))
    before = room * 11 // 20
    left = _side(example, range(peak - 1, -1, -1), before - (text[:1] == " "), highest)
    if text[:1] == " ":
        left.append(Span(" "))
    used = width_of(left)
    right = _side(
        example,
        range(peak + 1, len(example.tokens)),
        max(0, room - before - cell_len(bare) - 2),
        highest,
    )
    middle = [
        Span(brackets[0], "peak"),
        Span(bare, f"peak {heat(example.activations[peak], highest)}"),
    ]
    spans = [Span(" " * (before - used)), *left, *middle, Span(brackets[1], "peak"), *right]
    gap = " " * max(0, room - width_of(spans))
    return line(*spans, Span(gap), Span(value, "muted"))


def _side(example: ActivationExample, places: range, room: int, highest: float) -> list[Span]:
    """Tokens outward from the peak while there is room, in reading order."""
    forward = places.step > 0
    spans: list[Span] = []
    for place in places:
        if place in example.special:
            continue
        text = inert(example.tokens[place])
        if cell_len(text) > room - 1 and place not in (0, len(example.tokens) - 1):
            spans.append(Span("…"[:room], "muted"))
            break
        if cell_len(text) > room:
            spans.append(Span("…"[:room], "muted"))
            break
        room -= cell_len(text)
        spans.append(Span(text, heat(example.activations[place], highest)))
    return spans if forward else spans[::-1]


def remark_lines(record: FeatureRecord, chosen: int, width: int) -> list[Line]:
    """What one should know of the examples shown: who drew them, what was left out."""
    examples = record.quantiles[chosen].examples if record.quantiles else ()
    said = [inert(remark, MOST_REMARKED) for remark in record.remarks[:MOST_REMARKS]]
    if any(_is_beside_peak(each) for each in examples[:EXAMPLES_SHOWN]):
        said.append("‹ › the token it was drawn for; the feature fires more strongly nearby")
    if record.dropped:
        said.append(f"{record.dropped} broken examples in the source were left out")
    return [each for words in said for each in wrap(f"! {words}", width, "warn", limit=3)]


def _is_beside_peak(example: ActivationExample) -> bool:
    # an example of special tokens only has no peak to ask for
    only_special = len(example.special) >= len(example.tokens)
    return not only_special and example.sampled not in (None, example.peak)


def heat(value: float, highest: float) -> str:
    """The role of a token by its activation."""
    if value <= 0 or highest <= 0:
        return ""
    return f"heat-{max(1, min(HEAT_LEVELS, math.ceil(HEAT_LEVELS * value / highest)))}"


def histogram_lines(record: FeatureRecord, here: float | None, width: int) -> list[Line]:
    """The activation histogram with this prompt's activation marked below it."""
    facts = []
    if record.density is not None:
        facts.append(f"density {percent(record.density)}")
    if record.max_activation is not None:
        facts.append(f"max {number(record.max_activation)}")
    found = record.histogram
    if found is None or not found.counts or found.high <= found.low:
        if here is not None:
            facts.insert(0, f"this prompt {number(here)}")
        return [line(Span(" · ".join(facts), "muted"))] if facts else []
    said = "  " + " · ".join(facts)
    cells = max(8, min(len(found.counts), width // 2, 40, width - cell_len(said)))
    top = line(*crop([Span(_sparkline(found, cells), "title"), Span(said, "muted")], width))
    if here is None:
        return [top]
    share = (here - found.low) / (found.high - found.low)
    at = max(0, min(cells - 1, int(share * cells)))
    caption = f"▲ this prompt {number(here)}"
    if at + cell_len(caption) > width:
        caption = f"this prompt {number(here)} ▲"
        return [top, line(Span(" " * max(0, at - cell_len(caption) + 1)), Span(caption, "bold"))]
    return [top, line(Span(" " * at), Span(caption, "bold"))]


def _sparkline(histogram: Histogram, cells: int) -> str:
    counts = [0] * cells
    for at, count in enumerate(histogram.counts):
        counts[at * cells // len(histogram.counts)] += count
    highest = math.sqrt(max(counts) or 1)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[math.ceil(steps * math.sqrt(count) / highest)] for count in counts)


def logit_lines(record: FeatureRecord, width: int) -> list[Line]:
    """The tokens whose logits the feature moves most, up and down."""
    found = []
    for sign, role, effects in (
        ("logits + ", "plus", record.top_logits),
        ("logits − ", "minus", record.bottom_logits),
    ):
        if effects:
            found.append(line(*crop(_effects(sign, role, effects), width)))
    return found


def _effects(head: str, role: str, effects: Sequence[LogitEffect]) -> list[Span]:
    spans = [Span(head, role)]
    for at, effect in enumerate(effects[:10]):
        value = "" if effect.value is None else f" {signed(effect.value)}"
        spans += [Span("  " if at else ""), Span(bare_token(effect.token)), Span(value, "muted")]
    return spans


def explanation_lines(explanations: Sequence[Explanation], width: int) -> list[Line]:
    """What label methods said of the feature."""
    found: list[Line] = []
    for each in explanations[:4]:
        found += wrap(f"“{inert(each.text)}”", width, limit=3)
        who = " · ".join(inert(part) for part in (each.method, each.model) if part)
        trust = f"  {dots(each.score)} {each.score:.2f}" if each.score is not None else ""
        if who or trust:
            found.append(line(Span(clip(f"  {who}{trust}", width), "muted")))
    return found

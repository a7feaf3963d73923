"""A feature as a person wants to see it in the terminal, as wide as the terminal is.

The peak stands in guillemets, so that nothing is lost without colours; shading shows activations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graphlabel.inert import inert

if TYPE_CHECKING:
    from graphlabel.annotation import Verbalization
    from graphlabel.evidence import FeatureSource
    from graphlabel.records import (
        ActivationExample,
        Explanation,
        FeatureRecord,
        Histogram,
        LogitEffect,
    )

BARS = " ▁▂▃▄▅▆▇█"
HEAT = ("underline", "black on #ffe08a", "black on #ffb84d", "black on #ff8c1a")
"""Backgrounds from weak to strong activations; the terminal shows the nearest it has."""
_VALUE = 8
_LOGITS = 10


def print_feature(
    name: str,
    source: FeatureSource,
    record: FeatureRecord,
    per_quantile: int,
    aids: Sequence[Verbalization] = (),
) -> None:
    """Print a record: what it is, its numbers, its logits, what it is known as, its examples.

    ``aids`` are what verbalizers said of it.
    """
    console = Console(highlight=False)
    lines = [*_head(name, source, record), *_numbers(record, console.width)]
    for sign, logits in (("+", record.top_logits), ("−", record.bottom_logits)):
        lines += [_logits(sign, logits, console.width)] if logits else []
    lines += [_known_as(each) for each in record.explanations]
    for each in aids:
        lines += [Text(inert(line)) for line in verbalization_lines(each)]
    for line in lines:
        console.print(line, soft_wrap=False)
    every = [example for part in record.quantiles for example in part.examples]
    highest = max((max(example.activations) for example in every), default=0.0)
    for quantile in record.quantiles:
        shown = quantile.examples[:per_quantile]
        count = f"{len(shown)} of {len(quantile.examples)} examples"
        console.print(
            Text.assemble((f"── {inert(quantile.name)} ──", "bold"), (f" {count}", "dim"))
        )
        for example in shown:
            console.print(example_line(example, console.width, highest), no_wrap=True, crop=True)
    if not every:
        console.print(f"no examples: {_why_none(record)}")


def _why_none(record: FeatureRecord) -> str:
    if record.dropped:
        return "all that the source holds are broken"
    if record.density == 0:
        return "it never fired while the evidence was collected"
    return "the source holds none"


def print_parts(parts: Iterable[dict[str, Any]]) -> None:
    """Print what sources hold: features by layer, the first ones by name."""
    console = Console(highlight=False)
    for part in parts:
        owner = part["transcoder_set"] or "it does not say whose features these are"
        console.print(Text(f"{inert(part['source'])} ({part['kind']})", style="bold"))
        console.print(Text(f"{inert(owner)}: {part['features']} features"))
        table = Table(box=None, pad_edge=False)
        table.add_column("layer", justify="right")
        table.add_column("features", justify="right")
        table.add_column("first", overflow="fold")
        for layer in part["layers"]:
            names = "  ".join(inert(name) for name in layer["first"])
            table.add_row(str(layer["layer"]), str(layer["features"]), Text(names))
        console.print(table)


def _head(name: str, source: FeatureSource, record: FeatureRecord) -> list[Text]:
    title = Text(f"{record.key}", style="bold")
    if name != f"{record.key.layer}/{record.key.feature}":
        title.append(f"   {inert(name)}", "bold")
    owner = str(record.transcoder_set or "a transcoder set it does not name")
    about = Text(f"{inert(owner)}\nfrom {inert(source.name)} ({source.kind})", style="dim")
    notes = [Text(inert(remark), style="italic") for remark in record.remarks]
    if record.dropped:
        notes.append(
            Text(
                f"left out: {record.dropped} broken example{'s' * (record.dropped > 1)}",
                style="italic",
            )
        )
    return [title, about, *notes]


def _numbers(record: FeatureRecord, width: int) -> list[Text]:
    facts = []
    if record.density is not None:
        facts.append(f"fires on {record.density:.3%} of tokens")
    if record.max_activation is not None:
        facts.append(f"max {record.max_activation:.3g}")
    lines = [Text(", ".join(facts))] if facts else []
    if record.histogram and any(record.histogram.counts):
        found = record.histogram
        bars = sparkline(found, min(len(found.counts), max(10, width - 40)))
        lines.append(Text(f"activations {bars}  {round(found.low, 3):g} … {found.high:.3g}"))
    return lines


def sparkline(histogram: Histogram, cells: int) -> str:
    """The counts as bars, square roots so that the rare strong ones stay visible."""
    counts = [0] * cells
    for at, count in enumerate(histogram.counts):
        counts[at * cells // len(histogram.counts)] += count
    highest = math.sqrt(max(counts) or 1)
    steps = len(BARS) - 1
    return "".join(BARS[math.ceil(steps * math.sqrt(count) / highest)] for count in counts)


def _logits(sign: str, logits: Sequence[LogitEffect], width: int) -> Text:
    line = Text(f"logits {sign} ", style="bold")
    for effect in logits[:_LOGITS]:
        value = "" if effect.value is None else f" {effect.value:+.2f}"
        token = inert(effect.token).strip() or "␣"
        piece = Text.assemble("  ", (token, "default not bold"), (value, "dim not bold"))
        if line.cell_len + piece.cell_len > width:
            break
        line.append_text(piece)
    return line


def _known_as(each: Explanation) -> Text:
    trust = "" if each.score is None else f"{each.score:.2f}"
    who = ", ".join(inert(part) for part in (each.method, each.model, trust) if part)
    made_by = (f" ({who})" if who else "", "dim")
    return Text.assemble("known as “", (inert(each.text), "bold"), "”", made_by)


def verbalization_lines(each: Verbalization) -> list[str]:
    """What a verbalizer said, under a line on who, of what, and how far to trust it."""
    of = {"prompt": "here", "example": "at an example's peak", "direction": "of what it writes"}
    doubts = [
        f"in {each.model}" if each.model else "",
        f"cosine {each.cosine:.2f}" if each.cosine is not None else "",
        "truncated" if each.truncated else "",
        each.out_of_distribution,
    ]
    head = " · ".join([f"{each.verbalizer}, {of[each.reading]}", *filter(None, doubts)])
    return [f"◦ {head}", *each.text.splitlines()]


def example_line(example: ActivationExample, width: int, highest: float) -> Text:
    """An example around the token it was drawn for, that token in guillemets, in one column."""
    focus = example.peak if example.sampled is None else example.sampled
    room = max(width - _VALUE - 2, 24)
    before = room * 11 // 20
    token = inert(example.tokens[focus])
    space, bare = (" " if token[:1] == " " else ""), token.strip(" ") or "␣"
    left = _context(example, range(focus - 1, -1, -1), before - len(space), highest)
    right = _context(
        example, range(focus + 1, len(example.tokens)), room - before - cell_len(bare) - 2, highest
    )
    value = example.activations[focus]
    return Text.assemble(
        (f"{value:{_VALUE}.3f}  ", "dim"),
        " " * max(0, before - len(space) - left.cell_len),
        left,
        space,
        ("«", "bold"),
        (bare, f"bold {_heat(value, highest)}".strip()),
        ("»", "bold"),
        right,
    )


def _context(example: ActivationExample, places: range, room: int, highest: float) -> Text:
    """Tokens outward from the focus while there is room, in reading order."""
    pieces: list[Text] = []
    for place in places:
        if place in example.special:
            continue
        token = inert(example.tokens[place])
        if cell_len(token) > room:
            break
        room -= cell_len(token)
        pieces.append(Text(token, style=_heat(example.activations[place], highest)))
    return Text().join(pieces if places.step > 0 else pieces[::-1])


def _heat(value: float, highest: float) -> str:
    if value <= 0 or highest <= 0:
        return ""
    return HEAT[min(len(HEAT), math.ceil(len(HEAT) * value / highest)) - 1]

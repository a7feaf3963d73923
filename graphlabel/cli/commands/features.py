"""``graphlabel features``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import JsonFlag
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.graph import FeatureKey
    from graphlabel.records import ActivationExample, FeatureRecord

app = typer.Typer(help="Look at features' evidence.", no_args_is_help=True)

_KEY = re.compile(r"^\s*L?(\d+)\s*[/:#_ ,]\s*#?(\d+)\s*$", re.IGNORECASE)
_BARS = " ▁▂▃▄▅▆▇█"


@app.callback()
def _features() -> None:
    pass


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="Layer and feature, such as 2/214.")],
    features: Annotated[
        str, typer.Option("--features", help="Feature index (a folder).", metavar="SOURCE")
    ],
    per_quantile: Annotated[int, typer.Option(min=1, help="Examples of each quantile.")] = 5,
    json: JsonFlag = False,
) -> None:
    """Show a feature: examples by quantile with the peak marked, logits, histogram, density."""
    from graphlabel.cli.console import print_json, say
    from graphlabel.evidence import need, open_source

    record = need(open_source(features), parse_key(key))
    if json:
        print_json(_plain(record))
        return
    for line in _lines(record, per_quantile):
        say(line)


def parse_key(text: str) -> FeatureKey:
    """A feature key from ``2/214``, ``2_214``, ``L2 #214`` and the like."""
    from graphlabel.graph import FeatureKey

    match = _KEY.match(text)
    if not match:
        raise UsageError(f"“{text[:60]}” names no feature; write layer/feature, such as 2/214")
    return FeatureKey(int(match[1]), int(match[2]))


def _plain(record: FeatureRecord) -> dict[str, Any]:
    import msgspec

    value: dict[str, Any] = msgspec.to_builtins(record)
    return value


def _lines(record: FeatureRecord, per_quantile: int) -> list[str]:
    lines = [f"{record.key}   {record.transcoder_set or ''}"]
    if record.density is not None:
        lines.append(f"fires on {record.density:.3%} of tokens, max {record.max_activation:.3g}")
    if record.histogram:
        most = max(record.histogram.counts)
        bars = "".join(_BARS[-(-count * 8 // most)] for count in record.histogram.counts)
        lines.append(f"activations {bars}  {record.histogram.low:g} … {record.histogram.high:g}")
    for sign, logits in (("+", record.top_logits), ("−", record.bottom_logits)):
        if logits:
            lines.append(f"logits {sign}  " + " ".join(_visible(each.token) for each in logits))
    lines += [f"known as: {each.text} ({each.method})" for each in record.explanations]
    for quantile in record.quantiles:
        lines.append(f"── {quantile.name} ──")
        lines += [_marked(example) for example in quantile.examples[:per_quantile]]
    if not record.quantiles:
        lines.append("it never fired while the index was built")
    return lines


def _marked(example: ActivationExample) -> str:
    """The text around the peak, the peak in guillemets, its activation in front."""
    peak = example.peak
    before = "".join(example.tokens[max(peak - 12, 0) : peak])
    after = "".join(example.tokens[peak + 1 : peak + 9])
    token = example.tokens[peak]
    space = " " if token.startswith(" ") else ""
    shown = f"{_visible(before)}{space}«{_visible(token)}»{_visible(after)}"
    return f"{example.peak_activation:8.3f}  {shown}"


def _visible(text: str) -> str:
    from graphlabel.annotation import clean_label

    plain = text.replace("\n", "⏎").replace("\t", "→")
    space_before = " " if plain.startswith(" ") and len(plain.strip()) != len(plain) else ""
    return (space_before if len(plain) > 12 else "") + clean_label(plain)

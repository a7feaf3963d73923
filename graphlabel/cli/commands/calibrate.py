"""``graphlabel calibrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlabel.cli.options import JsonFlag, OfflineOption, OutputFile, SourceOption
from graphlabel.cli.protocol_options import NOT_FOR_CALIBRATE, ProtocolOptions, protocol_options

if TYPE_CHECKING:
    from rich.table import Table

    from graphlabel.protocol import Calibration, Window


@protocol_options(*NOT_FOR_CALIBRATE)
def calibrate(
    features: SourceOption,
    output: OutputFile,
    protocol: ProtocolOptions,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Learn what chance looks like: score unrelated windows of a source's features."""
    from graphlabel.cli.console import note, print_json, print_table, progress
    from graphlabel.cli.pipeline import check_writable, feature_flags
    from graphlabel.cli.routing import encoder_for, make_calibration
    from graphlabel.evidence import open_sources
    from graphlabel.protocol import write_calibration

    settings = protocol.calibrated()
    source = open_sources(features, offline=offline)
    check_writable(output)
    if not json:
        note("loading the sentence encoder")
    encoder = encoder_for(protocol.route_options(calibrating=True))
    with progress("calibrate", quiet=json) as report:
        made = make_calibration(source, encoder, settings, report)
    write_calibration(made, output)
    if json:
        print_json({"file": str(output), **_facts(made)})
        return
    print_table(_table(made))
    for side, cutoff in made.cutoffs.items():
        note(f"{side}: passes at p ≤ {cutoff:.2g}, decides from effect {made.floor(side):g}")
    note(f"wrote {output}: {made.n_features} features of {made.source or source.name}, "
         f"{settings.draws:,} draws, {made.encoder} {made.encoder_revision}")  # fmt: skip
    note(f"next: graphlabel route --all {feature_flags(features)} --calibration {output} --json")


def _windows(made: Calibration) -> list[tuple[str, Window]]:
    return [(side, window) for side, each in made.settings.sides.items() for window in each]


def _facts(made: Calibration) -> dict[str, Any]:
    n = made.settings.n
    return {
        "source": made.source,
        "features": made.n_features,
        "encoder": made.encoder,
        "encoder_revision": made.encoder_revision,
        "draws": made.settings.draws,
        "time": made.time,
        "graphlabel": made.version,
        "cutoffs": dict(made.cutoffs),
        "windows": [
            {
                "side": side,
                "window": [window.start, window.stop],
                "quantiles": list(made.quantiles[window]),
                "null_mean": made.nulls[window, n].mean,
                "null_95": made.nulls[window, n].quantile(0.95),
                "q95": made.q95[window],
            }
            for side, window in _windows(made)
        ],
    }


def _table(made: Calibration) -> Table:
    """S of the features beside S of chance, window by window."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    n = made.settings.n
    which = "weighted S" if made.settings.weighted else "S"
    title = f"{which} of {made.n_features} features, and of {n} unrelated windows (chance)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    names = ("10 %", "25 %", "50 %", "75 %", "90 %", "95 %", "chance", "its 95 %", "p ≤")
    table.add_column("side")
    for name in ("window", *names):
        table.add_column(name, justify="right", no_wrap=True)
    for side, window in _windows(made):
        null = made.nulls[window, n]
        values = [*made.quantiles[window], made.q95[window], null.mean, null.quantile(0.95)]
        shown = [f"{value:.2f}" for value in values]
        table.add_row(side, str(window), *shown, f"{made.cutoffs[side]:.2g}")
    return table

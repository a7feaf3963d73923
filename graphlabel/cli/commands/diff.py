"""``graphlabel diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import FileOnly, JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.files.compare import Comparison, Occurrences, SharedFeature

_AGREEMENT = {True: "✓", False: "✗", None: ""}
_WIDEST_LABEL = 60


def diff(
    left: Annotated[Path, typer.Argument(help="Graph file.", metavar="A")],
    right: Annotated[Path, typer.Argument(help="Graph file to compare with.", metavar="B")],
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Compare graphs of different transcoders.")
    ] = False,
    store: StoreOption = None,
    file_only: FileOnly = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Compare two prompts' graphs: the features they share, their labels, whether these agree."""
    from graphlabel.cli.console import note, print_json, print_table
    from graphlabel.cli.pipeline import with_stored_edits
    from graphlabel.files import read_graph
    from graphlabel.files.compare import compare

    documents = [read_graph(path, trust_pickle=trust_pickle) for path in (left, right)]
    if not file_only:
        documents = [with_stored_edits(document, store)[0] for document in documents]
    found = compare(documents[0], documents[1], any_set=any_set)
    if json:
        print_json(_facts(found))
        return
    if found.shared:
        print_table(_table(found, documents[0].slug, documents[1].slug))
    verdicts = [each.agree for each in found.shared]
    note(
        f"{len(found.shared)} features in both, {found.only_left} only in {left}, "
        f"{found.only_right} only in {right}; labels agree on {verdicts.count(True)}, differ on "
        f"{verdicts.count(False)}"
    )


def _facts(found: Comparison) -> dict[str, Any]:
    verdicts = [each.agree for each in found.shared]
    return {
        "shared": len(found.shared),
        "only_a": found.only_left,
        "only_b": found.only_right,
        "agree": verdicts.count(True),
        "differ": verdicts.count(False),
        "features": [_feature(each) for each in found.shared],
    }


def _feature(each: SharedFeature) -> dict[str, Any]:
    def side(seen: Occurrences) -> dict[str, Any]:
        return {
            "positions": list(seen.positions),
            "labels": list(seen.labels),
            "influence": seen.influence,
        }

    return {
        "layer": each.key.layer,
        "feature": each.key.feature,
        "a": side(each.left),
        "b": side(each.right),
        "agree": each.agree,
    }


def _table(found: Comparison, left: str, right: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    from graphlabel.inert import inert

    def cell(text: str) -> Text:
        return Text(inert(text, most=_WIDEST_LABEL))

    def positions(seen: Occurrences) -> str:
        return ", ".join(map(str, seen.positions))

    table = Table(title=Text(inert(f"{left} and {right}", most=100)), title_justify="left")
    for name in ("feature", "at in A", "label in A", "", "at in B", "label in B"):
        table.add_column(name, no_wrap=name in ("feature", ""))
    for each in found.shared:
        table.add_row(
            str(each.key),
            cell(positions(each.left)),
            cell(" · ".join(each.left.labels)),
            _AGREEMENT[each.agree],
            cell(positions(each.right)),
            cell(" · ".join(each.right.labels)),
        )
    return table

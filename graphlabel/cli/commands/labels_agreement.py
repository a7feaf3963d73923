"""``graphlabel labels agreement``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.label_options import GraphOption, SetOption
from graphlabel.cli.options import JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.exchange import Agreement, Judgement
    from graphlabel.exchange.agreement import Estimate
    from graphlabel.files import GraphDocument

_MOST_DIFFERENCES = 10
_WIDEST_NAME = 16
_INTERVAL = "95 % interval"


def agreement(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of labels to compare, an annotator each; without any, the store's labels.",
            metavar="FILE",
        ),
    ] = None,
    graph: GraphOption = None,
    transcoders: SetOption = None,
    annotator: Annotated[
        list[str] | None,
        typer.Option(help="Compare these annotators alone; can be given several times."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Sentence encoder for labels.", metavar="NAME_OR_FOLDER"),
    ] = None,
    classes_only: Annotated[
        bool, typer.Option("--classes-only", help="Do not compare labels; needs no encoder.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    store: StoreOption = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Say how far annotators agree on the same features: kappa of classes, cosine of labels."""
    from graphlabel.cli.console import print_json
    from graphlabel.cli.label_options import document_of
    from graphlabel.cli.routing import RouteOptions, encoder_for
    from graphlabel.errors import UsageError
    from graphlabel.exchange import agreement as computed

    document = document_of(graph, trust_pickle)
    if files and transcoders:
        raise UsageError("--set chooses from the store; leave it out, or the files")
    judged = _of_files(files, document) if files else _of_store(store, transcoders, document)
    chosen = _chosen(judged, annotator or ())
    encode = None if classes_only else encoder_for(RouteOptions(encoder=encoder)).encode
    found = computed(chosen, encode, seed=seed)
    if json:
        print_json(_facts(found))
    else:
        _print(found)


def _of_store(
    named: str | None, transcoders: str | None, document: GraphDocument | None
) -> list[Judgement]:
    from graphlabel.cli.label_options import about, existing_store, owner_of
    from graphlabel.exchange import judgements_of_store

    with existing_store(named) as opened:
        owner = owner_of(opened, transcoders, document)
        return list(judgements_of_store(about(opened.latest_by_annotator(), owner, document)))


def _of_files(files: list[Path], document: GraphDocument | None) -> list[Judgement]:
    """The judgements in files; rows that say nothing are noted and left out."""
    from graphlabel.cli.console import note
    from graphlabel.exchange import Given, Refusal, judgements_of_files, read_labels
    from graphlabel.graph import graph_key
    from graphlabel.records import TranscoderSet

    given = Given()
    if document is not None:
        given = Given(TranscoderSet.of(document.graph.source), graph_key(document.graph))
    found = {}
    for path in files:
        rows = list(read_labels(path, given).labels)
        found[path.name] = [row for row in rows if not isinstance(row, Refusal)]
        lost = len(rows) - len(found[path.name])
        if lost:
            note(f"{path}: {lost} rows are no labels, left out")
    return list(judgements_of_files(found))


def _chosen(judged: Sequence[Judgement], names: Iterable[str]) -> list[Judgement]:
    """The judgements of the annotators that were named; raises UsageError when they are not two."""
    from graphlabel.errors import UsageError

    wanted = set(names)
    known = sorted({each.annotator for each in judged})
    missing = sorted(wanted - set(known))
    listed = ", ".join(known[:8]) + (" …" if len(known) > 8 else "")
    if missing:
        raise UsageError(f"nobody called {', '.join(missing)} has labels here, but {listed or '–'}")
    chosen = [each for each in judged if not wanted or each.annotator in wanted]
    if len({each.annotator for each in chosen}) < 2:
        raise UsageError(
            f"agreement needs two annotators, and labels are by {listed or 'nobody'}; add "
            "others' with graphlabel labels import, or name two files"
        )
    return chosen


def _facts(found: Agreement) -> dict[str, Any]:
    from graphlabel.exchange.agreement import CLASSES, CONFIDENCE, RESAMPLES

    return {
        "annotators": dict(found.annotators),
        "pairs": [
            {
                "annotators": [pair.first, pair.second],
                "features_with_classes": pair.n_classes,
                "same_class": pair.same,
                "cohen_kappa": _estimate(pair.kappa),
                "confusion": [list(row) for row in pair.confusion],
                "features_with_labels": pair.n_labels,
                "label_cosine": _estimate(pair.cosine),
                "label_cosine_chance": pair.chance,
            }
            for pair in found.pairs
        ],
        "classes": [each.value for each in CLASSES],
        "fleiss_kappa": _estimate(found.fleiss) if found.fleiss else None,
        "features_with_all_classes": found.n_fleiss,
        "differences": list(found.differences),
        "bootstrap": {"resamples": RESAMPLES, "confidence": CONFIDENCE},
    }


def _estimate(value: Estimate) -> dict[str, float | None]:
    return {"value": value.value, "low": value.low, "high": value.high}


def _print(found: Agreement) -> None:
    from graphlabel.cli.console import note, say

    classes = [
        (pair, str(pair.n_classes), f"{pair.same or 0:.0%}", *_shown(pair.kappa))
        for pair in found.pairs
        if pair.n_classes
    ]
    if classes:
        _print_table("Classes", ("features", "same", "Cohen's κ", _INTERVAL), classes)
    if found.fleiss is not None and found.n_fleiss:
        value, interval = _shown(found.fleiss)
        judged = f"{found.n_fleiss} features that all {len(found.annotators)} judged"
        say(f"Fleiss' κ {value} ({interval}), {judged}")
    labels = [
        (pair, str(pair.n_labels), *_shown(pair.cosine), _two_places(pair.chance))
        for pair in found.pairs
        if pair.n_labels
    ]
    if labels:
        _print_table("Labels", ("features", "cosine", _INTERVAL, "by chance"), labels)
    if not (classes or labels):
        note("no two annotators judged the same feature")
    if found.differences:
        some = found.differences[:_MOST_DIFFERENCES]
        more = len(found.differences) - len(some)
        note(f"different classes: {', '.join(some)}{f' and {more} more' if more else ''}")


def _print_table(title: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from graphlabel.cli.console import print_table
    from graphlabel.inert import inert

    table = Table(title=title, title_justify="left")
    table.add_column("annotators", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for pair, *cells in rows:
        who = " × ".join(inert(name, most=_WIDEST_NAME) for name in (pair.first, pair.second))
        table.add_row(Text(who), *cells)
    print_table(table)


def _two_places(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _shown(estimate: Estimate) -> tuple[str, str]:
    """A value and its interval."""
    if estimate.low is None or estimate.high is None:
        return "–", "–"
    return _two_places(estimate.value), f"{estimate.low:.2f} … {estimate.high:.2f}"

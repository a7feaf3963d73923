"""``graphlabel labels carry``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.annotation import CarryOver, CarryReport
    from graphlabel.files import GraphDocument
    from graphlabel.store import GraphHistory, Store


def carry(
    graph: GraphFile,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="The other graph's file; without it, the one of the same prompt and transcoders "
            "that was edited last in the store.",
            metavar="GRAPH",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would fit and what would not.")
    ] = False,
    author: Annotated[str, typer.Option(help="Your name; the login by default.")] = "",
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Even from a graph of other transcoders.")
    ] = False,
    store: StoreOption = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Carry annotations over from another pruning of the same prompt, and say what does not fit.

    One edit in the store, taken back with u in graphlabel open; the graph files stay as they are.
    """
    from graphlabel.cli.console import note, print_json, say
    from graphlabel.files import read_graph
    from graphlabel.store import Store, store_place, user_name

    document = read_graph(graph, trust_pickle=trust_pickle)
    other = None if source is None else read_graph(source, trust_pickle=trust_pickle)
    if other is not None and not any_set:
        _check_fits(document, other)
    with Store(store_place(store)) as opened:
        user = author or user_name()
        history = opened.history(document.graph, document.annotations, document.slug, user)
        report, name = _carried(opened, history, other, dry_run=dry_run)
    if json:
        import msgspec

        print_json({"from": name, "kept_in_store": not dry_run, **msgspec.to_builtins(report)})
        return
    for line in report.lost:
        say(f"does not fit: {line}")
    done = "would carry over" if dry_run else "carried over"
    note(
        f"{done} from {name}: {report.labels} labels, {report.notes} notes, {report.reviews} "
        f"reviews, {report.supernodes} supernodes, {report.pins} pins; {report.kept} that this "
        f"graph has already were kept, {len(report.lost)} do not fit"
    )


def _check_fits(document: GraphDocument, other: GraphDocument) -> None:
    from graphlabel.errors import UsageError
    from graphlabel.graph import prompt_key
    from graphlabel.records import TranscoderSet

    if prompt_key(document.graph) != prompt_key(other.graph):
        raise UsageError(
            f"{other.slug} is of another prompt, so its positions mean nothing here; labels of "
            "features are shared between prompts by the store already"
        )
    sets = [TranscoderSet.of(each.graph.source) for each in (document, other)]
    if not (sets[0] and sets[1] and sets[0].matches(sets[1])):
        names = " and of ".join(str(each or "transcoders it does not name") for each in sets)
        raise UsageError(
            f"the graphs are of {names}, whose features may differ; --any-set carries over all "
            "the same"
        )


def _carried(
    store: Store, history: GraphHistory, other: GraphDocument | None, *, dry_run: bool
) -> tuple[CarryReport, str]:
    """What fits and what not, and what the other graph is called."""
    command, key = _command(store, history, other)
    if dry_run:
        return command.report(history.annotations), command.source
    return history.carry_over(command, key), command.source


def _command(
    store: Store, history: GraphHistory, other: GraphDocument | None
) -> tuple[CarryOver, str]:
    from graphlabel.errors import UsageError
    from graphlabel.graph import graph_key

    if other is not None:
        read = store.history(other.graph, other.annotations, other.slug)
        return history.carrying_from(read.annotations, other.slug), graph_key(other.graph)
    found = history.other_prunings()
    if not found:
        raise UsageError(
            "the store has no edits of another graph of this prompt and transcoder set; "
            "name the other graph's file with --from"
        )
    return history.carrying(found[0]), found[0].key

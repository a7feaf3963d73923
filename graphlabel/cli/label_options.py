"""Whose features' labels ``labels import``, ``export`` and ``agreement`` are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument
    from graphlabel.records import TranscoderSet
    from graphlabel.store import Store, StoredLabel

SetOption = Annotated[
    str | None,
    typer.Option("--set", help="Of this transcoder set alone; a part of its name.", metavar="SET"),
]
GraphOption = Annotated[
    Path | None,
    typer.Option(help="Of this graph's features, and its own occurrences.", metavar="GRAPH"),
]


def document_of(graph: Path | None, trust_pickle: bool) -> GraphDocument | None:
    """The graph that was named, if one was."""
    from graphlabel.files import read_graph

    return read_graph(graph, trust_pickle=trust_pickle) if graph is not None else None


def existing_store(named: str | None) -> Store:
    """The store that was named; raises UsageError where nobody has made it yet."""
    from graphlabel.store import Store, is_absent, store_place

    place = store_place(named)
    if is_absent(place):
        raise UsageError(f"there is no annotation store at {place} yet; graphlabel open makes one")
    return Store(place)


def owner_of(
    store: Store, named: str | None, document: GraphDocument | None
) -> TranscoderSet | None:
    """The set of the store that was named, or else the graph's; raises UsageError."""
    from graphlabel.cli.labels_view import set_named
    from graphlabel.records import TranscoderSet

    if named is None and document is not None:
        return TranscoderSet.of(document.graph.source)
    return set_named(store, named)


def about(
    labels: Iterable[StoredLabel], owner: TranscoderSet | None, document: GraphDocument | None
) -> Iterator[StoredLabel]:
    """The labels of a set's features; with a graph, of its features and its own occurrences."""
    from graphlabel.graph import FeatureKey, graph_key

    key = graph_key(document.graph) if document else ""
    inside = (
        {node.key.feature_key for node in document.graph.nodes if node.is_feature}
        if document
        else set()
    )
    for label in labels:
        mine = label.transcoder_set
        if owner is not None and mine is not None and not owner.matches(mine):
            continue
        if document is None:
            if owner is None or mine is not None:
                yield label
        elif isinstance(label.target, FeatureKey) and mine is not None:
            if owner is not None and label.target in inside:
                yield label
        elif label.graph == key:
            yield label

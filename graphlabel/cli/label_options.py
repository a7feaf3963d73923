"""Whose features' labels: options of ``labels import``, ``export`` and ``agreement``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument
    from graphlabel.records import TranscoderSet
    from graphlabel.store import StoredLabel

ModelOption = Annotated[
    str, typer.Option(help="The language model whose features these are.", metavar="NAME")
]
SetOption = Annotated[
    str,
    typer.Option("--set", help="Their transcoder set, as graphs of it name it.", metavar="NAME"),
]
GraphOption = Annotated[
    Path | None,
    typer.Option(help="A graph file: its transcoder set, its occurrences.", metavar="GRAPH"),
]


def document_of(graph: Path | None, trust_pickle: bool) -> GraphDocument | None:
    """The graph that was named, if one was."""
    from graphlabel.files import read_graph

    return read_graph(graph, trust_pickle=trust_pickle) if graph is not None else None


def set_of(model: str, name: str, document: GraphDocument | None) -> TranscoderSet | None:
    """The transcoder set that was named, or else the graph's; raises UsageError for half of one."""
    from graphlabel.records import TranscoderSet

    if name:
        source = document.graph.source if document else None
        model = model or (source.model if source else "")
        if not model:
            raise UsageError(f"{name} may be a set of several models; name one with --model")
        return TranscoderSet(model, name)
    if model:
        raise UsageError(f"{model} may have several transcoder sets; name one with --set")
    return TranscoderSet.of(document.graph.source) if document else None


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

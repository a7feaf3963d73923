"""``graphlabel info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlabel.cli.options import GraphFile, JsonFlag

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument


def info(graph: GraphFile, json: JsonFlag = False) -> None:
    """Say what a graph file holds: nodes, links, labels, supernodes, scores."""
    from graphlabel.cli.console import print_json
    from graphlabel.files import read_graph

    found = facts(read_graph(graph))
    if json:
        print_json(found)
        return
    import typer

    for name, value in found.items():
        plain = value
        if isinstance(value, float):
            plain = f"{value:.4f}"
        elif isinstance(value, dict):
            plain = ", ".join(f"{count} {kind}" for kind, count in value.items())
        typer.echo(f"{name.replace('_', ' '):<20} {'—' if plain in (None, '') else plain}")


def facts(document: GraphDocument) -> dict[str, Any]:
    """What there is to say of a graph, as plain JSON values."""
    from graphlabel.annotation import FeatureClass
    from graphlabel.export import score_facts
    from graphlabel.graph import NodeKind

    graph, annotations = document.graph, document.annotations
    keys = [node.key for node in graph.nodes]
    routed = [annotations.routing_of(key) for key in keys if key.kind is NodeKind.FEATURE]
    lost = sum(len(ids) for ids in document.residue.unresolved_members.values())
    return {
        "format": document.dialect,
        "slug": document.slug,
        "prompt": graph.prompt,
        "model": graph.source.model,
        "model_revision": graph.source.model_revision,
        "transcoders": graph.source.transcoders,
        "transcoders_revision": graph.source.transcoders_revision,
        "nodes": {kind.value: graph.count(kind) for kind in NodeKind if graph.count(kind)},
        "links": len(graph.edges),
        "labelled": sum(annotations.label_of(key) is not None for key in keys),
        "classes": {
            each.value: sum(r is not None and r.feature_class is each for r in routed)
            for each in FeatureClass
        },
        "unrouted": sum(r is None for r in routed),
        "supernodes": len(annotations.supernodes),
        "members_resolved": sum(len(group.members) for group in annotations.supernodes),
        "members_unresolved": lost,
        "pinned": len(annotations.pinned),
        "replacement_score": graph.scores.replacement if graph.scores else None,
        "completeness_score": graph.scores.completeness if graph.scores else None,
        **score_facts(document),
    }

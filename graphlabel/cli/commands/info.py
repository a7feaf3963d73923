"""``graphlabel info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphlabel.cli.options import FileOnly, GraphFile, JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument


def info(
    graph: GraphFile,
    store: StoreOption = None,
    file_only: FileOnly = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Say what a graph holds, your edits included: nodes, links, labels, supernodes, scores."""
    from graphlabel.cli.console import print_json, say
    from graphlabel.cli.pipeline import with_stored_edits
    from graphlabel.files import read_graph

    document, edited = read_graph(graph, trust_pickle=trust_pickle), False
    if not file_only:
        document, edited = with_stored_edits(document, store)
    found = {**facts(document), "edits_only_in_store": edited}
    if json:
        print_json(found)
        return
    for name, value in found.items():
        say(f"{name.replace('_', ' '):<21} {_shown(value)}{_OF.get(name, '')}")


_OF = {"classes": " nodes", "labelled": " nodes", "unrouted": " feature nodes"}
"""What is counted where the name does not say."""


def _shown(value: object) -> str:
    from graphlabel.inert import inert

    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{count} {kind}" for kind, count in value.items()) or "—"
    return "—" if value in (None, "") else inert(str(value), most=500)


def facts(document: GraphDocument) -> dict[str, Any]:
    """What there is to say of a graph, as plain JSON values."""
    from collections import Counter

    from graphlabel.annotation import FeatureClass
    from graphlabel.cli.evidence_place import evidence_place
    from graphlabel.export import score_facts
    from graphlabel.graph import NodeKind

    graph, annotations, source = document.graph, document.annotations, document.graph.source
    keys = [node.key for node in graph.nodes]
    routed = [annotations.routing_of(key) for key in keys if key.kind is NodeKind.FEATURE]
    counts = Counter(r.feature_class for r in routed if r is not None)
    # counts of what nobody has routed would read as findings
    classes = {"classes": {each.value: counts[each] for each in FeatureClass}} if counts else {}
    lost = sum(len(ids) for ids in document.residue.unresolved_members.values())
    return {
        "format": document.dialect,
        "slug": document.slug,
        "prompt": graph.prompt,
        "model": source.model,
        "model_revision": source.model_revision,
        "transcoders": source.transcoders,
        "transcoders_revision": source.transcoders_revision,
        "evidence": evidence_place(document),
        "nodes": {kind.value: graph.count(kind) for kind in NodeKind if graph.count(kind)},
        "features": len({key.feature_key for key in keys if key.kind is NodeKind.FEATURE}),
        "links": len(graph.edges),
        "dangling_links": len(document.residue.dangling_links),
        "labelled": sum(annotations.label_of(key) is not None for key in keys),
        **classes,
        "unrouted": sum(r is None for r in routed),
        "supernodes": len(annotations.supernodes),
        "members_resolved": sum(len(group.members) for group in annotations.supernodes),
        "members_unresolved": lost,
        "pinned": len(annotations.pinned),
        "replacement_score": graph.scores.replacement if graph.scores else None,
        "completeness_score": graph.scores.completeness if graph.scores else None,
        **score_facts(document),
    }

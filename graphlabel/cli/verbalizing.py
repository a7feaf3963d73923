"""Verbalizing the nodes of a graph: which, what is read of them, and where the texts are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphlabel.annotation import (
    Annotations,
    LabelTarget,
    Reading,
    Tier,
    Verbalization,
)
from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.labeling import waiting_nodes
from graphlabel.labeling.verbalizers import Passage, Subject, Verbalizer
from graphlabel.records import SPECIAL_TOKENS

if TYPE_CHECKING:
    from graphlabel.evidence import FeatureSource
    from graphlabel.models.transcoders import Transcoders


@dataclass(frozen=True, slots=True)
class Task:
    """One vector to be read, and what the text will be kept beside."""

    target: LabelTarget
    node: NodeKey
    subject: Subject


def chosen_nodes(document: GraphDocument, named: Sequence[str], most: int) -> list[NodeKey]:
    """The nodes of these ids or features (``layer/feature``), else the obscure ones that wait.

    The most influential first, one a feature. Raises UsageError for a name that is none, and when
    nothing is named and nothing routed.
    """
    if named:
        return list(dict.fromkeys(_named(document, name) for name in named))
    if not document.annotations.routings:
        raise UsageError(
            "no feature has been routed yet, so none is known to be obscure; run graphlabel route "
            "first, or name nodes with --node"
        )
    return waiting_nodes(document.graph, document.annotations, Tier.PERSON)[:most]


def _named(document: GraphDocument, name: str) -> NodeKey:
    graph, place = document.graph, document.place_of_id.get(name)
    if place is None:
        found = [at for at in graph.places(NodeKind.FEATURE) if _is_called(document, at, name)]
        influence = [graph.nodes[at].influence or 0.0 for at in found]
        place = found[influence.index(min(influence))] if found else None
    if place is None or not graph.nodes[place].is_feature:
        raise UsageError(
            f"“{name[:60]}” is no feature node of the graph; write a node id of the file, or "
            "layer/feature, such as 2/214"
        )
    return graph.nodes[place].key


def _is_called(document: GraphDocument, place: int, name: str) -> bool:
    key = document.graph.nodes[place].key
    return name == f"{key.layer}/{key.feature}"


def prompt_tasks(document: GraphDocument, nodes: Iterable[NodeKey]) -> list[Task]:
    """The prompt up to each node's token; nodes at a special token have none and are left out."""
    tokens = document.graph.tokens
    tasks = []
    for node in nodes:
        kept = [token for token in tokens[: node.position + 1] if token not in SPECIAL_TOKENS]
        at_special = not kept or tokens[node.position] in SPECIAL_TOKENS
        if not at_special:
            tasks.append(Task(node, node, Passage("".join(kept), Reading.PROMPT)))
    return tasks


def example_tasks(nodes: Iterable[NodeKey], source: FeatureSource, examples: int) -> list[Task]:
    """The strongest examples of each node's feature, each cut at its peak."""
    tasks: list[Task] = []
    for node in nodes:
        record = source.get(node.feature_key)
        found = record.top_examples[:examples] if record else ()
        tasks += [Task(node.feature_key, node, Passage.of_example(each)) for each in found]
    return tasks


def direction_tasks(
    nodes: Iterable[NodeKey], transcoders: Transcoders, reads_layer: int | None
) -> list[Task]:
    """What each node's feature writes."""
    from graphlabel.labeling.verbalizers.directions import feature_direction

    return [
        Task(node.feature_key, node, feature_direction(transcoders, node.feature_key, reads_layer))
        for node in nodes
    ]


def not_yet_read(annotations: Annotations, tasks: Sequence[Task], verbalizer: str) -> list[Task]:
    """The tasks whose target has no text of this verbalizer and reading."""

    def known(task: Task) -> bool:
        texts = annotations.verbalizations.get(task.target, ())
        return any(_alike(each, verbalizer, task.subject.reading) for each in texts)

    return [task for task in tasks if not known(task)]


def verbalize_tasks(
    document: GraphDocument,
    verbalizer: Verbalizer,
    tasks: Sequence[Task],
    keep: Callable[[GraphDocument], None],
    report: Callable[[str, int, int], None],
) -> GraphDocument:
    """The document with a text for every task; empty ones are dropped.

    Texts of the same verbalizer and reading are replaced. When the work is stopped, ``keep`` gets
    the document with the texts that came until then.
    """
    found: dict[LabelTarget, list[Verbalization]] = {}

    def done(place: int, text: Verbalization) -> None:
        if text.text:
            found.setdefault(tasks[place].target, []).append(text)
        report("vectors", place + 1, len(tasks))

    try:
        verbalizer.verbalize([task.subject for task in tasks], done)
    except BaseException:
        if found:
            keep(document.annotated(_joined(document.annotations, found)))
        raise
    return document.annotated(_joined(document.annotations, found))


def _joined(annotations: Annotations, found: dict[LabelTarget, list[Verbalization]]) -> Annotations:
    joined: dict[LabelTarget, tuple[Verbalization, ...]] = {}
    for target, texts in found.items():
        made = texts[0]
        others = [
            each
            for each in annotations.verbalizations.get(target, ())
            if not _alike(each, made.verbalizer, made.reading)
        ]
        joined[target] = (*others, *texts)
    return annotations.with_verbalizations(joined)


def _alike(each: Verbalization, verbalizer: str, reading: Reading) -> bool:
    return (each.verbalizer, each.reading) == (verbalizer, reading)


def keys_of(nodes: Iterable[NodeKey]) -> list[FeatureKey]:
    """The features of some nodes."""
    return list(dict.fromkeys(node.feature_key for node in nodes))

"""What of a graph waits for a model, for a person, or for a second look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphlabel.annotation import Tier, trust_of, trust_order
from graphlabel.cli.console import counted
from graphlabel.cli.label_plan import Quote, money
from graphlabel.files import GraphDocument
from graphlabel.graph import NodeKey, NodeKind
from graphlabel.labeling import waiting_nodes
from graphlabel.labeling.pricing import Price


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, one node a feature."""

    awaiting_counter: Sequence[NodeKey]
    """Of tier 1 without a label, most influential first."""
    awaiting_model: Sequence[NodeKey]
    """Of tier 2 without a label, most influential first."""
    awaiting_person: Sequence[NodeKey]
    """Of tier 3 without a label, most influential first."""
    doubtful: Sequence[NodeKey]
    """Labelled, but not to be trusted: least trusted × most influential first."""
    unrouted: int = 0
    """Unlabelled features of which nobody knows who should label them."""


def queue_of(document: GraphDocument) -> Queue:
    """What of a graph waits."""
    graph, annotations = document.graph, document.annotations
    by_tier = {tier: waiting_nodes(graph, annotations, tier) for tier in Tier}
    ranked = [graph.nodes[place].key for place in trust_order(graph, annotations)]
    first = {key.feature_key: key for key in reversed(ranked)}
    labelled = [
        key for key in ranked if (label := annotations.label_of(key)) and trust_of(label) < 1
    ]
    doubtful = [key for key in labelled if first[key.feature_key] == key]
    keys = {graph.nodes[place].key for place in graph.places(NodeKind.FEATURE)}
    bare = {key.feature_key for key in keys if annotations.label_of(key) is None}
    return Queue(
        by_tier[Tier.COUNTER],
        by_tier[Tier.MODEL],
        by_tier[Tier.PERSON],
        doubtful,
        len([key for key in bare if key not in annotations.routings]),
    )


def node_facts(document: GraphDocument, key: NodeKey, price: Price | None = None) -> dict[str, Any]:
    """A waiting node as plain JSON values."""
    graph, annotations = document.graph, document.annotations
    node, routing = graph.nodes[graph.index_of[key]], annotations.routing_of(key)
    label = annotations.label_of(key)
    return {
        "node": document.id_of_key[key],
        "layer": key.layer,
        "feature": key.feature,
        "position": key.position,
        "token": graph.tokens[key.position],
        "influence": node.influence,
        "tier": int(routing.tier) if routing else None,
        "class": routing.feature_class.value if routing else None,
        "reason": routing.reason if routing else None,
        **({"dollars": price.dollars} if price else {}),
        **({"label": label.text, "trust": trust_of(label)} if label else {}),
        "verbalized": bool(annotations.verbalizations_of(key)),
    }


def queue_facts(
    document: GraphDocument, queue: Queue, quoted: Quote | None, *, by_trust: bool
) -> dict[str, Any]:
    """The whole queue as plain JSON values."""
    priced = quoted.features if quoted else {}
    facts: dict[str, Any] = {
        "awaiting_counter": [node_facts(document, key) for key in queue.awaiting_counter],
        "awaiting_model": [
            node_facts(document, key, priced.get(key.feature_key)) for key in queue.awaiting_model
        ],
        "awaiting_person": [node_facts(document, key) for key in queue.awaiting_person],
        "unrouted": queue.unrouted,
        "price": quoted.as_json() if quoted else None,
    }
    if by_trust:
        facts["doubtful"] = [node_facts(document, key) for key in queue.doubtful]
    return facts


def queue_lines(
    document: GraphDocument, queue: Queue, quoted: Quote | None, most: int, *, by_trust: bool
) -> list[str]:
    """The queue for a person to read; the first ``most`` of each part."""
    cost = f"; {quoted.words}" if quoted and quoted.features else ""
    priced = quoted.features if quoted else {}
    annotations = document.annotations

    def price_of(key: NodeKey) -> str:
        price = priced.get(key.feature_key)
        return money(price.dollars) if price and price.dollars is not None else ""

    def spoken(key: NodeKey) -> str:
        return "yes" if annotations.verbalizations_of(key) else ""

    def trust(key: NodeKey) -> str:
        return f"{trust_of(annotations.label_of(key)):.2f}"

    lines = []
    if queue.awaiting_counter:
        counter = _await(queue.awaiting_counter, "▼▲", "the token counter (tier 1)")
        lines.append(f"{counter}, free: run graphlabel label")
    lines.append(_await(queue.awaiting_model, "◆", "a model (tier 2)") + cost)
    lines += _table(document, queue.awaiting_model, most, "price", price_of)
    lines.append(_await(queue.awaiting_person, "○", "you (tier 3)"))
    lines += _table(document, queue.awaiting_person, most, "in words", spoken)
    if by_trust:
        many = counted(len(queue.doubtful), "feature")
        lines.append(f"{many} with labels that nobody vouches for")
        lines += _table(document, queue.doubtful, most, "trust", trust, labels=True)
    if queue.unrouted:
        many = counted(queue.unrouted, "feature")
        lines.append(f"{many} without a class; run graphlabel route")
    return lines


def _await(keys: Sequence[NodeKey], sign: str, whom: str) -> str:
    return f"{counted(len(keys), 'feature')} {sign} await{'s' if len(keys) == 1 else ''} {whom}"


def _table(
    document: GraphDocument,
    keys: Sequence[NodeKey],
    most: int,
    title: str,
    cell: Callable[[NodeKey], str],
    *,
    labels: bool = False,
) -> list[str]:
    """The first ``most`` features under headings, the column of ``title`` if it holds anything."""
    if not keys:
        return []
    cells = [cell(key) for key in keys[:most]]
    heading = title if any(cells) else ""
    says = "label" if labels else "why"
    lines = [f"  {'feature':<12} {'token':<13} {'influence':>9} {heading:>9}  {says}"]
    for key, extra in zip(keys, cells, strict=False):
        label = document.annotations.label_of(key) if labels else None
        lines.append(_line(document, key, extra, label.text if label else None))
    return lines + _more(keys, most)


def _line(document: GraphDocument, key: NodeKey, extra: str, text: str | None = None) -> str:
    graph = document.graph
    node, routing = graph.nodes[graph.index_of[key]], document.annotations.routing_of(key)
    influence = "—" if node.influence is None else f"{node.influence:.2f}"
    token = graph.tokens[key.position].strip() or str(key.position)
    said = (routing.reason.partition(";")[0] if routing else "") if text is None else text
    return f"  {key.feature_key!s:<12} @{token:<12} {influence:>9} {extra:>9}  {said}"


def _more(keys: Sequence[NodeKey], most: int) -> list[str]:
    return [f"  and {len(keys) - most} more (--limit)"] if len(keys) > most else []

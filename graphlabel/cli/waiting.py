"""What of a graph waits for a model, for a person, or for a second look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphlabel.annotation import Tier, trust_of, trust_order
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
    lines = []
    if queue.awaiting_counter:
        many = len(queue.awaiting_counter)
        lines.append(f"{many} ▼▲ await the token counter (tier 1), free: run graphlabel label")
    lines.append(f"{len(queue.awaiting_model)} ◆ await a model (tier 2){cost}")
    for key in queue.awaiting_model[:most]:
        price = priced.get(key.feature_key)
        dollars = money(price.dollars) if price and price.dollars is not None else ""
        lines.append(_line(document, key, dollars))
    lines += _more(queue.awaiting_model, most)
    lines.append(f"{len(queue.awaiting_person)} ○ await you (tier 3)")
    for key in queue.awaiting_person[:most]:
        said = document.annotations.verbalizations_of(key)
        lines.append(_line(document, key, "in words" if said else ""))
    lines += _more(queue.awaiting_person, most)
    if by_trust:
        lines.append(f"{len(queue.doubtful)} labels that nobody vouches for")
        for key in queue.doubtful[:most]:
            label = document.annotations.label_of(key)
            lines.append(
                _line(document, key, f"{trust_of(label):.2f}", label.text if label else "")
            )
        lines += _more(queue.doubtful, most)
    if queue.unrouted:
        lines.append(f"{queue.unrouted} features are not routed; run graphlabel route")
    return lines


def _line(document: GraphDocument, key: NodeKey, extra: str, text: str | None = None) -> str:
    graph = document.graph
    node, routing = graph.nodes[graph.index_of[key]], document.annotations.routing_of(key)
    influence = "—" if node.influence is None else f"{node.influence:.2f}"
    token = graph.tokens[key.position].strip() or str(key.position)
    said = (routing.reason.partition(";")[0] if routing else "") if text is None else text
    return f"  {key.feature_key!s:<12} @{token:<12} {influence:>5} {extra:>9}  {said}"


def _more(keys: Sequence[NodeKey], most: int) -> list[str]:
    return [f"  and {len(keys) - most} more (--limit)"] if len(keys) > most else []

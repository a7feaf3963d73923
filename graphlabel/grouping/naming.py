"""A group's name and the reason for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from graphlabel.annotation import Annotations, clean_label
from graphlabel.graph import AttributionGraph, NodeKind
from graphlabel.grouping.likeness import Vote
from graphlabel.grouping.meaning import output_tokens, peak_tokens
from graphlabel.grouping.suggestion import Known

_SHOWN = 3
_WORDS = {
    "drivers": "driven by the same",
    "driven": "driving the same",
    "meaning": "alike in meaning",
}


def name_of(
    graph: AttributionGraph, annotations: Annotations, known: Known, places: Sequence[int]
) -> str:
    """What a group is called: its commonest label, else its words, else where it stands.

    Among equally common labels, that of the most influential member.
    """
    ranked = sorted(places, key=lambda place: graph.nodes[place].influence or 0.0)
    logits = [place for place in ranked if graph.nodes[place].key.kind is NodeKind.LOGIT]
    if len(logits) == len(places):
        words = [graph.nodes[place].text.strip() or "␣" for place in logits[:_SHOWN]]
        return clean_label(f"output {_listed(words)}")
    labels = [
        annotations.label_of(graph.nodes[place].key) for place in ranked if place not in logits
    ]
    texts = [label.text.strip() for label in labels if label and label.text.strip()]
    common = _commonest(texts)
    if common:
        return clean_label(common)
    said = _words(graph, known, ranked)
    return clean_label(said or where(graph, places))


def _words(graph: AttributionGraph, known: Known, places: Sequence[int]) -> str:
    """The token most members peak at, or ``say`` the token most of them raise."""
    records = [known.records.get(graph.nodes[place].key.feature_key) for place in places]
    for prefix, bags in (
        ("", [peak_tokens(record) for record in records]),
        ("say ", [output_tokens(record) for record in records]),
    ):
        votes = Counter(token for bag in bags for token, _ in bag.most_common(1))
        token, count = next(iter(votes.most_common(1)), ("", 0))
        if 2 * count > len(places):
            return f"{prefix}{token}"
    return ""


def _commonest(texts: Sequence[str]) -> str:
    counts = Counter(text.casefold() for text in texts)
    return max(texts, key=lambda text: counts[text.casefold()], default="")


def reason_of(
    graph: AttributionGraph, found: Mapping[str, Vote], group: Sequence[int], places: Sequence[int]
) -> str:
    """Why these belong together: where they stand, and how alike they are in what.

    ``group`` are the members among the nodes voted on, ``places`` the same in the graph.
    """
    parts = [where(graph, places)]
    upper = np.triu_indices(len(group), 1)
    for name, words in _WORDS.items():
        vote = found.get(name)
        if vote is None:
            continue
        pairs = np.ix_(group, group)
        says = (
            np.ones_like(upper[0], dtype=bool) if vote.known is None else vote.known[pairs][upper]
        )
        if says.any():
            parts.append(f"{words} ({vote.values[pairs][upper][says].mean():.2f})")
    return "; ".join(parts)


def where(graph: AttributionGraph, places: Sequence[int]) -> str:
    """At which tokens and in which layers some nodes stand."""
    return f"{_tokens(graph, places)}, {_layers(graph, places)}"


def _tokens(graph: AttributionGraph, places: Iterable[int]) -> str:
    positions = sorted({graph.nodes[place].key.position for place in places})
    inside = [at for at in positions if 0 <= at < len(graph.tokens)]
    shown = [graph.tokens[at].strip() or "␣" for at in inside[:_SHOWN]]
    return f"at {_listed(shown)}{' …' if len(inside) > _SHOWN else ''}" if shown else "anywhere"


def _layers(graph: AttributionGraph, places: Iterable[int]) -> str:
    layers = sorted({graph.nodes[place].key.layer for place in places})
    if layers[0] == layers[-1]:
        return f"layer {layers[0]}"
    return f"layers {layers[0]}–{layers[-1]}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)

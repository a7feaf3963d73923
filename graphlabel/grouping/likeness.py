"""How alike two nodes are: the mean of what is known of them, each kind of knowledge one vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from graphlabel.annotation import Annotations
from graphlabel.graph import AttributionGraph
from graphlabel.grouping.effects import cosines, total_effects
from graphlabel.grouping.meaning import meanings, pairs
from graphlabel.grouping.suggestion import Known

WHERE = ("position", "layer")
"""The votes that say where nodes stand; the others say what they do."""
LAYER_SCALE = 0.25
"""Layers this share of the model's depth apart are alike to 1/e."""


@dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """One kind of likeness of every pair of nodes."""

    values: Float64[np.ndarray, "n n"]
    """At most 1; symmetric."""
    known: Bool[np.ndarray, "n n"] | None = None
    """Where it says something; None: everywhere."""


def votes(
    graph: AttributionGraph, annotations: Annotations, chosen: Sequence[int], known: Known
) -> dict[str, Vote]:
    """The votes on some nodes: what drives them, what they drive, position, layer, meaning."""
    effects = total_effects(graph, chosen)
    keys = [graph.nodes[place].key for place in chosen]
    positions = np.array([key.position for key in keys])
    layers = np.array([key.layer for key in keys], dtype=np.float64)
    apart = np.abs(layers[:, None] - layers[None]) / max(graph.n_layers, 1)
    found = {
        "drivers": _profile_vote(effects.upstream),
        "driven": _profile_vote(effects.downstream),
        "position": Vote((positions[:, None] == positions[None]).astype(np.float64)),
        "layer": Vote(np.exp(-apart / LAYER_SCALE)),
    }
    voices = meanings(keys, annotations, known)
    if voices:
        found["meaning"] = mean_vote([Vote(*voice) for voice in voices.values()])
    return found


def _profile_vote(rows: Float64[np.ndarray, "n nodes"]) -> Vote:
    """Profiles by their cosine; a node that no path enters (or leaves) has none."""
    return Vote(cosines(rows), pairs((rows != 0).any(axis=1).tolist()))


def mean_vote(parts: Sequence[Vote]) -> Vote:
    """The mean of votes, for each pair over those that say something of it."""
    total = np.zeros_like(parts[0].values)
    count = np.zeros_like(total)
    for part in parts:
        says = np.ones_like(total) if part.known is None else part.known.astype(np.float64)
        total += says * part.values
        count += says
    mean = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return Vote(mean, count > 0)


def likeness(found: Mapping[str, Vote]) -> Float64[np.ndarray, "n n"]:
    """How alike every two nodes are: the mean of the votes that say something of them."""
    return mean_vote(list(found.values())).values


def role(found: Mapping[str, Vote]) -> Float64[np.ndarray, "n n"]:
    """How alike every two nodes are in what they do, wherever they stand."""
    return mean_vote([vote for name, vote in found.items() if name not in WHERE]).values

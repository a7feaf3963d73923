"""From a graph's nodes to interventions."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.errors import UsageError
from graphlabel.graph import Node, NodeKey
from graphlabel.tracing.interventions.intervene import Experiment
from graphlabel.tracing.interventions.intervention import Action, Intervention

DIFFERENT = 0.1
"""Relative difference between a graph's activations and the model's from which on the graph must
be another model's; that of another dtype is smaller."""


def for_nodes(
    nodes: Sequence[Node],
    amount: float,
    action: Action = Action.SCALE,
    *,
    everywhere: bool = False,
    conditional: bool = False,
) -> list[Intervention]:
    """The same change of each node's feature, at the node's position or ``everywhere``.

    Raises UsageError for nodes that are no features.
    """
    _only_features(nodes)
    places = [(n.key.layer, n.key.feature, None if everywhere else n.key.position) for n in nodes]
    return [Intervention(*place, amount, action, conditional) for place in dict.fromkeys(places)]


def in_place_of(
    own: Sequence[Intervention],
    theirs: Sequence[Node],
    amount: float = 1.0,
    *,
    shift: int = 0,
    position: int | None = None,
) -> list[Intervention]:
    """Another graph's features in the place of those that ``own`` changes.

    Theirs are set to ``amount`` times their activation in their own graph, ``shift`` positions
    later than there, or all at one ``position``. Where a feature of ``own`` is one of theirs,
    theirs counts; of two that come to stand in one place, the stronger one. Raises UsageError for
    nodes that are no features or have no activation.
    """
    _only_features(theirs)
    put: dict[tuple[int, int, int], float] = {}
    for node in theirs:
        if node.activation is None:
            raise UsageError(f"the other graph does not say how strongly {node.key} fires")
        there = node.key.position + shift if position is None else position
        place = (node.key.layer, node.key.feature, there)
        put[place] = max(put.get(place, 0.0), node.activation)
    kept = [each for each in own if (each.layer, each.feature, each.position) not in put]
    added = [Intervention(*at, amount * value, Action.SET) for at, value in put.items()]
    return kept + added


def firing(experiment: Experiment, nodes: Sequence[Node]) -> None:
    """Raise UsageError unless the features fire here as strongly as their graph says.

    Another model, other transcoders or another prompt give other activations; the middle one of
    the nodes' differences decides.
    """
    differences = []
    for node in nodes:
        if node.is_feature and node.activation:
            found = _activation(experiment, node.key)
            difference = abs(found - node.activation) / abs(node.activation)
            differences.append((difference, found, node.activation, node.key))
    if not differences:
        return
    difference, found, stated, key = sorted(differences)[len(differences) // 2]
    if difference > DIFFERENT:
        raise UsageError(
            f"this is not what the graph was traced with: {key} fires with {found:.3g} here, with "
            f"{stated:.3g} in the graph; name its model, transcoders and prompt"
        )


def _activation(experiment: Experiment, key: NodeKey) -> float:
    """How strongly a feature fires on the unchanged prompt; 0 where there is none such."""
    _, layer, feature, position = key
    if layer >= len(experiment.transcoders.layers) or position >= len(experiment.prompt.ids):
        return 0.0
    activations = experiment.activations(layer)
    return float(activations[position, feature]) if feature < activations.shape[1] else 0.0


def _only_features(nodes: Sequence[Node]) -> None:
    for node in nodes:
        if not node.is_feature:
            raise UsageError(f"{node.key} is no feature; only features can be changed")

"""From a graph's nodes to interventions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from graphlabel.errors import UsageError
from graphlabel.graph import Node, NodeKey, NodeKind
from graphlabel.models import LanguageModel, Transcoders, prompt_of_ids
from graphlabel.tracing import TraceSettings, pruned_graph, trace
from graphlabel.tracing.interventions import (
    Action,
    Experiment,
    Intervention,
    Regime,
    firing,
    for_nodes,
    in_place_of,
)

IDS = [1, 10, 21, 5, 44, 10, 30]
Loader = Callable[..., tuple[LanguageModel, Transcoders]]


def feature(layer: int, number: int, position: int, activation: float | None = 1.0) -> Node:
    return Node(NodeKey(NodeKind.FEATURE, layer, number, position), activation=activation)


def test_every_node_becomes_an_intervention() -> None:
    nodes = [feature(0, 3, 2), feature(0, 3, 4), feature(1, 5, 4)]
    assert for_nodes(nodes, -1.0) == [
        Intervention(0, 3, 2, -1.0), Intervention(0, 3, 4, -1.0), Intervention(1, 5, 4, -1.0),
    ]  # fmt: skip
    everywhere = for_nodes(nodes, 2.0, Action.SET, everywhere=True, conditional=True)
    assert everywhere == [
        Intervention(layer, number, None, 2.0, Action.SET, conditional=True)
        for layer, number in ((0, 3), (1, 5))
    ]


def test_their_features_come_to_stand_here() -> None:
    own = for_nodes([feature(0, 3, 2), feature(1, 5, 4)], 0.0)
    theirs = [feature(1, 5, 3, 2.0), feature(2, 9, 5, 4.0)]
    assert in_place_of(own, theirs, 1.5, shift=1) == [
        Intervention(0, 3, 2, 0.0),  # the other one of ours is theirs too
        Intervention(1, 5, 4, 3.0, Action.SET),
        Intervention(2, 9, 6, 6.0, Action.SET),
    ]
    stronger = in_place_of([], [feature(1, 5, 3, 2.0), feature(1, 5, 6, 7.0)], position=4)
    assert stronger == [Intervention(1, 5, 4, 7.0, Action.SET)]
    with pytest.raises(UsageError, match="does not say how strongly L1 #5 @3 fires"):
        in_place_of([], [feature(1, 5, 3, None)])


@pytest.mark.parametrize("kind", [NodeKind.ERROR, NodeKind.TOKEN, NodeKind.LOGIT, NodeKind.OTHER])
def test_only_features_can_be_changed(kind: NodeKind) -> None:
    node = Node(NodeKey(kind, 1, 5, 3))
    with pytest.raises(UsageError, match="is no feature; only features can be changed"):
        for_nodes([node], 0.0)
    with pytest.raises(UsageError, match="is no feature"):
        in_place_of([], [node])


def test_a_graph_of_another_model_is_noticed(load: Loader) -> None:
    """Activations of float32, bfloat16 and another model's, against a float32 graph's."""
    model, transcoders = load("llama", "relu", dtype=torch.float32)
    prompt = prompt_of_ids(model, IDS)
    settings = TraceSettings(node_threshold=1.0)
    nodes = [n for n in pruned_graph(trace(model, transcoders, prompt, settings), settings).nodes if n.is_feature]  # fmt: skip
    firing(Experiment(model, transcoders, prompt), nodes)
    low, _ = load("llama", "relu", dtype=torch.bfloat16)
    firing(Experiment(low, transcoders, prompt), nodes)
    firing(Experiment(model, transcoders, prompt), [replace(n, activation=None) for n in nodes])
    other, _ = load("mistral", "relu", dtype=torch.float32)
    shorter = Experiment(model, transcoders, prompt_of_ids(model, IDS[:2]))
    for experiment in (Experiment(other, transcoders, prompt), shorter):
        with pytest.raises(UsageError, match=r"not what the graph was traced with: L\d #\d+ @\d"):
            firing(experiment, nodes)
    far = [feature(7, 1, 2), feature(0, 9999, 2)]
    with pytest.raises(UsageError, match="fires with 0 here, with 1 in the graph"):
        firing(Experiment(model, transcoders, prompt), far)


def test_a_trace_and_an_experiment_agree_in_bfloat16(load: Loader) -> None:
    model, transcoders = load("gemma2", "clt", dtype=torch.bfloat16)
    prompt = prompt_of_ids(model, IDS)
    traced = trace(model, transcoders, prompt, TraceSettings(dtype="bfloat16"))
    nodes = [n for n in pruned_graph(traced).nodes if n.is_feature]
    experiment = Experiment(model, transcoders, prompt)
    firing(experiment, nodes)
    found = experiment.run(for_nodes(nodes[:5], -1.0))
    for regime in Regime:
        assert found.after[regime].logits.dtype == torch.float32
        assert found.after[regime].logits.isfinite().all()
        assert (found.after[regime].logits - found.before.logits).abs().max() > 1e-2

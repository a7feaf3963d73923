"""Graphs whose groups are known, because they were made from them."""

from __future__ import annotations

import numpy as np

from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind

LAYERS = 8


def planted(
    seed: int, groups: int = 5, size: int = 4, noise: float = 0.05
) -> tuple[AttributionGraph, dict[NodeKey, int]]:
    """Groups in a chain: tokens → group 0 → group 1 → … → logits; and what group each is of.

    Members of a group share a position, neighbouring layers, and, but for noise, their links.
    """
    random = np.random.default_rng(seed)
    nodes = [Node(NodeKey(NodeKind.TOKEN, -1, 10 + p, p), f" t{p}") for p in range(groups)]
    truth: dict[NodeKey, int] = {}
    levels: list[list[int]] = [list(range(groups))]
    for group in range(groups):
        levels.append([])
        for member in range(size):
            layer = group * (LAYERS - 1) // groups + member % 2
            key = NodeKey(NodeKind.FEATURE, layer, 100 * group + member, group)
            levels[-1].append(len(nodes))
            nodes.append(Node(key, f" t{group}", 1.0, float(random.random() * 0.5)))
            truth[key] = group
    logits = []
    for token in range(3):
        logits.append(len(nodes))
        nodes.append(
            Node(NodeKey(NodeKind.LOGIT, LAYERS, token, groups - 1), f" w{token}", probability=0.3)
        )
    source, target, weight = [], [], []
    for group in range(1, groups + 1):
        sign = 1.0 if group % 2 else -1.0
        for node in levels[group]:
            rows = [(levels[0][group - 1], node, 2.0)]
            if group > 1:
                rows += [(other, node, sign) for other in levels[group - 1]]
            rows += [(node, logit, 0.5 + (logit == logits[group % 3])) for logit in logits]
            for one, other, value in rows:
                source.append(one)
                target.append(other)
                weight.append(value + noise * random.normal())
    tokens = tuple(f" t{p}" for p in range(groups))
    return AttributionGraph(
        "planted", tokens, tuple(nodes), Edges.of(source, target, weight), LAYERS
    ), truth

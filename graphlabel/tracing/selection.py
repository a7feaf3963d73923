"""Which active features get a row: all of them, or greedily the most influential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from graphlabel.graph import NO_FEATURE, NodeOrder
from graphlabel.models.memory import zeros_as_written
from graphlabel.tracing.blocks import Blocks, RowStore, copied
from graphlabel.tracing.chunks import Chunks, targets_that_fit
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sources import Report, Sources
from graphlabel.tracing.sweep import Targets, feature_targets, sweep
from graphlabel.tracing.targets import LogitTargets

ROW_SUM_FLOOR = 1e-8
"""The reference clamps row sums here while it ranks (and at 1e-10 on the final matrix)."""


@dataclass(frozen=True, eq=False)
class Selected:
    """The rows that were computed."""

    features: Int[np.ndarray, " selected"]
    """Indices into the active features, rising."""
    adjacency: Float[np.ndarray, "nodes nodes"]
    """The full matrix over selected features, errors, tokens and logits; rows are targets."""
    order: NodeOrder


@dataclass(frozen=True, eq=False)
class _Swept:
    """The rows of one sweep."""

    first: int
    """How many rows came before."""
    blocks: Blocks


class _Rows:
    """Rows computed so far, over all columns."""

    def __init__(self, sources: Sources, logits: LogitTargets, n_rows: int) -> None:
        self.n_features = sources.n_features
        self.layer, self.position = sources.layer.numpy(), sources.position.numpy()
        self.n_layers = len(sources.writing)
        self.swept: list[_Swept] = []
        self.feature = np.full(n_rows, NO_FEATURE, dtype=np.int64)
        self.row_sum = np.zeros(n_rows, dtype=np.float64)
        self.count = 0
        self.visited: Bool[np.ndarray, " features"] = np.zeros(self.n_features, dtype=bool)
        self.n_logits = len(logits.ids)
        self.probabilities = logits.probabilities.cpu().double().numpy()

    def add(self, blocks: Blocks, features: np.ndarray | None) -> None:
        """Take up the rows of a sweep: these features', or the logits'."""
        rows = slice(self.count, self.count + blocks.n_targets)
        self.row_sum[rows] = np.maximum(blocks.row_sums().numpy(), ROW_SUM_FLOOR)
        self.swept.append(_Swept(self.count, blocks))
        if features is not None:
            self.feature[rows] = features
            self.visited[features] = True
        self.count = rows.stop

    def influence(self) -> Float[np.ndarray, " features"]:
        """Influence of every feature on the logits, as far as rows are known.

        Edges only rise in layer, so one pass from the highest layer down is the whole sum.
        """
        influence = np.zeros(self.n_features)
        weight = np.zeros(self.count, dtype=np.float64)
        weight[: self.n_logits] = self.probabilities / self.row_sum[: self.n_logits]
        known = np.flatnonzero(self.feature[: self.count] != NO_FEATURE)
        layers = self.layer[self.feature[known]]
        for layer in range(self.n_layers - 1, -1, -1):
            for swept in self.swept:
                block = swept.blocks.features[layer]
                effects = block.effects.abs().numpy()
                weights = weight[swept.first : swept.first + len(effects)]
                influence[block.columns] += weights.astype(effects.dtype) @ effects
            rows = known[layers == layer]
            weight[rows] = influence[self.feature[rows]] / self.row_sum[rows]
        return influence

    def most_influential(self, count: int, together: int) -> Int[np.ndarray, " count"]:
        """The features without a row that have most influence, as far as is known.

        Neighbours in position come together, since they share the positions they reach; of each
        ``together`` that are swept at once the highest layer comes first.
        """
        if count == self.n_features:
            chosen = np.arange(self.n_features)
        else:
            ranked = np.argsort(-self.influence(), kind="stable")
            chosen = ranked[~self.visited[ranked]][:count]
        chosen = chosen[np.argsort(self.position[chosen], kind="stable")]
        sweep = np.arange(count) // together
        return chosen[np.lexsort((-self.layer[chosen], sweep))]


def select(
    frozen: FrozenModel,
    sources: Sources,
    logits: LogitTargets,
    *,
    max_feature_nodes: int | None,
    batch_size: int,
    update_interval: int,
    chunk_size: int | None = None,
    report: Report = lambda *_: None,
) -> Selected:
    """Compute the logits' rows, then features' rows in rounds of update_interval·batch_size.

    Each round takes the features that have the most influence as far as is known (the reference's
    greedy rule); with no limit below the number of active features every feature gets a row.
    ``chunk_size`` targets are swept together, by default up to ``batch_size`` as memory allows;
    it changes nothing but speed.
    """
    n_active = sources.n_features
    limit = n_active if max_feature_nodes is None else min(max_feature_nodes, n_active)
    fitting = chunk_size or min(batch_size, targets_that_fit(frozen, sources))
    chunks = Chunks(fitting, frozen.token_vectors.device)
    rows = _Rows(sources, logits, limit + len(logits.ids))
    store = RowStore(frozen.token_vectors)

    def compute(targets: Targets) -> Blocks:
        if frozen.token_vectors.device.type == "cpu":
            return sweep(frozen, sources, targets, store.allocate)
        return copied(sweep(frozen, sources, targets), store.allocate)

    whole = logits.as_targets(frozen)
    for _, blocks in chunks.run(
        np.arange(len(logits.ids)), lambda chunk: compute(whole.part(torch.from_numpy(chunk)))
    ):
        rows.add(blocks, None)
    done = 0
    while done < limit:
        report("feature rows", done, limit)
        size = limit if limit == n_active else min(update_interval * batch_size, limit - done)
        for chunk, blocks in chunks.run(
            rows.most_influential(size, chunks.size),
            lambda chunk: compute(feature_targets(sources, torch.from_numpy(chunk))),
        ):
            rows.add(blocks, chunk)
            done += len(chunk)
            report("feature rows", done, limit)
    return _square(rows, frozen)


def _square(rows: _Rows, frozen: FrozenModel) -> Selected:
    """The rows over the selected features, errors and tokens; the rows are used up."""
    selected = np.flatnonzero(rows.visited)
    order = NodeOrder(len(selected), len(frozen.layers), frozen.n_positions, rows.n_logits)
    place = np.searchsorted(selected, rows.feature[: rows.count])
    place[: rows.n_logits] = np.arange(order.logits.start, order.logits.stop)
    dtype = np.dtype(np.float64 if frozen.token_vectors.dtype is torch.float64 else np.float32)
    adjacency = zeros_as_written((len(order), len(order)), dtype)
    beyond = len(selected) - rows.n_features
    while rows.swept:
        swept = rows.swept.pop()
        targets = place[swept.first : swept.first + swept.blocks.n_targets]
        for block in swept.blocks.features:
            first, last = np.searchsorted(selected, [block.columns.start, block.columns.stop])
            effects = block.effects[:, selected[first:last] - block.columns.start]
            adjacency[targets[: len(effects)], first:last] = effects
        for block in (*swept.blocks.errors, swept.blocks.tokens):
            columns = slice(block.columns.start + beyond, block.columns.stop + beyond)
            adjacency[targets[: len(block.effects)], columns] = block.effects
    return Selected(selected, adjacency, order)

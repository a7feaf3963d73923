"""Which active features get a row: all of them, or greedily the most influential."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from graphlabel.graph import NodeOrder
from graphlabel.tracing.chunks import Chunks, targets_that_fit
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sources import Report, Sources
from graphlabel.tracing.sweep import Targets, direct_effects
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


class _Rows:
    """Rows computed so far, over all columns."""

    def __init__(self, sources: Sources, logits: LogitTargets, n_rows: int) -> None:
        self.n_features = sources.n_features
        self.layer, self.position = sources.layer.numpy(), sources.position.numpy()
        dtype = np.float64 if sources.tokens.dtype is torch.float64 else np.float32
        self.matrix = np.zeros((n_rows, sources.n_columns), dtype=dtype)
        self.feature = np.zeros(n_rows, dtype=np.int64)
        self.row_sum = np.zeros(n_rows, dtype=np.float64)
        self.count = self.begun = 0
        self.visited: Bool[np.ndarray, " features"] = np.zeros(self.n_features, dtype=bool)
        self.n_logits = len(logits.ids)
        self.probabilities = logits.probabilities.cpu().double().numpy()

    def next(self, count: int) -> Tensor:
        """Where the rows after the last ones go: zeros, whose memory is used when it is written."""
        self.matrix[self.count : self.begun] = 0  # of a sweep that memory ran out in
        self.begun = self.count + count
        return torch.from_numpy(self.matrix[self.count : self.count + count])

    def add(self, effects: Tensor, features: np.ndarray | None) -> None:
        """Take up the next rows, which are in their place already."""
        rows = slice(self.count, self.count + len(effects))
        sums = torch.linalg.vector_norm(effects, ord=1, dim=1, dtype=torch.float64).numpy()
        self.row_sum[rows] = np.maximum(sums, ROW_SUM_FLOOR)
        if features is not None:
            self.feature[rows] = features
            self.visited[features] = True
        self.count = rows.stop

    def influence(self) -> Float[np.ndarray, " columns"]:
        """Influence of every column on the logits, as far as rows are known.

        Edges only rise in layer, so one pass from the highest layer down is the whole sum.
        """
        first = self.n_logits
        weight = self.probabilities / self.row_sum[:first]
        influence = np.asarray(weight @ np.abs(self.matrix[:first]), dtype=np.float64)
        features = self.feature[first : self.count]
        layers = self.layer[features]
        for layer in np.unique(layers)[::-1]:
            rows = first + np.flatnonzero(layers == layer)
            weight = influence[self.feature[rows]] / self.row_sum[rows]
            influence += weight @ np.abs(self.matrix[rows])
        return influence

    def most_influential(self, count: int, together: int) -> Int[np.ndarray, " count"]:
        """The features without a row that have most influence, as far as is known.

        Neighbours in position come together, since they share the positions they reach; of each
        ``together`` that are swept at once the highest layer comes first.
        """
        if count == self.n_features:
            chosen = np.arange(self.n_features)
        else:
            ranked = np.argsort(-self.influence()[: self.n_features], kind="stable")
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
    on_top = logits.as_targets(frozen)

    def compute(targets: Targets, chunk: np.ndarray) -> Tensor:
        wanted = targets.part(torch.from_numpy(chunk))
        return direct_effects(frozen, sources, wanted, out=rows.next(len(chunk)))

    for _, effects in chunks.run(np.arange(len(logits.ids)), partial(compute, on_top)):
        rows.add(effects, None)
    features = Targets(sources.layer, sources.position, sources.encoder)
    done = 0
    while done < limit:
        report("feature rows", done, limit)
        size = limit if limit == n_active else min(update_interval * batch_size, limit - done)
        for chunk, effects in chunks.run(
            rows.most_influential(size, chunks.size), partial(compute, features)
        ):
            rows.add(effects, chunk)
            done += len(chunk)
            report("feature rows", done, limit)
    return _square(rows, frozen, sources)


def _square(rows: _Rows, frozen: FrozenModel, sources: Sources) -> Selected:
    n_layers, n_positions = len(frozen.layers), frozen.n_positions
    selected = np.flatnonzero(rows.visited)
    order = NodeOrder(len(selected), n_layers, n_positions, rows.n_logits)
    adjacency = np.zeros((len(order), len(order)), dtype=rows.matrix.dtype)
    columns = np.concatenate([selected, np.arange(sources.n_features, sources.n_columns)])
    by_feature = rows.n_logits + np.argsort(rows.feature[rows.n_logits : rows.count])
    for row, found in enumerate(by_feature):
        np.take(rows.matrix[found], columns, out=adjacency[row, : len(columns)])
    adjacency[order.logits, : len(columns)] = rows.matrix[: rows.n_logits, columns]
    return Selected(selected, adjacency, order)

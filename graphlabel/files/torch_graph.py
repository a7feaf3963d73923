"""circuit-tracer's ``.pt`` graphs: the whole, unpruned matrix, in a pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from graphlabel.annotation import Annotations
from graphlabel.errors import GraphError, GraphFileError
from graphlabel.files.document import GraphDocument
from graphlabel.files.node_ids import new_node_ids
from graphlabel.files.pickles import Inert, load_torch_file
from graphlabel.graph import (
    NO_FEATURE,
    TOKEN_LAYER,
    AttributionGraph,
    Edges,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
    NodeOrder,
    graph_scores,
    prune,
)

DIALECT = "circuit-tracer .pt"
NODE_THRESHOLD, EDGE_THRESHOLD = 0.8, 0.98
"""The shares of influence kept, as circuit-tracer's own conversion has them by default."""

_CLASSES = {
    "LogitTarget": ("circuit_tracer",),
    "UnifiedConfig": ("circuit_tracer",),
    "HookedTransformerConfig": ("transformer_lens",),
}


def graph_from_pt(
    data: bytes, where: str, slug: str, *, trust_pickle: bool = False
) -> GraphDocument:
    """The pruned graph in a file that circuit-tracer's ``Graph.to_pt`` wrote.

    The file holds token ids but no texts of tokens; those read ``#id``. Raises GraphFileError in
    one line.
    """
    found = load_torch_file(data, where, _CLASSES, trust=trust_pickle)
    if not isinstance(found, dict):
        raise GraphFileError(f"{where} is no graph of circuit-tracer: it holds no dictionary")
    try:
        graph = _graph(_Contents(found))
    except (GraphError, ValueError, TypeError, IndexError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise GraphFileError(f"{where} is no whole graph of circuit-tracer: {reason}") from error
    return GraphDocument(
        graph=graph,
        annotations=Annotations(),
        node_ids=new_node_ids(graph.nodes, graph.n_layers),
        slug=slug,
        dialect=DIALECT,
    )


class _Contents:
    """The file's fields, checked against each other; raises ValueError where they do not fit."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.prompt = _text(raw.get("input_string"))
        self.token_ids = _integers(raw, "input_tokens", 1).tolist()
        active = _integers(raw, "active_features", 2)
        selected = _integers(raw, "selected_features", 1)
        values = _array(raw, "activation_values", 1).astype(np.float64)
        if active.shape[1:] != (3,):
            raise ValueError(f"active_features is {active.shape}, not (features, 3)")
        self.features = active[selected]
        # one value for every active feature; older files have one for every selected one
        self.activations = values[selected] if len(values) == len(active) else values
        if len(self.activations) != len(self.features):
            raise ValueError(f"{len(values)} activation_values do not fit {len(active)} features")
        self.logits = _logits(raw.get("logit_targets", raw.get("logit_tokens")))
        self.probabilities = _array(raw, "logit_probabilities", 1).astype(np.float64)
        if len(self.probabilities) != len(self.logits):
            raise ValueError(
                f"{len(self.probabilities)} probabilities do not fit {len(self.logits)} logits"
            )
        self.matrix = _array(raw, "adjacency_matrix", 2)
        size = self.matrix.shape[0]
        rest = size - len(self.features) - len(self.token_ids) - len(self.logits)
        layers, over = divmod(rest, max(len(self.token_ids), 1))
        if self.matrix.shape != (size, size) or over or layers < 0 or not self.token_ids:
            raise ValueError(
                f"the matrix of {self.matrix.shape} does not fit {len(self.features)} features, "
                f"{len(self.token_ids)} tokens and {len(self.logits)} logits"
            )
        if not np.isfinite(self.matrix).all() or not np.isfinite(self.probabilities).all():
            raise ValueError("it has NaN or infinite values; trace the prompt again")
        self.order = NodeOrder(len(self.features), layers, len(self.token_ids), len(self.logits))
        self.source = _source(raw)


def _array(raw: Mapping[str, Any], name: str, dimensions: int) -> np.ndarray:
    value = raw.get(name)
    if isinstance(value, np.ndarray) and value.ndim == dimensions:
        return value
    raise ValueError(f"its {name} is missing or of a wrong shape")


def _integers(raw: Mapping[str, Any], name: str, dimensions: int) -> np.ndarray:
    value = _array(raw, name, dimensions)
    if value.dtype.kind not in "iu" or (value < 0).any():
        raise ValueError(f"its {name} should be whole numbers from 0")
    return value.astype(np.int64)


def _logits(value: object) -> list[tuple[str, int]]:
    """Text and vocabulary id of every logit; older files have the ids only, as a tensor."""
    if isinstance(value, np.ndarray):
        return [(f"#{number}", int(number)) for number in value.reshape(-1).tolist()]
    if not isinstance(value, (list, tuple)):
        raise ValueError("its logit_targets are missing")
    found = []
    for target in value:
        parts = target.values if isinstance(target, Inert) else target
        match parts:
            case (str(text), int(number)):
                found.append((text or f"#{number}", number))
            case _:
                raise ValueError("a logit target should be a text and a number")
    return found


def _source(raw: Mapping[str, Any]) -> GraphSource:
    cfg, scan = raw.get("cfg"), raw.get("scan_name", raw.get("scan"))
    fields = getattr(cfg, "fields", None) or getattr(cfg, "__dict__", {})
    name = _text(fields.get("model_name")) or _text(fields.get("tokenizer_name"))
    listed: Sequence[Any] = scan if isinstance(scan, (list, tuple)) else [scan]
    return GraphSource(model=name, transcoders=",".join(filter(None, map(_text, listed))))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _graph(contents: _Contents) -> AttributionGraph:
    order = contents.order
    adjacency = sparse.csr_array(contents.matrix, dtype=np.float64)
    pruned = prune(
        adjacency,
        order,
        contents.probabilities,
        node_threshold=NODE_THRESHOLD,
        edge_threshold=EDGE_THRESHOLD,
    )
    nodes = _nodes(contents, pruned.influence.tolist())
    kept = np.flatnonzero(pruned.nodes)
    place = np.full(len(nodes), -1)
    place[kept] = np.arange(len(kept))
    by_target = np.lexsort((pruned.edges.col, pruned.edges.row))
    return AttributionGraph(
        prompt=contents.prompt,
        tokens=tuple(f"#{token}" for token in contents.token_ids),
        nodes=tuple(nodes[i] for i in kept),
        edges=Edges.of(
            place[pruned.edges.col[by_target]],
            place[pruned.edges.row[by_target]],
            pruned.edges.data[by_target],
        ),
        n_layers=order.n_layers,
        source=contents.source,
        token_ids=tuple(contents.token_ids),
        scores=graph_scores(adjacency, order, contents.probabilities),
    )


def _nodes(contents: _Contents, influence: Sequence[float]) -> list[Node]:
    """A node for every row of the matrix, in its order: features, errors, tokens, logits."""
    ids, n_layers = contents.token_ids, contents.order.n_layers
    features = contents.features.tolist()
    keys = [
        *(NodeKey(NodeKind.FEATURE, layer, index, at) for layer, at, index in features),
        *(
            NodeKey(NodeKind.ERROR, layer, NO_FEATURE, position)
            for layer in range(n_layers)
            for position in range(len(ids))
        ),
        *(NodeKey(NodeKind.TOKEN, TOKEN_LAYER, token, at) for at, token in enumerate(ids)),
        *(NodeKey(NodeKind.LOGIT, n_layers, number, len(ids) - 1) for _, number in contents.logits),
    ]
    if len(set(keys)) < len(keys):
        raise ValueError("it has the same feature or logit twice")
    first_logit = contents.order.logits.start
    nodes = []
    for row, key in enumerate(keys):
        if key.kind is NodeKind.LOGIT:
            text, _ = contents.logits[row - first_logit]
            probability = float(contents.probabilities[row - first_logit])
            nodes.append(Node(key, text=text, probability=probability))
            continue
        is_feature = key.kind is NodeKind.FEATURE
        nodes.append(
            Node(
                key,
                text=f"#{ids[key.position]}",
                activation=float(contents.activations[row]) if is_feature else None,
                influence=influence[row],
            )
        )
    return nodes

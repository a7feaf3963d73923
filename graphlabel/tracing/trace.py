"""From a prompt to an attribution graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64

from graphlabel.errors import GraphError
from graphlabel.graph import (
    NO_FEATURE,
    TOKEN_LAYER,
    AttributionGraph,
    Edges,
    GraphScores,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
    NodeOrder,
    graph_scores,
    prune,
)
from graphlabel.models import LanguageModel, Prompt, Transcoders
from graphlabel.models.memory import explained_memory
from graphlabel.tracing.prepare import prepare
from graphlabel.tracing.selection import select
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.sources import Report


@dataclass(frozen=True, eq=False)
class Trace:
    """Everything one trace computed, before pruning; numbers are float64 if the trace was."""

    prompt: Prompt
    source: GraphSource
    n_layers: int
    active_features: Int64[np.ndarray, "active 3"]
    """Layer, position and feature of every active feature, rising."""
    activation_values: Float[np.ndarray, " active"]
    selected_features: Int64[np.ndarray, " selected"]
    """Indices into the active features."""
    adjacency: Float[np.ndarray, "nodes nodes"]
    """Over selected features, errors, tokens and logits; rows are targets."""
    logit_ids: tuple[int, ...]
    logit_tokens: tuple[str, ...]
    logit_probabilities: Float[np.ndarray, " logits"]
    scores: GraphScores
    unexplained: Float[np.ndarray, " layers"]
    """Share of what each layer's MLP writes that is left to its error nodes, in squared length."""
    missing_layers: tuple[int, ...] = ()
    """Layers without a transcoder; their MLPs are error nodes."""

    @property
    def explained(self) -> float:
        """Share of the MLPs' outputs that the transcoders reconstruct; the middle layer's.

        Negative when the errors are larger than the outputs: worse than no transcoder. NaN when no
        layer has one.
        """
        layers = np.delete(self.unexplained, self.missing_layers)
        return 1 - float(np.median(layers)) if len(layers) else float("nan")

    @property
    def order(self) -> NodeOrder:
        """The order of the adjacency's rows and columns."""
        n_positions = len(self.prompt.ids)
        count = len(self.selected_features)
        return NodeOrder(count, self.n_layers, n_positions, len(self.logit_ids))


def trace(
    model: LanguageModel,
    transcoders: Transcoders,
    prompt: Prompt,
    settings: TraceSettings | None = None,
    *,
    report: Report = lambda *_: None,
) -> Trace:
    """Compute the direct effects between all nodes of a prompt (Ameisen et al. 2025).

    Raises TranscoderError when the transcoders do not fit the model, PromptError and UsageError
    when there is no such position or target.
    """
    settings = settings or TraceSettings()
    with explained_memory():
        ready = prepare(model, transcoders, prompt, settings, report=report)
        chosen = select(
            ready.frozen,
            ready.sources,
            ready.logits,
            max_feature_nodes=settings.max_feature_nodes,
            batch_size=settings.batch_size,
            update_interval=settings.update_interval,
            chunk_size=settings.chunk_size,
            report=report,
        )
    if not np.isfinite([chosen.adjacency.min(), chosen.adjacency.max()]).all():
        raise GraphError(
            "the trace gave NaN or infinite effects; try --dtype float32, or get the transcoders' "
            "decoders again"
        )
    sources, logits = ready.sources, ready.logits
    probabilities = logits.probabilities.cpu().numpy()
    places = torch.stack([sources.layer, sources.position, sources.feature], dim=1)
    return Trace(
        prompt=ready.prompt,
        source=_source(model, ready.transcoders),
        n_layers=model.n_layers,
        active_features=places.numpy().astype(np.int64),
        activation_values=sources.activation.cpu().numpy(),
        selected_features=chosen.features.astype(np.int64),
        adjacency=chosen.adjacency,
        logit_ids=logits.ids,
        logit_tokens=logits.texts,
        logit_probabilities=probabilities,
        scores=graph_scores(chosen.adjacency, chosen.order, probabilities),
        unexplained=sources.unexplained.cpu().numpy(),
        missing_layers=ready.transcoders.missing_layers,
    )


def _source(model: LanguageModel, transcoders: Transcoders) -> GraphSource:
    return GraphSource(
        model=transcoders.model_name or model.name,
        model_revision=model.revision,
        transcoders=transcoders.name,
        transcoders_revision=transcoders.revision,
    )


def pruned_graph(traced: Trace, settings: TraceSettings | None = None) -> AttributionGraph:
    """The attribution graph of a trace: the nodes and edges that carry the influence."""
    settings = settings or TraceSettings()
    pruned = prune(
        traced.adjacency,
        traced.order,
        traced.logit_probabilities,
        node_threshold=settings.node_threshold,
        edge_threshold=settings.edge_threshold,
    )
    nodes = _all_nodes(traced, pruned.influence)
    kept = np.flatnonzero(pruned.nodes)
    place = np.full(len(nodes), -1)
    place[kept] = np.arange(len(kept))
    by_target = np.lexsort((pruned.edges.col, pruned.edges.row))
    return AttributionGraph(
        prompt=traced.prompt.text,
        tokens=traced.prompt.tokens,
        nodes=tuple(nodes[i] for i in kept),
        edges=Edges.of(
            place[pruned.edges.col[by_target]],
            place[pruned.edges.row[by_target]],
            pruned.edges.data[by_target],
        ),
        n_layers=traced.n_layers,
        source=traced.source,
        token_ids=traced.prompt.ids,
        scores=traced.scores,
    )


def _all_nodes(traced: Trace, influence: np.ndarray) -> list[Node]:
    """A node for every row of the adjacency, in its order."""
    tokens, last = traced.prompt.tokens, len(traced.prompt.ids) - 1
    shares = iter(influence.tolist())
    nodes = [
        Node(
            NodeKey(NodeKind.FEATURE, layer, feature, position),
            text=tokens[position],
            activation=activation,
            influence=next(shares),
        )
        for (layer, position, feature), activation in zip(
            traced.active_features[traced.selected_features].tolist(),
            traced.activation_values[traced.selected_features].tolist(),
            strict=True,
        )
    ]
    nodes += [
        Node(
            NodeKey(NodeKind.ERROR, layer, NO_FEATURE, position),
            text=tokens[position],
            influence=next(shares),
        )
        for layer in range(traced.n_layers)
        for position in range(len(tokens))
    ]
    nodes += [
        Node(
            NodeKey(NodeKind.TOKEN, TOKEN_LAYER, token, position),
            text=tokens[position],
            influence=next(shares),
        )
        for position, token in enumerate(traced.prompt.ids)
    ]
    nodes += [
        Node(
            NodeKey(NodeKind.LOGIT, traced.n_layers, token, last),
            text=text,
            probability=probability,
        )
        for token, text, probability in zip(
            traced.logit_ids, traced.logit_tokens, traced.logit_probabilities.tolist(), strict=True
        )
    ]
    return nodes

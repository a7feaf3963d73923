"""What an attribution graph is: nodes, edges, influence, pruning, scores, supernode edges."""

from graphlabel.graph.edges import Edges
from graphlabel.graph.graph import AttributionGraph, GraphScores, GraphSource
from graphlabel.graph.identity import graph_key, prompt_key
from graphlabel.graph.influence import graph_scores, logit_weights, node_influence
from graphlabel.graph.nodes import NO_FEATURE, TOKEN_LAYER, FeatureKey, Node, NodeKey, NodeKind
from graphlabel.graph.order import NodeOrder
from graphlabel.graph.pruning import Pruned, prune
from graphlabel.graph.subgraph import link_scores, subgraph_scores
from graphlabel.graph.supernodes import SupernodeEdge, supernode_edges

__all__ = [
    "NO_FEATURE",
    "TOKEN_LAYER",
    "AttributionGraph",
    "Edges",
    "FeatureKey",
    "GraphScores",
    "GraphSource",
    "Node",
    "NodeKey",
    "NodeKind",
    "NodeOrder",
    "Pruned",
    "SupernodeEdge",
    "graph_key",
    "graph_scores",
    "link_scores",
    "logit_weights",
    "node_influence",
    "prompt_key",
    "prune",
    "subgraph_scores",
    "supernode_edges",
]

"""A graph's identity: the same graph is recognised wherever its file goes."""

from __future__ import annotations

import hashlib

import numpy as np

from graphlabel.graph.graph import AttributionGraph


def graph_key(graph: AttributionGraph) -> str:
    """A digest of tokens, node keys and links; layout and labels play no part.

    32 hexadecimal characters of SHA-256. Tokens enter as text, which every dialect has; their ids
    through the keys of the token nodes. Weights enter as float32, nodes and links in sorted
    order, so that re-writing a file in another dialect keeps the key.
    """
    digest = hashlib.sha256()
    digest.update("\x1f".join(graph.tokens).encode("utf-8", "surrogatepass"))
    ranked = sorted(range(len(graph.nodes)), key=lambda place: graph.nodes[place].key)
    for place in ranked:
        kind, layer, feature, position = graph.nodes[place].key
        digest.update(f"|{kind},{layer},{feature},{position}".encode())
    rank = np.empty(len(ranked), dtype=np.int64)
    rank[ranked] = np.arange(len(ranked))
    source, target = rank[graph.edges.source], rank[graph.edges.target]
    order = np.lexsort((target, source))
    for column in (source[order], target[order], graph.edges.weight[order].astype("<f4")):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:32]


def prompt_key(graph: AttributionGraph) -> str:
    """A digest of the tokens alone: the same for every pruning of a prompt's graph.

    32 hexadecimal characters of SHA-256.
    """
    digest = hashlib.sha256("\x1f".join(graph.tokens).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]

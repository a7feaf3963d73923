"""How long exports take, beside the time the JSON library alone needs for the same nodes and links.

Run: `python benchmarks/export.py [--nodes 5000] [--links 500000]`. A generated graph of 26 layers
and 40 positions; every format is written once to a temporary folder, all in one process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from graphlabel.annotation import Group, History
from graphlabel.export import FORMATS, export_graph
from graphlabel.files import GraphDocument, new_document
from graphlabel.graph import AttributionGraph, Edges, GraphSource, Node, NodeKey, NodeKind

LAYERS, POSITIONS, WIDTH = 26, 40, 16384


def generated(n_nodes: int, n_links: int, seed: int = 0) -> GraphDocument:
    """A graph with two supernodes; every link rises in layer, none occurs twice."""
    random = np.random.default_rng(seed)
    nodes = [Node(NodeKey(NodeKind.TOKEN, -1, 100 + p, p), f" t{p}") for p in range(POSITIONS)]
    keys: dict[NodeKey, None] = {}
    while len(keys) < n_nodes - POSITIONS - 10:
        layer, feature, position = (int(random.integers(n)) for n in (LAYERS, WIDTH, POSITIONS))
        keys[NodeKey(NodeKind.FEATURE, layer, feature, position)] = None
    nodes += [Node(key, f" t{key.position}", random.random(), random.random()) for key in keys]
    top = (NodeKey(NodeKind.LOGIT, LAYERS, v, POSITIONS - 1) for v in range(10))
    nodes += [Node(key, " x", probability=0.09) for key in top]
    layer = np.array([node.key.layer for node in nodes])
    pairs = random.integers(0, len(nodes) ** 2, 3 * n_links)
    pairs = np.unique(pairs[layer[pairs // len(nodes)] < layer[pairs % len(nodes)]])
    pairs = random.permutation(pairs)[:n_links]
    weights = random.normal(size=len(pairs))
    edges = Edges.of(pairs // len(nodes), pairs % len(nodes), weights)
    tokens = tuple(f" t{p}" for p in range(POSITIONS))
    source = GraphSource("model", "", "transcoders")
    document = new_document(
        AttributionGraph("prompt", tokens, tuple(nodes), edges, LAYERS, source), "generated"
    )
    history = History(document.annotations)
    for name, start in (("first", 100), ("second", 200)):
        history.do(Group(name, tuple(node.key for node in nodes[start : start + 30])))
    return document.annotated(history.annotations)


def seconds(work: Callable[[], object]) -> float:
    """The wall time of one run."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Write every format and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--links", type=int, default=500_000)
    options = parser.parse_args()
    document = generated(options.nodes, options.links)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        export_graph(document, "same", path)
        raw = msgspec.json.decode(path.read_bytes())
        plain = seconds(lambda: path.write_bytes(msgspec.json.encode(raw)))
        print(f"{len(document.graph)} nodes, {len(document.graph.edges)} links\n")
        print(f"{'format':<18}{'seconds':>10}{'ratio':>8}{'MB':>8}")
        print(f"{'JSON library':<18}{plain:>10.2f}{1.0:>8.1f}{path.stat().st_size / 1e6:>8.1f}")
        for name in FORMATS:
            taken = seconds(lambda name=name: export_graph(document, name, path))  # type: ignore[misc]
            size = path.stat().st_size / 1e6
            print(f"{name:<18}{taken:>10.2f}{taken / plain:>8.1f}{size:>8.1f}")


if __name__ == "__main__":
    main()

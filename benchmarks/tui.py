"""How fast the workbench is on a large graph: the first screen, keys, memory.

Run: `python benchmarks/tui.py [--nodes 5000] [--links 500000] [--keys 60]`. Writes a graph file,
opens it through Textual's pilot at 120×40, and times keys from being sent to the last paint they
cause, the strips turned into the bytes a terminal would get. Next to each: the limit it should
stay under. The first screen counts from before the file is read, after the imports; the memory is
the process's peak (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import graphlabel_tui  # sets how often Textual paints, before that is imported

# isort: split
import numpy as np
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from graphlabel.annotation import Annotations, Label, Origin, Provenance, Supernode
from graphlabel.files import new_document, read_graph, write_graph
from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.session import Session

N_LAYERS, N_POSITIONS = 26, 40
FIRST_SCREEN_S, KEY_MS, MEMORY_MB = 2.0, 50.0, 600.0


def make_graph(n_nodes: int, n_links: int, seed: int = 0) -> AttributionGraph:
    """A random graph without cycles: tokens, features, errors, ten logits."""
    random = np.random.default_rng(seed)
    tokens = tuple(f" word{position}" for position in range(N_POSITIONS))
    keys = [NodeKey(NodeKind.TOKEN, -1, p, p) for p in range(N_POSITIONS)]
    keys += [NodeKey(NodeKind.ERROR, la, -1, p) for la in range(N_LAYERS) for p in (5, 20, 39)]
    n_features = n_nodes - len(keys) - 10
    layers = np.sort(random.integers(0, N_LAYERS, n_features)).tolist()
    where = random.integers(1, N_POSITIONS, n_features).tolist()
    keys += [
        NodeKey(NodeKind.FEATURE, la, 3 * i, p)
        for i, (la, p) in enumerate(zip(layers, where, strict=True))
    ]
    keys += [NodeKey(NodeKind.LOGIT, N_LAYERS, i, N_POSITIONS - 1) for i in range(10)]
    nodes = tuple(_node(key, tokens, float(random.random())) for key in keys)
    links = _links(keys, n_links, random)
    return AttributionGraph("".join(tokens), tokens, nodes, links, N_LAYERS)


def _node(key: NodeKey, tokens: Sequence[str], share: float) -> Node:
    is_logit = key.kind is NodeKind.LOGIT
    return Node(
        key,
        text=f" next{key.feature}" if is_logit else tokens[key.position],
        activation=10 * share if key.kind is NodeKind.FEATURE else None,
        influence=None if is_logit or key.kind is NodeKind.TOKEN else 0.8 * share,
        probability=0.5 / (1 + key.feature) if is_logit else None,
    )


def _links(keys: Sequence[NodeKey], n_links: int, random: np.random.Generator) -> Edges:
    layer = np.array([key.layer for key in keys])
    takes = np.array([key.kind in (NodeKind.FEATURE, NodeKind.LOGIT) for key in keys])
    gives = np.array([key.kind is not NodeKind.LOGIT for key in keys])
    pairs: np.ndarray = np.zeros(0, dtype=np.int64)
    while len(pairs) < n_links:
        source, target = random.integers(0, len(keys), (2, 2 * n_links))
        fits = (layer[source] < layer[target]) & takes[target] & gives[source]
        pairs = np.unique(np.concatenate([pairs, source[fits] * len(keys) + target[fits]]))
    pairs = random.permutation(pairs)[:n_links]
    weights = random.normal(size=n_links) * np.exp(random.normal(size=n_links))
    return Edges.of(pairs // len(keys), pairs % len(keys), weights)


def annotated(graph: AttributionGraph) -> Annotations:
    """Labels on half of the features, ten supernodes of four features each."""
    features = [graph.nodes[place].key for place in graph.places(NodeKind.FEATURE)]
    made = Provenance(Origin.MACHINE, method="token_count", score=0.7)
    labels = {key: Label(f"label {i}", provenance=made) for i, key in enumerate(features[::2])}
    chosen = features[:: max(1, len(features) // 40)][:40]
    groups = tuple(Supernode(f"group {i}", tuple(chosen[4 * i : 4 * i + 4])) for i in range(10))
    return Annotations(labels=labels, supernodes=groups, pinned=tuple(chosen))


class TimedApp(GraphLabelApp):
    """The workbench; remembers when it painted last, and paints as for a terminal."""

    CSS_PATH = Path(graphlabel_tui.__file__).with_name("app.tcss")
    painted = 0.0

    def _display(self, screen: Screen[object], renderable: object | None) -> None:
        super()._display(screen, renderable)  # type: ignore[arg-type]
        if renderable is not None and hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console).encode()
        self.painted = time.perf_counter()


async def time_keys(
    app: TimedApp, pilot: Pilot[None], keys: Sequence[str]
) -> tuple[list[float], float]:
    """Milliseconds from sending each key to the last paint it caused; nan where it caused none.

    And the process's own CPU time a key, which other programs on the machine do not lengthen.
    """
    found = []
    busy = time.process_time()
    for key in keys:
        sent = time.perf_counter()
        app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await asyncio.sleep(0.02)  # a refresh waits for the next frame
        await pilot.pause()
        found.append(1000 * (app.painted - sent) if app.painted > sent else float("nan"))
    return found, 1000 * (time.process_time() - busy) / len(keys)


async def measure(path: Path, n_keys: int) -> dict[str, tuple[float, float, float, float]]:
    """Every measure: its median, its 95th percentile, its mean CPU time and its limit."""
    started, busy = time.perf_counter(), time.process_time()
    session = Session(read_graph(path), path)
    gc.freeze()  # as graphlabel_tui.app.run does
    app = TimedApp(session)
    results: dict[str, tuple[float, float, float, float]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        first = app.painted - started
        results["first screen, s"] = (first, first, time.process_time() - busy, FIRST_SCREEN_S)
        await app.workers.wait_for_complete()
        for name, keys in scenarios(n_keys).items():
            times, cpu = await time_keys(app, pilot, keys)
            await app.workers.wait_for_complete()
            middle, high = np.nanpercentile(times, [50, 95])
            results[f"{name}, ms"] = (float(middle), float(high), cpu, KEY_MS)
    return results


def scenarios(n_keys: int) -> dict[str, list[str]]:
    """The keys of each measure."""

    def some(*keys: str) -> list[str]:
        return (list(keys) * n_keys)[:n_keys]

    return {
        "moving in the graph": some("left", "left", "down", "right", "up"),
        "following edges": some("enter", "left_square_bracket", "enter", "up"),
        "moving in the table": ["3", *some("down", "down", "pagedown", "up")],
        "filtering": ["slash", *"layer:3", "enter", "slash", *"label", "enter", "slash", "escape"],
        "ordering the table": some("o"),
        "sliders": ["1", *some("minus", "minus", "plus", "right_curly_bracket")],
        "zoom": some("less_than_sign", "greater_than_sign"),
        "jumping": ["f", *"label 10", "enter"],
        "pinning": some("p", "up"),
        "undoing": some("u"),
        "supernodes": ["4", "z", *some("down", "left", "up", "enter"), "z"],
    }


def peak_memory() -> float:
    """Megabytes this process held at most; nan where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5_000)
    parser.add_argument("--links", type=int, default=500_000)
    parser.add_argument("--keys", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.json"
        graph = make_graph(options.nodes, options.links)
        write_graph(new_document(graph, "large").annotated(annotated(graph)), path)
        del graph
        results = asyncio.run(measure(path, options.keys))
    memory = peak_memory()
    results["memory, MB"] = (memory, memory, memory, MEMORY_MB)
    print(f"{'':24}{'median':>10}{'p95':>10}{'CPU':>10}{'limit':>10}{'p95/limit':>12}")
    for name, (middle, high, cpu, limit) in results.items():
        print(f"{name:24}{middle:10.2f}{high:10.2f}{cpu:10.2f}{limit:10.1f}{high / limit:12.2f}")


if __name__ == "__main__":
    main()

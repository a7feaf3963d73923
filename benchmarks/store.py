"""What a large annotation store costs: opening a graph, searching, editing.

Run: `python benchmarks/store.py [--labels 1000000] [--graphs 1000] [--store PLACE]`. Fills a store
(a temporary file, or an empty PostgreSQL database named with --store; with --filled it is taken as
it is) and times it: the median and the worst of some runs, wall time, in one process. “Open a
graph” opens the store as well.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from graphlabel.annotation import Annotations, Group, Label, Origin, Provenance, Scope, SetLabel
from graphlabel.graph import (
    AttributionGraph,
    Edges,
    FeatureKey,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)
from graphlabel.records import TranscoderSet
from graphlabel.store import LabelFilter, NewLabel, Store, store_place

N_LAYERS, N_FEATURES = 26, 16_384
NODES = 2_000
EDITS = 5
SOURCE = GraphSource("gemma-2-2b", "", "transcoders-16k", "r1")
SET = TranscoderSet("gemma-2-2b", "transcoders-16k", "r1")
SYLLABLES = [a + b for a in "bdklmnr" for b in "aeio"][:27]
RARE = "xq"
"""A word of letters that no syllable has; every 50,000th label has it."""


def vocabulary(chance: random.Random) -> list[str]:
    """Five thousand words, the first ones common."""
    return ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(5000)]


def labels(count: int, words: list[str], chance: random.Random) -> Iterator[NewLabel]:
    """Labels of features, two in ten by people, words by Zipf's law."""
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    drawn = chance.choices(words, weights, k=4 * count)
    for number in range(count):
        person = number % 5 == 0
        made = Provenance(
            Origin.PERSON if person else Origin.MACHINE,
            f"person{number % 7}" if person else "graphlabel",
            "" if person else f"method{number % 3}",
            time=f"2026-01-{number % 28 + 1:02}T00:00:00Z",
        )
        target = FeatureKey(chance.randrange(N_LAYERS), chance.randrange(N_FEATURES))
        text = " ".join(drawn[4 * number : 4 * number + 4])
        if number % 50_000 == 0:
            text += f" {RARE}"
        yield NewLabel(target, Label(text, Scope.FEATURE, made), SET)


def graph(number: int) -> AttributionGraph:
    """The graph of one prompt."""
    chance = random.Random(number)
    keys = {
        NodeKey(
            NodeKind.FEATURE, chance.randrange(N_LAYERS), chance.randrange(N_FEATURES), place % 12
        )
        for place in range(NODES)
    }
    tokens = (f"prompt {number}", *"abcdefghijk")
    nodes = tuple(map(Node, sorted(keys)))
    return AttributionGraph(tokens[0], tokens, nodes, Edges.of([], [], []), N_LAYERS, SOURCE)


def edit(store: Store, made: AttributionGraph) -> None:
    """A few edits, as somebody would make."""
    history = store.history(made, Annotations(), made.prompt, "ada")
    ada = Provenance(Origin.PERSON, "ada", time="2026-02-01T00:00:00Z")
    keys = [node.key for node in made.nodes[: 2 * EDITS]]
    for number in range(EDITS - 1):
        history.do(SetLabel((keys[number],), f"edited {number}", ada))
    history.do(Group("a group", tuple(keys)))


def timed(work: Callable[[int], object], runs: int) -> tuple[float, float]:
    """The median and the worst time in milliseconds."""
    taken = []
    for number in range(runs):
        started = time.perf_counter()
        work(number)
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken), max(taken)


def fill(store: Store, n_labels: int, n_graphs: int, words: list[str]) -> None:
    """Labels from an import, edits graph by graph."""
    started = time.perf_counter()
    given = labels(n_labels, words, random.Random(1))
    report = store.add_labels(given, author="bench", title="import")
    taken = time.perf_counter() - started
    print(f"added {report.added:,} labels in {taken:.0f} s ({report.outranked:,} outranked)")
    started = time.perf_counter()
    for number in range(n_graphs):
        edit(store, graph(number))
    taken = time.perf_counter() - started
    print(f"made {EDITS * n_graphs:,} edits on {n_graphs:,} graphs in {taken:.0f} s")


def measure(place: Path | str, n_graphs: int, words: list[str], runs: int) -> None:
    """The table."""
    graphs = {number: graph(number * 37 % n_graphs) for number in range(runs)}

    def open_graph(number: int) -> None:
        with Store(place) as store:
            history = store.history(graphs[number], Annotations(), "", "ada")
            assert len(history.annotations.supernodes) == 1

    rows: dict[str, tuple[Callable[[int], object], float | None]] = {
        f"open a graph of {NODES:,} nodes": (open_graph, 500)
    }
    store = Store(place)
    for name, query in {
        "the commonest word": words[0],
        "a rare word": words[3000],
        "three words": " ".join(words[5:8]),
        "two letters": "ba",
        "two rare letters": RARE,
        "a letter": "o",
        "a rare letter": RARE[0],
        "no such word": "zzzz",
        "no such letters": "zz",
    }.items():
        wanted = LabelFilter(words=query)
        rows[f"search: {name}"] = (lambda _, w=wanted: list(store.labels(w, limit=50)), 200)
    history = store.history(graphs[0], Annotations(), "", "eve")
    eve = Provenance(Origin.PERSON, "eve")
    keys = [node.key for node in graphs[0].nodes]
    other = store.history(graphs[0], Annotations(), "", "bob")
    rows["one edit"] = (lambda n: history.do(SetLabel((keys[n],), f"edit {n}", eve)), None)
    rows["undo it"] = (lambda _: history.undo(), None)
    rows["ask for news"] = (lambda _: other.has_news(), None)
    rows["take up another's edit"] = (
        lambda n: (history.do(SetLabel((keys[n],), f"news {n}", eve)), other.refresh()),
        None,
    )
    rows["history of a feature"] = (
        lambda n: store.label_history(LabelFilter(feature=keys[n].feature_key, transcoder_set=SET)),
        None,
    )
    print(f"{'':<32}{'median':>10}{'worst':>10}{'bound':>10}   ms")
    for name, (work, bound) in rows.items():
        median, worst = timed(work, runs)
        shown = "" if bound is None else f"{bound:,.0f}"
        print(f"{name:<32}{median:>10.1f}{worst:>10.1f}{shown:>10}")
    store.close()


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--graphs", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--store", help="an empty store; a temporary file by default")
    parser.add_argument("--filled", action="store_true", help="the store was filled before")
    given = parser.parse_args()
    words = vocabulary(random.Random(0))
    with tempfile.TemporaryDirectory() as folder:
        place = store_place(given.store) if given.store else Path(folder) / "annotations.db"
        if not given.filled:
            with Store(place) as store:
                fill(store, given.labels, given.graphs, words)
        if isinstance(place, Path):
            print(f"the file has {place.stat().st_size / 1e6:,.0f} MB")
        measure(place, given.graphs, words, given.runs)


if __name__ == "__main__":
    main()

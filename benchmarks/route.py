"""How much the protocol saves by embedding each distinct window once.

Run: `python benchmarks/route.py [--features 60]`. Prints medians of three runs, side by side in
one process, on atlas's features with the default encoder.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import islice

from graphlabel import atlas
from graphlabel.embedding import load_encoder
from graphlabel.evidence import open_source
from graphlabel.protocol import CalibratedSettings
from graphlabel.protocol.judging import judged_examples


def median_seconds(work: Callable[[], object], runs: int = 3) -> float:
    """The median wall time of some runs, after one that is not counted."""
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Time both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=60)
    count = parser.parse_args().features
    source, settings = open_source(atlas.INDEX_FOLDER), CalibratedSettings()
    records = [source.get(key) for key in islice(source.keys(), count)]
    texts = [
        text
        for record in records
        if record
        for window in settings.windows
        for text in judged_examples(record, settings).texts(window)
        if text
    ]
    model = load_encoder().model
    distinct = list(dict.fromkeys(texts))
    every = median_seconds(lambda: model.encode(texts, show_progress_bar=False))
    once = median_seconds(lambda: model.encode(distinct, batch_size=128, show_progress_bar=False))
    print(f"{count} features, {len(texts)} windows, {len(distinct)} distinct\n")
    print(f"{'way':<28}{'seconds':>10}{'ratio':>8}")
    print(f"{'every window, as it comes':<28}{every:>10.2f}{1.0:>8.1f}")
    print(f"{'each distinct window once':<28}{once:>10.2f}{every / once:>8.1f}")


if __name__ == "__main__":
    main()

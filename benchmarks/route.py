"""How long routing takes, cold and warm, against encoding every window with the encoder's defaults.

Run: `python benchmarks/route.py [--features 100] [--text FILE]`. The baseline calls the library's
`encode` with its default settings on the text of every window and nothing else; cold and warm are
whole routings, from records to reasons, the model loaded before: cold with an empty cache, warm in
a new encoder over the cache that cold left.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from real_sized import EXAMPLES, MIX, real_sized_features, text_tokens

from graphlabel.annotation import Routing
from graphlabel.embedding import EmbeddingCache, Precision, SentenceEncoder, load_encoder
from graphlabel.graph import FeatureKey
from graphlabel.processor import cpu_has_bfloat16
from graphlabel.protocol import CalibratedSettings, Calibration, calibrate, route_calibrated
from graphlabel.protocol.judging import judged_examples
from graphlabel.records import FeatureRecord

Routed = dict[FeatureKey, Routing]


@dataclass
class GivenVectors:
    """An encoder of texts whose vectors are known: the baseline's, to route with."""

    real: SentenceEncoder
    vectors: dict[str, np.ndarray]
    name: str = ""
    revision: str = ""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors the library gave."""
        return np.array([self.vectors[text] for text in texts], dtype=np.float32)

    def has_unknown(self, text: str) -> bool:
        """As the encoder says."""
        return self.real.has_unknown(text)


class Seconds(NamedTuple):
    """How long something took."""

    wall: float
    cpu: float
    """Of all threads; other work on the machine lengthens it less."""


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        """Start."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Seconds:
        """What has passed."""
        return Seconds(time.perf_counter() - self._wall, time.process_time() - self._cpu)


def timed(work: Callable[[], Routed]) -> tuple[Seconds, Routed]:
    """Seconds and result of some work."""
    watch = Stopwatch()
    found = work()
    return watch.read(), found


def fresh(encoder: SentenceEncoder, precision: Precision, folder: Path) -> SentenceEncoder:
    """An encoder that remembers nothing, its model loaded, over a cache in a folder."""
    loaded = load_encoder(encoder.name, precision=precision.value, cache=False)
    loaded.model.embed(["warm up the kernels"])
    again = replace(
        loaded, cache=EmbeddingCache(precision.value, folder), load=lambda: loaded.model
    )
    again.__dict__.update(_rows={}, _vectors=None, _unknown=np.zeros(0, dtype=bool))
    return again


def baseline(encoder: SentenceEncoder, texts: list[str]) -> tuple[Seconds, GivenVectors]:
    """Encode every window with the library's defaults."""
    library = encoder.model.model
    library.encode(texts[:64], show_progress_bar=False)
    watch = Stopwatch()
    vectors = library.encode(texts, show_progress_bar=False)
    seconds = watch.read()
    known = dict(zip(texts, vectors, strict=True))
    return seconds, GivenVectors(encoder, known, encoder.name, encoder.revision)


def agreement(one: Routed, other: Routed) -> float:
    """The share of features with the same class."""
    same = [one[key].feature_class is other[key].feature_class for key in one]
    return sum(same) / len(same)


def main() -> None:
    """Time the ways side by side and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=1_000)
    parser.add_argument("--text", type=Path, help="a text to take windows from; else drawn by seed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    settings = CalibratedSettings(draws=20_000)  # the cut-offs need no more; it is not timed
    encoder = load_encoder(precision="float32", cache=False)
    tokens = text_tokens(options.text, common_words(encoder), random)
    # a calibration needs 200 features; only the first are timed
    pool = real_sized_features(tokens, max(options.features, 220), random)
    records = pool[: options.features]
    texts = windows_of(records, settings)
    describe(records, texts, settings, options.text)
    calibration = calibrate(pool, encoder, settings)
    seconds, given = baseline(encoder, texts)
    print(f"\n{'way':<38}{'seconds':>9}{'ratio':>8}{'CPU':>9}{'ratio':>8}{'same classes':>15}")
    print(f"{'every window, the encoder’s defaults':<38}{shown(seconds, seconds)}")
    expected = route_calibrated(records, given, calibration)
    ways = [Precision.FLOAT32] + [Precision.BFLOAT16] * cpu_has_bfloat16()
    for precision in ways:
        compare(encoder, precision, records, calibration, expected, seconds)


def shown(took: Seconds, slowest: Seconds) -> str:
    """Seconds and how many times faster that is, wall and processor."""
    pairs = zip(took, slowest, strict=True)
    return "".join(f"{mine:>9.2f}{theirs / mine:>8.1f}" for mine, theirs in pairs)


def common_words(encoder: SentenceEncoder) -> list[str]:
    """The English words of the encoder's vocabulary, which is in order of frequency."""
    vocabulary = encoder.model.tokenizer.get_vocab()
    ranked = sorted(vocabulary, key=vocabulary.__getitem__)
    return [word for word in ranked if re.fullmatch("a|i|[a-z]{2,}", word)]


def windows_of(records: Sequence[FeatureRecord], settings: CalibratedSettings) -> list[str]:
    """The text of every window of every example."""
    return [
        text
        for record in records
        for window in settings.windows
        for text in judged_examples(record, settings).texts(window)
        if text
    ]


def describe(
    records: Sequence[FeatureRecord],
    texts: Sequence[str],
    settings: CalibratedSettings,
    path: Path | None,
) -> None:
    """Say what is measured and on what."""
    mix = ", ".join(f"{share:.0%} {kind}" for kind, share in MIX.items())
    print(f"{len(records)} features × {EXAMPLES} examples × {len(settings.windows)} windows")
    print(f"text: {path.name if path else 'drawn by Zipf’s law'}; features: {mix}")
    distinct = len(set(texts))
    print(f"{len(texts)} windows, {distinct} distinct: {1 - distinct / len(texts):.0%} duplicates")
    print(f"this processor multiplies bfloat16 natively: {'yes' if cpu_has_bfloat16() else 'no'}")


def compare(
    encoder: SentenceEncoder,
    precision: Precision,
    records: Sequence[FeatureRecord],
    calibration: Calibration,
    expected: Routed,
    seconds: Seconds,
) -> None:
    """Route cold, then warm, and print a row for each."""
    with tempfile.TemporaryDirectory() as folder:
        for way in ("cold", "warm", "warm, again"):
            used = fresh(encoder, precision, Path(folder))
            took, routed = timed(lambda used=used: route_calibrated(records, used, calibration))
            same = agreement(routed, expected)
            title = f"routing, {precision}, {way}"
            print(f"{title:<38}{shown(took, seconds)}{same:>15.2%}", flush=True)


if __name__ == "__main__":
    main()

"""Windows of different features, drawn together: where a null's scores come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Int

from graphlabel.embedding import Encoder
from graphlabel.errors import CalibrationError
from graphlabel.protocol.correlation import bounded_scores, embed_texts
from graphlabel.protocol.judging import Examples
from graphlabel.protocol.windows import Window

MOST_ROWS = 6_000
"""So many examples at most take part: the Gram matrix of a window then takes 144 MB."""


class Pool:
    """Examples of many features all of whose windows hold a token."""

    def __init__(
        self, examples: Sequence[Examples], windows: Sequence[Window], random: np.random.Generator
    ) -> None:
        """Gather the windows' texts; from every feature the same number of examples at most."""
        most = max(2, MOST_ROWS // max(len(examples), 1))
        self.windows = tuple(windows)
        self._texts: list[tuple[str, ...]] = []
        weights: list[float] = []
        sizes: list[int] = []
        for found in examples:
            rows = _whole_rows(found, windows)
            if len(rows) > most:
                rows = [rows[place] for place in random.permutation(len(rows))[:most]]
            self._texts += [texts for texts, _ in rows]
            weights += [weight for _, weight in rows]
            sizes += [len(rows)] if rows else []
        self._weights = np.array(weights)
        self._sizes = np.array(sizes, dtype=np.int64)

    def draw(self, random: np.random.Generator, draws: int, n: int) -> Int[np.ndarray, "draws n"]:
        """Draw n different features a time, and one example of each.

        Raises CalibrationError when there are fewer than n features.
        """
        count = len(self._sizes)
        if count < n:
            raise CalibrationError(
                f"a calibration needs {n} features whose windows all hold a token, "
                f"there are {count}; name a larger source"
            )
        features = random.integers(count, size=(draws, n))
        while (repeated := _with_repeats(features)).any():
            features[repeated] = random.integers(count, size=(int(repeated.sum()), n))
        starts = np.cumsum(self._sizes) - self._sizes
        within = (random.random((draws, n)) * self._sizes[features]).astype(np.int64)
        return np.asarray(starts[features] + within)

    def gram(self, window: Window, encoder: Encoder) -> Float32[np.ndarray, "rows rows"]:
        """How alike every two examples' windows are: cosine, or equality of literal texts."""
        number = self.windows.index(window)
        embedded = embed_texts(encoder, [texts[number] for texts in self._texts])
        alike = embedded.vectors @ embedded.vectors.T
        literal = (embedded.literals >= 0).nonzero()[0]
        names = embedded.literals[literal]
        alike[np.ix_(literal, literal)] = names[:, None] == names[None, :]
        return np.asarray(alike)

    def scores(
        self,
        gram: Float32[np.ndarray, "rows rows"],
        drawn: Int[np.ndarray, "draws n"],
        *,
        weighted: bool,
    ) -> Float[np.ndarray, "draws n"]:
        """S of the first m windows of every draw, for m = 1 … n; NaN for m = 1."""
        weights = self._weights[drawn] if weighted else np.ones(drawn.shape)
        pairs = np.zeros(drawn.shape)
        for later in range(1, drawn.shape[1]):
            for earlier in range(later):
                alike = gram[drawn[:, earlier], drawn[:, later]]
                pairs[:, later] += weights[:, earlier] * weights[:, later] * alike
        own = np.cumsum(weights**2, axis=1)
        possible = (np.cumsum(weights, axis=1) ** 2 - own) / 2
        return bounded_scores(np.cumsum(pairs, axis=1), possible, own)


def _whole_rows(found: Examples, windows: Sequence[Window]) -> list[tuple[tuple[str, ...], float]]:
    columns = zip(*(found.texts(window) for window in windows), strict=True)
    rows = []
    for texts, weight in zip(columns, found.weights, strict=True):
        kept = tuple(text for text in texts if text is not None)
        if len(kept) == len(windows):
            rows.append((kept, weight))
    return rows


def _with_repeats(features: Int[np.ndarray, "draws n"]) -> np.ndarray:
    ranked = np.sort(features, axis=1)
    return np.asarray((ranked[:, 1:] == ranked[:, :-1]).any(axis=1))

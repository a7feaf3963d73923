"""How alike the windows of a feature's examples are.

S(f, W) = 2 / (n (n - 1)) · Σ_{i<j} cos(E(w_i), E(w_j)); weighted, pair (i, j) counts a_i · a_j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from graphlabel.embedding import Encoder

NOT_LITERAL = -1
_BATCH = 512
"""Groups a batch: 16 MB of ten vectors of 384 numbers each."""


@dataclass(frozen=True, eq=False)
class EmbeddedTexts:
    """Texts as vectors, except those that mean nothing to the encoder.

    Encoders map all white space to one point and all unknown symbols to another; such texts are
    compared by equality. They have a zero vector and a number that equal texts share.
    """

    distinct: Float[np.ndarray, "distinct d"]
    """The vectors, each once."""
    rows: Int[np.ndarray, " texts"]
    """Every text's vector among them."""
    literals: Int[np.ndarray, " texts"]
    """-1 for texts that were embedded."""

    @property
    def vectors(self) -> Float[np.ndarray, "texts d"]:
        """The vector of every text."""
        return np.asarray(self.distinct[self.rows])


def embed_texts(encoder: Encoder, texts: Sequence[str]) -> EmbeddedTexts:
    """Embed texts; blank ones and those with an unknown token are kept as literals."""
    unique = list(dict.fromkeys(texts))
    spoken = [text for text in unique if not _is_blank(text)]
    vectors = encoder.encode(spoken)
    # asked after encoding, when an encoder knows it of every text
    row = {text: place for place, text in enumerate(spoken) if not encoder.has_unknown(text)}
    nowhere = len(vectors)
    number = {text: place for place, text in enumerate(unique) if text not in row}
    return EmbeddedTexts(
        np.concatenate([vectors, np.zeros((1, vectors.shape[1]), vectors.dtype)]),
        np.array([row.get(text, nowhere) for text in texts], dtype=np.int64),
        np.array([number.get(text, NOT_LITERAL) for text in texts], dtype=np.int64),
    )


def _is_blank(text: str) -> bool:
    """Whether a text is white space or no valid Unicode: nothing an encoder could tell apart."""
    if text.isascii():
        return not text.strip()
    return not text.strip() or any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def prefix_correlations(
    vectors: Float[np.ndarray, "groups n d"],
    literals: Int[np.ndarray, "groups n"],
    weights: Float[np.ndarray, "groups n"],
) -> Float[np.ndarray, "groups n"]:
    """S of the first m texts of every group, for m = 1 … n; NaN where no pair has weight.

    By Σ_{i<j} w_i w_j cos = (‖Σ w v‖² − Σ w² ‖v‖²) / 2 over vectors, plus the pairs of equal
    literals; divided by (( Σ w )² − Σ w²) / 2. Computed in float64 on prefix sums; kept within
    [−Σ w² / ((Σ w)² − Σ w²), 1], which is [−1 / (m − 1), 1] unweighted. A text of weight 0 takes
    no part.
    """
    weighted = np.cumsum(weights[..., None] * vectors, axis=1, dtype=np.float64)
    squares = np.cumsum(weights**2 * (vectors.astype(np.float64) ** 2).sum(-1), axis=1)
    pairs = ((weighted**2).sum(-1) - squares) / 2
    same = (literals[:, :, None] == literals[:, None, :]) & (literals >= 0)[:, :, None]
    if same.any():
        product = np.tril(weights[:, :, None] * weights[:, None, :] * same, k=-1)
        pairs += np.cumsum(product.sum(-1), axis=1)
    own = np.cumsum(weights**2, axis=1)
    return bounded_scores(pairs, (np.cumsum(weights, axis=1) ** 2 - own) / 2, own)


def bounded_scores(
    pairs: Float[np.ndarray, "*shape"],
    possible: Float[np.ndarray, "*shape"],
    own: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "*shape"]:
    """Σ_{i<j} w_i w_j cos over Σ_{i<j} w_i w_j, within what rounding may not exceed.

    ``own`` is Σ w². NaN where no pair has weight.
    """
    scores = np.full(pairs.shape, np.nan)
    real = possible > 0
    np.divide(pairs, possible, out=scores, where=real)
    lowest = np.full(pairs.shape, -1.0)
    np.divide(-own / 2, possible, out=lowest, where=real)
    return np.asarray(np.clip(scores, lowest, 1.0))


@dataclass(frozen=True, slots=True)
class Correlation:
    """How alike a feature's windows are."""

    s: float
    weighted: float
    n: int
    """Windows that hold a token."""
    literal: int
    """Of these, windows compared by equality."""


def correlation(embedded: EmbeddedTexts, weights: np.ndarray) -> Correlation | None:
    """The correlation score of some windows, or None when there are fewer than two."""
    return correlations(embedded, [slice(0, len(embedded.literals))], [weights])[0]


def correlations(
    embedded: EmbeddedTexts, groups: Sequence[slice], weights: Sequence[np.ndarray]
) -> list[Correlation | None]:
    """The correlation score of each group of windows; None for fewer than two.

    Groups of one size share one batch of Gram matrices, in float64.
    """
    found: list[Correlation | None] = [None] * len(groups)
    sizes = np.array([group.stop - group.start for group in groups], dtype=np.int64)
    for n in range(2, int(sizes.max(initial=0)) + 1):
        same_size = np.flatnonzero(sizes == n)
        for start in range(0, len(same_size), _BATCH):
            places = same_size[start : start + _BATCH]
            rows = np.array([groups[place].start for place in places])[:, None] + np.arange(n)
            scores = _pair_means(
                embedded.distinct[embedded.rows[rows]],
                embedded.literals[rows],
                np.array([weights[place] for place in places], dtype=np.float64),
            )
            for place, plain, weighted, literal in zip(places, *scores, strict=True):
                found[place] = Correlation(float(plain), float(weighted), n, int(literal))
    return found


def _pair_means(
    vectors: Float[np.ndarray, "groups n d"],
    literals: Int[np.ndarray, "groups n"],
    weights: Float[np.ndarray, "groups n"],
) -> tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"], Int[np.ndarray, " groups"]]:
    """S without and with weights, and how many literals there are.

    Two literals count 1 when equal, else 0; their vectors are zero.
    """
    exact = vectors.astype(np.float64)
    alike = exact @ exact.swapaxes(1, 2)
    is_literal = literals >= 0
    if is_literal.any():
        alike += (literals[:, :, None] == literals[:, None, :]) & is_literal[:, :, None]
    n = literals.shape[1]
    first, second = np.triu_indices(n, k=1)
    pairs, shares = alike[:, first, second], weights[:, first] * weights[:, second]
    own = (weights**2).sum(-1)
    plain = bounded_scores(
        pairs.sum(-1), np.full(own.shape, float(pairs.shape[1])), np.full(own.shape, float(n))
    )
    weighted = bounded_scores((pairs * shares).sum(-1), shares.sum(-1), own)
    return plain, weighted, is_literal.sum(-1)

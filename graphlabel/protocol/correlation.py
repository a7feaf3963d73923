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


@dataclass(frozen=True, eq=False)
class EmbeddedTexts:
    """Texts as vectors, except those that mean nothing to the encoder.

    Encoders map all white space to one point and all unknown symbols to another; such texts are
    compared by equality. They have a zero vector and a number that equal texts share.
    """

    vectors: Float[np.ndarray, "texts d"]
    literals: Int[np.ndarray, " texts"]
    """-1 for texts that were embedded."""


def embed_texts(encoder: Encoder, texts: Sequence[str]) -> EmbeddedTexts:
    """Embed texts; blank ones and those with an unknown token are kept as literals."""
    unique = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    literal = {text: number for text, number in unique.items() if _is_literal(text, encoder)}
    embedded = [text for text in unique if text not in literal]
    vectors = encoder.encode(embedded)
    row = {text: place for place, text in enumerate(embedded)}
    padded = np.concatenate([vectors, np.zeros((1, vectors.shape[1]), dtype=vectors.dtype)])
    places = np.array([row.get(text, len(embedded)) for text in texts], dtype=np.int64)
    literals = np.array([literal.get(text, NOT_LITERAL) for text in texts], dtype=np.int64)
    return EmbeddedTexts(padded[places], literals)


def _is_literal(text: str, encoder: Encoder) -> bool:
    """Whether a text is blank, no valid Unicode, or holds what the encoder has no token for."""
    if not text.strip() or any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        return True
    return encoder.has_unknown(text)


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
    pairs: Float[np.ndarray, "groups n"],
    possible: Float[np.ndarray, "groups n"],
    own: Float[np.ndarray, "groups n"],
) -> Float[np.ndarray, "groups n"]:
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
    n = len(embedded.literals)
    if n < 2:
        return None
    vectors, literals = embedded.vectors[None], embedded.literals[None]
    plain = prefix_correlations(vectors, literals, np.ones((1, n)))[0, -1]
    weighted = prefix_correlations(vectors, literals, weights[None])[0, -1]
    return Correlation(float(plain), float(weighted), n, int((embedded.literals >= 0).sum()))

"""Sentence encoders: text in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphlabel.embedding.cache import EmbeddingCache
from graphlabel.embedding.model import SentenceModel, is_plain
from graphlabel.embedding.places import DEFAULT_ENCODER, EncoderPlace, find_encoder
from graphlabel.embedding.precision import Precision, best_precision
from graphlabel.embedding.segments import text_hashes
from graphlabel.embedding.tokens import clean, tokenize
from graphlabel.errors import EmbedderError

if TYPE_CHECKING:
    from jaxtyping import Bool

CHUNK = 16_384
"""So many texts are embedded between two writings to the cache."""

MAX_KNOWN = 1_000_000
"""So many texts are remembered in memory (1.5 GB at 384 numbers each)."""


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """The encoder's name."""
        ...

    @property
    def revision(self) -> str:
        """Which weights; a calibration made with others is refused."""
        ...

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts d"]:
        """A unit vector for every text."""
        ...

    def has_unknown(self, text: str) -> bool:
        """Whether the encoder has no token for something in the text, or none for all of it."""
        ...


@dataclass
class SentenceEncoder:
    """Any sentence-transformers model. Equal texts are embedded once, also between runs.

    The model is loaded when the first text comes that neither memory nor cache holds. In a lower
    precision vectors are rounded to float16, so that cached ones are the same as fresh ones.
    """

    name: str
    revision: str
    precision: Precision
    load: Callable[[], SentenceModel] = field(repr=False)
    cache: EmbeddingCache | None = None
    _rows: dict[str, int] = field(default_factory=dict, repr=False)
    _vectors: np.ndarray | None = field(default=None, repr=False)
    _unknown: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool), repr=False)

    @cached_property
    def model(self) -> SentenceModel:
        """The model; raises EmbedderError when it can't be loaded."""
        return self.load()

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts d"]:
        """A unit vector for every text, float32."""
        self._learn(texts)
        if self._vectors is None:
            return np.zeros((0, self.model.dimension), dtype=np.float32)
        rows = self._rows
        return self._vectors[np.fromiter((rows[text] for text in texts), np.int64, len(texts))]

    def has_unknown(self, text: str) -> bool:
        """Whether the encoder has an unknown token for something in the text, or no token for it.

        Free for texts that were encoded.
        """
        row = self._rows.get(text)
        if row is not None:
            return bool(self._unknown[row])
        cleaned = clean(text)
        found = tokenize(self.model.tokenizer, [cleaned], special=False)
        return cleaned != text or bool(found.unknown[0])

    def _learn(self, texts: Sequence[str]) -> None:
        if len(self._rows) > MAX_KNOWN:
            self._rows.clear()
            self._vectors, self._unknown = None, np.zeros(0, dtype=bool)
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new and self.cache is not None:
            hashes = text_hashes(new)
            hits = self.cache.get(hashes)
            if hits.known.any():
                known = [new[place] for place in np.flatnonzero(hits.known)]
                self._remember(known, hits.vectors, hits.unknown)
                new = [new[place] for place in np.flatnonzero(~hits.known)]
        # by length, so that every chunk's batches are full
        new.sort(key=len)
        for start in range(0, len(new), CHUNK):
            self._embed(new[start : start + CHUNK])

    def _embed(self, texts: Sequence[str]) -> None:
        found = self.model.embed(texts)
        vectors = found.vectors
        if self.precision is not Precision.FLOAT32:
            rounded = vectors.astype(np.float16)
            vectors = rounded.astype(np.float32)
        else:
            rounded = vectors
        self._remember(texts, vectors, found.unknown)
        if self.cache is not None:
            self.cache.put(text_hashes(texts), rounded, found.unknown)

    def _remember(
        self,
        texts: Sequence[str],
        vectors: Float32[np.ndarray, "texts d"],
        unknown: Bool[np.ndarray, " texts"],
    ) -> None:
        start = len(self._rows)
        self._rows.update(zip(texts, range(start, start + len(texts)), strict=True))
        before = [] if self._vectors is None else [self._vectors]
        self._vectors = np.concatenate([*before, vectors]) if before else vectors
        self._unknown = np.concatenate([self._unknown, unknown])


@lru_cache(maxsize=4)
def load_encoder(
    name: str = DEFAULT_ENCODER,
    device: str | None = None,
    *,
    revision: str | None = None,
    precision: str = "auto",
    cache: bool = True,
) -> SentenceEncoder:
    """An encoder by the hub's id of a sentence-transformers model or by folder.

    The default comes with the installation and needs no network. ``precision`` is auto, float32,
    bfloat16 or float16; auto leaves models that are more than a Transformer, Pooling and Normalize
    in float32. Raises EmbedderError when the encoder cannot be had.
    """
    found = find_encoder(name, revision)
    try:
        chosen = Precision(precision)
    except ValueError as error:
        known = ", ".join(Precision)
        raise EmbedderError(
            f"there is no encoder precision “{precision}”; choose one of {known}"
        ) from error
    if chosen is Precision.AUTO:
        chosen = best_precision(device) if is_plain(found.kinds) else Precision.FLOAT32
    identity = "\n".join((found.name, found.revision, chosen.value))
    return SentenceEncoder(
        name=found.name,
        revision=found.revision,
        precision=chosen,
        load=lambda: _load(found, chosen, device),
        cache=EmbeddingCache(identity) if cache and found.revision else None,
    )


def _load(found: EncoderPlace, precision: Precision, device: str | None) -> SentenceModel:
    from graphlabel.hub import only_local_files, quiet_hub

    quiet_hub()
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            found.place,
            device=device,
            revision=found.commit,
            local_files_only=found.commit is None or only_local_files(),
        )
        return SentenceModel(model, precision)
    except EmbedderError:
        raise
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EmbedderError(
            f"the sentence encoder “{found.name}” cannot be loaded: {why}; check its files or name "
            "another --encoder"
        ) from error

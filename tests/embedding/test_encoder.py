"""Any sentence-transformers model gives what the library gives (float32, 1e-5), faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphlabel.embedding import DEFAULT_ENCODER, Encoder, Precision, SentenceEncoder
from graphlabel.embedding import load_encoder as cached_load_encoder
from graphlabel.errors import EmbedderError
from graphlabel.protocol.correlation import embed_texts
from tests.embedding.small_encoders import save_encoder, save_static_encoder

load_encoder = cached_load_encoder.__wrapped__  # type: ignore[attr-defined]
TEXTS = [
    " the", "the capital", " of texas is austin", "dallas is in texas, the capital of texas!",
    "w1 w2 w3", "w1 w2", "w40 " * 60, "a", "the capital", "!", "abc the w3 w3 w9, . dallas",
]  # fmt: skip
HOSTILE = [
    "",
    " ",
    "\0",
    "\ud800",
    "the \udfff capital",
    "\u200b",
    "漢字 🙂",
    "the capital " * 90_000,
]


def library(encoder: SentenceEncoder, texts: list[str]) -> np.ndarray:
    return np.asarray(encoder.model.model.encode(texts, normalize_embeddings=True))


@pytest.mark.parametrize(
    ("direct", "made"),
    [
        (True, {}),
        (True, {"normalize": False}),
        (True, {"pooling": "cls"}),
        (True, {"pooling": ("mean", "max", "weightedmean", "lasttoken")}),
        (True, {"pad_left": True, "pooling": "lasttoken"}),
        (False, {"dense": True}),
        (False, {"prompt": "the capital of "}),
    ],
)
def test_any_modules_give_what_the_library_gives(
    tmp_path: Path, direct: bool, made: dict[str, Any]
) -> None:
    encoder = load_encoder(str(save_encoder(tmp_path, **made)), precision="float32")
    np.testing.assert_allclose(encoder.encode(TEXTS), library(encoder, TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-5)
    assert encoder.model.direct is direct
    assert isinstance(encoder, Encoder)


def test_a_static_encoder(tmp_path: Path) -> None:
    encoder = load_encoder(str(save_static_encoder(tmp_path)))
    assert encoder.precision is Precision.FLOAT32
    np.testing.assert_allclose(encoder.encode(TEXTS), library(encoder, TEXTS), atol=1e-5)
    assert encoder.has_unknown("漢")
    assert not encoder.has_unknown("the capital")


def test_the_default_encoder_gives_what_the_library_gives() -> None:
    encoder = load_encoder(precision="float32", cache=False)
    texts = [f"{a} {b}" for a in TEXTS for b in (" Dallas", "Ünusual", "in 1999.", "the\nnext")]
    np.testing.assert_allclose(encoder.encode(texts), library(encoder, texts), atol=1e-5)
    assert encoder.model.direct
    assert encoder.encode([]).shape == (0, 384)


@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.FLOAT16])
def test_lower_precision_stays_close(precision: Precision) -> None:
    """Cosine to float32 of at least 0.998 for every text, short and long."""
    exact = load_encoder(precision="float32", cache=False)
    lower = load_encoder(precision=precision.value, cache=False)
    texts = [*TEXTS, *HOSTILE[:-1], " Dallas", " of", "\n\n", "It was the best of times, it was"]
    cosines = (exact.encode(texts) * lower.encode(texts)).sum(axis=1)
    assert cosines.min() >= 0.998


def test_equal_texts_are_embedded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder(str(save_encoder(tmp_path)), cache=False)
    seen: list[str] = []
    embed = encoder.model.embed
    monkeypatch.setattr(encoder.model, "embed", lambda texts: [seen.extend(texts), embed(texts)][1])
    first = encoder.encode(["the", "a", "the"])
    second = encoder.encode(["a", "w1", "the"])
    assert sorted(seen) == ["a", "the", "w1"]
    np.testing.assert_array_equal(first[[1, 0]], second[[0, 2]])


def test_hostile_texts(tmp_path: Path) -> None:
    encoder = load_encoder(str(save_encoder(tmp_path)), cache=False)
    before = [encoder.has_unknown(text) for text in HOSTILE]
    vectors = encoder.encode(HOSTILE)
    assert np.isfinite(vectors).all()
    # nothing but special tokens, a lone surrogate, or a symbol without a token
    assert before == [True] * 7 + [False]
    assert [encoder.has_unknown(text) for text in HOSTILE] == before
    embedded = embed_texts(encoder, HOSTILE)
    assert (embedded.literals[:-1] >= 0).all()
    assert embedded.literals[-1] == -1


def test_vectors_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    import torch

    encoder = load_encoder(str(save_encoder(tmp_path)), cache=False)
    with torch.no_grad():
        encoder.model.model[0].auto_model.embeddings.word_embeddings.weight.fill_(float("nan"))
    with pytest.raises(EmbedderError, match="not finite"):
        encoder.encode(["the capital"])


def test_cached_vectors_are_the_same_and_need_no_model(tmp_path: Path) -> None:
    folder = str(save_encoder(tmp_path))
    for precision in ("float32", "bfloat16"):
        cold, warm = (load_encoder(folder, precision=precision) for _ in range(2))
        fresh = cold.encode(TEXTS + HOSTILE)
        warm.load = lambda: pytest.fail("the model was loaded")
        np.testing.assert_array_equal(warm.encode(TEXTS + HOSTILE), fresh)
        assert [warm.has_unknown(t) for t in HOSTILE] == [cold.has_unknown(t) for t in HOSTILE]


def test_precisions_and_revisions_share_nothing(tmp_path: Path) -> None:
    one, other = save_encoder(tmp_path / "1"), save_encoder(tmp_path / "2", seed=1)
    folders = {
        load_encoder(str(folder), precision=precision).cache.folder
        for folder in (one, other)
        for precision in ("float32", "float16")
    }
    assert len(folders) == 4
    assert load_encoder(str(one), cache=False).cache is None


def test_the_default_is_installed_and_has_a_revision() -> None:
    encoder = load_encoder()
    assert (encoder.name, encoder.revision) == (DEFAULT_ENCODER, "sha256:048399d84e44e58c")


def test_an_unknown_precision_is_one_line() -> None:
    with pytest.raises(EmbedderError, match=r"^there is no encoder precision “int3”; choose .*$"):
        load_encoder(precision="int3")


def test_broken_weights_are_one_line(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path)
    next(folder.rglob("*.safetensors")).write_bytes(b"no weights")
    encoder = load_encoder(str(folder))
    with pytest.raises(EmbedderError, match="cannot be loaded") as caught:
        encoder.encode(["the"])
    assert "\n" not in str(caught.value)

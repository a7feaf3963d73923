"""The feature index of atlas and the calibration that goes with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from graphlabel.atlas import documents
from graphlabel.cli.pipeline import RouteOptions, calibration_for
from graphlabel.embedding import load_encoder
from graphlabel.evidence import open_source
from graphlabel.evidence.building import IndexSettings, build_index
from graphlabel.models import LanguageModel, load_language_model, load_transcoders

INDEX_SEED = 4_000
SETTINGS = IndexSettings(top=16, per_quantile=2, radius=14, reservoir=100)


def build_atlas_index(out: Path, seed: int, n_tokens: int) -> None:
    """Index the transcoders' features over fresh sentences and calibrate on them."""
    model = load_language_model(str(out / "model"))
    transcoders = load_transcoders(str(out / "transcoders"))
    folder = out / "index"
    for old in folder.glob("*.*"):
        old.unlink()
    build_index(
        model,
        transcoders,
        token_ids(model, seed + INDEX_SEED, n_tokens),
        folder,
        SETTINGS,
        corpus=f"atlas sentences, seed {seed + INDEX_SEED}",
        report=lambda seen: print(f"index: {seen} tokens", flush=True),
    )
    calibration_for(open_source(folder), load_encoder(), RouteOptions(), print)


def token_ids(model: LanguageModel, seed: int, n_tokens: int) -> Iterator[Sequence[int]]:
    """Documents as token ids."""
    for document in documents(seed, n_tokens):
        yield [int(i) for i in model.tokenizer.convert_tokens_to_ids(list(document.pieces))]

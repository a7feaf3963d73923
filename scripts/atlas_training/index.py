"""The feature index of atlas and the calibration that goes with it.

What `graphlabel features build --corpus atlas.jsonl --tokens 0 --context-length 64 --top 16
--per-quantile 4 --radius 12` makes of the same sentences, one document a line.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from graphlabel.atlas import documents
from graphlabel.atlas.sentences import CONTEXT
from graphlabel.cli.pipeline import RouteOptions, calibration_for
from graphlabel.embedding import load_encoder
from graphlabel.evidence import open_source
from graphlabel.evidence.building import IndexRequest, IndexSettings, Places, build_index

INDEX_SEED = 4_000
SETTINGS = IndexSettings(top=16, per_quantile=4, radius=12, context_length=CONTEXT)


def build_atlas_index(out: Path, seed: int, n_tokens: int) -> None:
    """Index the transcoders' features over fresh sentences and calibrate on them."""
    folder = out / "index"
    with TemporaryDirectory() as temporary:
        corpus = write_corpus(Path(temporary) / "atlas.jsonl", seed + INDEX_SEED, n_tokens)
        places = Places(str(out / "model"), str(out / "transcoders"))
        request = IndexRequest(places, str(corpus), settings=SETTINGS)
        build_index(
            request.run(),
            folder,
            force=True,
            report=lambda seen: print(f"index: {seen} tokens", flush=True),
        )
    calibration_for(open_source(folder), load_encoder(), RouteOptions(), print)


def write_corpus(path: Path, seed: int, n_tokens: int) -> Path:
    """Write sentences as JSON lines, a document each."""
    with path.open("w", encoding="utf-8") as file:
        for document in documents(seed, n_tokens):
            file.write(json.dumps({"text": document.text}) + "\n")
    return path

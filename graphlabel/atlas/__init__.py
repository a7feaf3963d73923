"""The embedded model atlas: a small language model of geography, with its world and sentences.

The model is a standard Hugging Face folder. Its transcoders are standard folders too, one of a set
of per-layer transcoders and one of a cross-layer set. The sentences carry ground truth for the
labels of features. Importing this package loads neither torch nor transformers.
"""

from __future__ import annotations

from pathlib import Path

from graphlabel.atlas.sentences import Document, Sentence, documents, generate
from graphlabel.atlas.world import City, Country, State, World, load_world

DATA_FOLDER = Path(__file__).parent / "data"
MODEL_FOLDER = DATA_FOLDER / "model"
TRANSCODERS_FOLDER = DATA_FOLDER / "transcoders"
CROSS_LAYER_FOLDER = DATA_FOLDER / "cross_layer"
INDEX_FOLDER = DATA_FOLDER / "index"
GOLD_FILE = DATA_FOLDER / "gold.jsonl"
TRAINING_FILE = DATA_FOLDER / "training.json"

__all__ = [
    "CROSS_LAYER_FOLDER",
    "DATA_FOLDER",
    "GOLD_FILE",
    "INDEX_FOLDER",
    "MODEL_FOLDER",
    "TRAINING_FILE",
    "TRANSCODERS_FOLDER",
    "City",
    "Country",
    "Document",
    "Sentence",
    "State",
    "World",
    "documents",
    "generate",
    "load_world",
]

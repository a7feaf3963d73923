"""Sentence encoders and the cache of what they gave."""

from graphlabel.embedding.cache import EmbeddingCache, cache_folder
from graphlabel.embedding.encoder import Encoder, SentenceEncoder, load_encoder
from graphlabel.embedding.places import DEFAULT_ENCODER
from graphlabel.embedding.precision import Precision

__all__ = [
    "DEFAULT_ENCODER",
    "EmbeddingCache",
    "Encoder",
    "Precision",
    "SentenceEncoder",
    "cache_folder",
    "load_encoder",
]

"""Sentence encoders."""

from graphlabel.embedding.encoder import DEFAULT_ENCODER, Encoder, SentenceEncoder, load_encoder

__all__ = ["DEFAULT_ENCODER", "Encoder", "SentenceEncoder", "load_encoder"]

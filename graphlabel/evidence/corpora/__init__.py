"""Texts to build a feature index from."""

from graphlabel.evidence.corpora.corpus import Corpus, open_corpus

__all__ = ["Corpus", "open_corpus"]

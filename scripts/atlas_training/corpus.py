"""Batches of token ids, drawn afresh from the seeded sentence generator."""

from __future__ import annotations

import torch

from graphlabel.atlas.drafts import Drawer
from graphlabel.atlas.pieces import BOS
from graphlabel.atlas.sentences import CONTEXT


class Corpus:
    """An endless seeded source of documents as token ids."""

    def __init__(self, seed: int, vocab: dict[str, int], context: int = CONTEXT) -> None:
        self._drawer = Drawer(seed)
        self._vocab = vocab
        self._context = context

    def document(self) -> list[int]:
        """The ids of one document, whose length is the context."""
        ids = [self._vocab[BOS]]
        while len(ids) < self._context:
            opening = len(ids) == 1
            draft = self._drawer.opening() if opening else self._drawer.draft()
            pieces = draft.pieces(at_start=opening)
            ids.extend(self._vocab[piece] for piece in pieces)
        return ids[: self._context]

    def batch(self, size: int) -> torch.Tensor:
        """The ids of `size` documents, one document a row."""
        return torch.tensor([self.document() for _ in range(size)])

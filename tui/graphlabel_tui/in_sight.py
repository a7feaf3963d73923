"""Which nodes are in sight, and what words find them: kept between keys, vectorised where long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from graphlabel.annotation import Annotations, Label
from graphlabel.files import GraphDocument
from graphlabel.graph import AttributionGraph, NodeKey, NodeKind
from graphlabel_tui.filters import searchable
from graphlabel_tui.wording import where

ALWAYS = frozenset({NodeKind.TOKEN, NodeKind.LOGIT})
"""Kinds the influence threshold never hides."""


class Sight:
    """The nodes of a graph within a threshold of influence, by place."""

    def __init__(self, graph: AttributionGraph, influence: Sequence[float | None]) -> None:
        """``influence`` is every node's cumulative share; nodes of unknown influence are shown."""
        self._index = graph.index_of
        kinds = [node.key.kind for node in graph.nodes]
        self._always = np.array([kind in ALWAYS for kind in kinds], dtype=bool)
        self._errors = np.array([kind is NodeKind.ERROR for kind in kinds], dtype=bool)
        known = (-np.inf if value is None else value for value in influence)
        self._influence = np.fromiter(known, np.float64, len(kinds))
        self._state: object = None
        self._mask: list[bool] = []
        self._shown: tuple[int, ...] = ()
        self._with: tuple[int, tuple[int, ...]] = (-1, ())

    def places(
        self, most: float, hide_errors: bool, pinned: tuple[NodeKey, ...], also: int | None
    ) -> tuple[int, ...]:
        """Places of nodes of influence up to ``most``, pinned ones and ``also``, in order.

        The same tuple as long as nothing of it changes.
        """
        state = (most, hide_errors, pinned)
        if state != self._state:
            self._state = state
            mask = self._influence <= most
            if hide_errors:
                mask &= ~self._errors
            mask |= self._always
            mask[self._known(pinned)] = True
            shown = tuple(np.flatnonzero(mask).tolist())
            if shown != self._shown:
                self._mask, self._shown, self._with = mask.tolist(), shown, (-1, ())
        if also is None or self._mask[also]:
            return self._shown
        if also != self._with[0]:
            self._with = also, tuple(sorted((*self._shown, also)))
        return self._with[1]

    def _known(self, keys: Iterable[NodeKey]) -> list[int]:
        return [self._index[key] for key in keys if key in self._index]


class Texts:
    """What the words of a filter match against, made anew only where an edit changed it."""

    def __init__(self, document: GraphDocument) -> None:
        """Nothing was looked for yet."""
        self._graph, self._ids = document.graph, document.node_ids
        self._of: tuple[object, object] | None = None
        self._made_from: list[tuple[Label | None, str] | None] = [None] * len(document.graph)
        self._texts = [""] * len(document.graph)

    def of(self, annotations: Annotations) -> list[str]:
        """The searchable text of every node."""
        of = (annotations.labels, annotations.notes)
        if self._of is None or of[0] is not self._of[0] or of[1] is not self._of[1]:
            for place, node in enumerate(self._graph.nodes):
                said = annotations.label_of(node.key), annotations.notes.get(node.key, "")
                if said != self._made_from[place]:
                    shown = where(self._graph, node.key)
                    self._texts[place] = searchable(node, annotations, self._ids[place], shown)
                    self._made_from[place] = said
            self._of = of  # not before all are made: another thread may ask meanwhile
        return self._texts

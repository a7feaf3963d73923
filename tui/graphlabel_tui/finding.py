"""Finding a node by typing: layer/feature, token, label, position, in any order."""

from __future__ import annotations

from heapq import nsmallest
from typing import NamedTuple

from graphlabel.annotation import Label, Routing
from graphlabel.graph import Node, NodeKey, NodeKind
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import bare_token
from graphlabel_tui.view import View
from graphlabel_tui.wording import name_of

MOST = 50
"""So many candidates at most."""
UNKNOWN = 2.0
"""Nodes of unknown influence come after all others."""
HINT = "layer/feature, token, label, @position in any order: 2/214 · austin · @10 say"


class Candidate(NamedTuple):
    """A node that may be jumped to: how it is shown, and the text it is found by."""

    shown: str
    text: str
    order: tuple[float, int]
    """The most influential first, then by place."""


class Finder:
    """Finds nodes of a view, those in sight or not; may be made ready in any thread."""

    def __init__(self, view: View) -> None:
        """Nothing was looked for yet."""
        self.view = view
        self._made_of: tuple[object, object] | None = None
        self._said: list[tuple[Label | None, Routing | None] | None] = [None] * len(view.graph)
        self._candidates: list[Candidate] = []
        self._places: dict[str, int] = {}
        self._last: tuple[list[str], list[str]] | None = None

    @property
    def candidates(self) -> list[Candidate]:
        """Every node."""
        self.prepare()
        return self._candidates

    def prepare(self) -> None:
        """Make every node's candidate, anew only where an edit changed it."""
        annotations = self.view.session.annotations
        labels, routings = annotations.labels, annotations.routings
        held = self._made_of
        if held is not None and held[0] is labels and held[1] is routings:
            return
        made = list(self._candidates)
        for place, node in enumerate(self.view.graph.nodes):
            said = annotations.label_of(node.key), annotations.routing_of(node.key)
            if held is None:
                made.append(self._candidate(place))
            elif said != self._said[place]:
                made[place] = self._candidate(place)
            self._said[place] = said
        self._candidates, self._last = made, None
        self._places = {each.shown: each.order[1] for each in made}
        self._made_of = labels, routings

    def _candidate(self, place: int) -> Candidate:
        view = self.view
        node, annotations = view.node(place), view.session.annotations
        name, look = name_of(node, annotations), look_of(node.key, annotations)
        shown = f"{look.glyph} {_place_words(node)}  {name}".rstrip()
        text = f"{shown} {view.session.document.node_ids[place]}".casefold()
        influence = view.influence[place]
        return Candidate(shown, text, (UNKNOWN if influence is None else influence, place))

    def shown(self, typed: str) -> list[str]:
        """The nodes that fit, best first, as they are shown; all of them when nothing is typed."""
        candidates = self.candidates
        words = typed.casefold().split()
        if self._last is None or self._last[0] != words:
            ranked = (
                (rank, each.order, each.shown)
                for each in candidates
                if (rank := _rank(each.text, words)) is not None
            )
            self._last = words, [shown for *_, shown in nsmallest(MOST, ranked)]
        return self._last[1]

    def key(self, typed: str) -> NodeKey | None:
        """The node meant by what was typed or chosen; None when nothing fits."""
        self.prepare()
        place = self._places.get(typed)
        if place is None:
            found = self.shown(typed)[:1] if typed.strip() else []
            place = self._places[found[0]] if found else None
        return None if place is None else self.view.node(place).key


def _place_words(node: Node) -> str:
    kind, layer, feature, position = node.key
    at = f"@{position} {bare_token(node.text)}".rstrip()
    if kind is NodeKind.FEATURE:
        return f"L{layer}/{feature} {at}"
    if kind in (NodeKind.TOKEN, NodeKind.LOGIT):
        return f"{kind.value} @{position}"
    return f"L{layer} {kind.value} {at}"


def _rank(text: str, words: list[str]) -> int | None:
    """How well all the words fit: 0 is whole words, higher is worse, None is not at all."""
    total = 0
    for word in words:
        if word in text:
            total += _worth(text.split(), word)
        elif len(word) > 2 and _is_subsequence(word, text):
            total += 4
        else:
            return None
    return total


def _worth(words: list[str], word: str) -> int:
    if word in words or f"l{word}" in words:
        return 0
    return 1 if any(each.startswith((word, f"l{word}")) for each in words) else 2


def _is_subsequence(word: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in word)

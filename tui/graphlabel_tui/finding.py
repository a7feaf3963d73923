"""Finding a node by typing: layer/feature, token, label, position, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from graphlabel.graph import Node, NodeKey, NodeKind
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import bare_token
from graphlabel_tui.view import View
from graphlabel_tui.wording import name_of

MOST = 50
"""So many candidates at most."""
HINT = "layer/feature, token, label, @position in any order: 2/214 · austin · @10 say"


class Candidate(NamedTuple):
    """A node that may be jumped to: how it is shown, and the words it is found by."""

    shown: str
    text: str
    words: tuple[str, ...]
    influence: float
    place: int


@dataclass
class Finder:
    """Finds nodes of a view, those in sight or not."""

    view: View

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every node, told apart by what is shown."""
        return [self._candidate(place) for place in range(len(self.view.graph))]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {each.shown: each.place for each in self.candidates}

    def _candidate(self, place: int) -> Candidate:
        view = self.view
        node = view.node(place)
        annotations = view.session.annotations
        name, look = name_of(node, annotations), look_of(node.key, annotations)
        shown = f"{look.glyph} {_place_words(node)}  {name}".rstrip()
        text = f"{shown} {view.session.document.node_ids[place]}".casefold()
        influence = view.influence[place]
        return Candidate(
            shown, text, tuple(text.split()), 2.0 if influence is None else influence, place
        )

    def shown(self, typed: str) -> list[str]:
        """The nodes that fit, best first, as they are shown; all of them when nothing is typed."""
        words = typed.casefold().split()
        ranked = []
        for each in self.candidates:
            rank = _rank(each, words)
            if rank is not None:
                ranked.append((rank, each.influence, each.place, each.shown))
        return [shown for *_, shown in sorted(ranked)[:MOST]]

    def key(self, typed: str) -> NodeKey | None:
        """The node meant by what was typed or chosen; None when nothing fits."""
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


def _rank(candidate: Candidate, words: list[str]) -> int | None:
    """How well all the words fit: 0 is whole words, higher is worse, None is not at all."""
    total = 0
    for word in words:
        if word in candidate.text:
            total += _worth(candidate.words, word)
        elif len(word) > 2 and _is_subsequence(word, candidate.text):
            total += 4
        else:
            return None
    return total


def _worth(words: tuple[str, ...], word: str) -> int:
    if word in words or f"l{word}" in words:
        return 0
    return 1 if any(each.startswith((word, f"l{word}")) for each in words) else 2


def _is_subsequence(word: str, text: str) -> bool:
    letters = iter(text)
    return all(letter in letters for letter in word)

"""The filter language of the node table: words and ``field:value`` terms that must all hold."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from graphlabel.annotation import Annotations, Review, node_trust
from graphlabel.graph import Node, NodeKey
from graphlabel_tui.fuzzy import fuzzy
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import bare_token
from graphlabel_tui.wording import label_maker, name_of

Test = Callable[[int], bool]

HINT = (
    "words · tier:2 class:output kind:error layer:2-5 @token trust<0.6 by:you\n"
    "label:x note:x supernode:x reviewed:no unlabelled pinned marked · -term: not"
)
"""The language in two lines; docs/how-to-review.md has all of it."""

FIELDS = (
    "tier", "class", "kind", "layer", "pos", "position", "feature", "label", "note", "token",
    "supernode", "by", "reviewed",
)  # fmt: skip
"""What may stand before a colon."""

STATES = ("labelled", "unlabelled", "pinned", "marked", "accepted", "rejected", "noted", "grouped")
"""Words that say what state a node is in."""

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
TIERS = {"1": ("input", "output"), "2": ("cross",), "3": ("obscure",)}
_TERM = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_COMPARISON = re.compile(
    r"^(trust|influence|activation|layer|position|pos|feature)(<=|>=|<|>)(-?(?:\d+\.?\d*|\.\d+))$"
)
_RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
_REVIEWED = {"no": (None,), "yes": tuple(Review), **{str(each): (each,) for each in Review}}


@dataclass(frozen=True)
class Facts:
    """What a filter asks about nodes, by their places."""

    nodes: tuple[Node, ...]
    annotations: Annotations
    text: Callable[[int], str]
    """The node's searchable text, case-folded."""
    influence: Callable[[int], float | None]
    marked: Collection[NodeKey] = ()
    me: str = ""
    """Who sits at the keyboard."""


class NodeFilter:
    """Decides which nodes a query lets through."""

    def __init__(self, query: str, facts: Facts) -> None:
        """Read a query; what is no field of the language is looked for as a word."""
        self._facts = facts
        self._nodes, self._annotations = facts.nodes, facts.annotations
        self._pinned = frozenset(facts.annotations.pinned)
        groups = facts.annotations.supernodes
        self._group = {key: group.name.casefold() for group in groups for key in group.members}
        self._tests = [self._test(term) for term in dict.fromkeys(_TERM.findall(query.casefold()))]

    def keep(self, places: list[int]) -> list[int]:
        """The places whose nodes pass every term, in the order given."""
        for test in self._tests:
            places = [place for place in places if test(place)]
        return places

    def _test(self, term: str) -> Test:
        if term[0] in "-!" and len(term) > 1:
            wanted = self._test(term[1:])
            return lambda place: not wanted(place)
        compared = _COMPARISON.match(term)
        if compared:
            return self._compare(*compared.groups())
        field, colon, value = term.partition(":")
        if colon and field in FIELDS:
            return self._field(field, value.replace('"', ""))
        if term.replace("labeled", "labelled") in STATES:
            return self._state(term.replace("labeled", "labelled"))
        if term.startswith("@") and len(term) > 1:
            return self._token(term[1:])
        if term.startswith("~") and len(term) > 1:
            return self._fuzzy(term[1:])
        return self._word(term.replace('"', ""))

    # Words

    def _word(self, word: str) -> Test:
        """Nodes with the word; where no node has it, those with something like it."""
        text = self._facts.text
        if any(word in text(place) for place in range(len(self._nodes))):
            return lambda place: word in text(place)
        return self._fuzzy(word)

    def _fuzzy(self, word: str) -> Test:
        pattern, text = fuzzy(word), self._facts.text
        known: dict[str, bool] = {}

        def test(place: int) -> bool:
            # where a node is and its id are no words anybody misspells
            words = text(place).rpartition("\n\n")[0]
            if words not in known:
                known[words] = pattern.search(words) is not None
            return known[words]

        return test

    def _token(self, token: str) -> Test:
        wanted = token.replace('"', "").strip()
        return lambda place: self._nodes[place].text.strip().casefold() == wanted

    # States

    def _state(self, state: str) -> Test:
        annotations, pinned, marked = self._annotations, self._pinned, self._facts.marked
        tests: dict[str, Test] = {
            "labelled": self._labelled,
            "unlabelled": lambda place: not self._labelled(place),
            "pinned": lambda place: self._key(place) in pinned,
            "marked": lambda place: self._key(place) in marked,
            "noted": lambda place: self._key(place) in annotations.notes,
            "grouped": lambda place: self._key(place) in self._group,
        }
        return tests.get(state) or self._reviewed(state)

    def _labelled(self, place: int) -> bool:
        return not self._nodes[place].is_feature or (
            self._annotations.label_of(self._key(place)) is not None
        )

    def _reviewed(self, value: str) -> Test:
        found = next((name for name in _REVIEWED if value and name.startswith(value)), None)
        if found is None:
            return _nothing
        wanted = _REVIEWED[found]
        return lambda place: (
            self._annotations.reviews.get(self._key(place)) in wanted
            and self._annotations.label_of(self._key(place)) is not None
        )

    # Fields

    def _field(self, field: str, value: str) -> Test:
        if field in ("layer", "pos", "position", "feature"):
            return self._numbered(field, value)
        if field == "tier":
            names = TIERS.get(value) or (value,)
            return lambda place: look_of(self._key(place), self._annotations).name in names
        if field == "reviewed":
            return self._reviewed(value)
        read = self._reader(field)
        if field in ("class", "kind"):
            return lambda place: read(place).startswith(value)
        return lambda place: bool(found := read(place)) and value in found

    def _reader(self, field: str) -> Callable[[int], str]:
        annotations, nodes = self._annotations, self._nodes
        readers: dict[str, Callable[[int], str]] = {
            "class": lambda place: look_of(nodes[place].key, annotations).name,
            "kind": lambda place: nodes[place].key.kind.value,
            "label": lambda place: self._label(place),
            "note": lambda place: annotations.notes.get(nodes[place].key, "").casefold(),
            "token": lambda place: bare_token(nodes[place].text).casefold(),
            "supernode": lambda place: self._group.get(nodes[place].key, ""),
            "by": self._maker,
        }
        return readers[field]

    def _label(self, place: int) -> str:
        label = self._annotations.label_of(self._key(place))
        return label.text.casefold() if label else ""

    def _maker(self, place: int) -> str:
        label = self._annotations.label_of(self._key(place))
        if label is None:
            return ""
        made = label.provenance
        who = label_maker(label, self._facts.me)
        return "\n".join((made.origin.value, who, made.author, made.method, made.model)).casefold()

    # Numbers

    def _numbered(self, field: str, value: str) -> Test:
        found = _RANGE.match(value)
        if not found:
            return _nothing
        low, high = int(found[1]), int(found[2] or found[1])
        return lambda place: low <= (self._value(field, place) or 0) <= high

    def _compare(self, field: str, sign: str, bound: str) -> Test:
        holds, limit = COMPARISONS[sign], float(bound)

        def test(place: int) -> bool:
            value = self._value(field, place)
            return value is not None and bool(holds(value, limit))

        return test

    def _value(self, field: str, place: int) -> float | None:
        key = self._key(place)
        if field == "influence":
            return self._facts.influence(place)
        if field == "activation":
            return self._nodes[place].activation
        if field == "trust":
            return node_trust(key, self._annotations)
        return {"layer": key.layer, "feature": key.feature}.get(field, key.position)

    def _key(self, place: int) -> NodeKey:
        return self._nodes[place].key


def _nothing(_place: int) -> bool:
    return False


def searchable(node: Node, annotations: Annotations, node_id: str, shown: str) -> str:
    """Everything a word may match in a node: label, note, token; then what and where it is.

    A blank line stands between what is also searched fuzzily and what is not.
    """
    words = (name_of(node, annotations), annotations.notes.get(node.key, ""), node.text)
    kept = "\n".join(" ".join(each.split()) for each in words if each.strip())
    return f"{kept}\n\n{shown}\n{node_id}".casefold()

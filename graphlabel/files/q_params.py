"""Pins and supernodes as the frontends keep them, in qParams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlabel.annotation import Annotations, Supernode, clean_label
from graphlabel.files.fields import Fields
from graphlabel.graph import NodeKey, NodeKind


class Names:
    """What a file calls its nodes, both ways."""

    def __init__(
        self,
        keys: Sequence[NodeKey],
        node_ids: Sequence[str],
        js_ids: Sequence[str],
        *,
        js_first: bool = False,
    ) -> None:
        """``js_first``: new pins are written as jsNodeIds, as Anthropic's graphs have them."""
        self._key_of: dict[str, NodeKey] = {}
        # an id shared with an error means the other node, which is the one that people pin
        errors_last = sorted(
            zip(node_ids, keys, strict=True), key=lambda each: each[1].kind is NodeKind.ERROR
        )
        for name, key in [*errors_last, *zip(js_ids, keys, strict=True)]:
            if name:
                self._key_of.setdefault(name, key)
        self._names: dict[NodeKey, tuple[str, ...]] = {
            key: (js_id, node_id) if js_first else (node_id, js_id)
            for key, node_id, js_id in zip(keys, node_ids, js_ids, strict=True)
        }

    def find(self, name: object) -> NodeKey | None:
        """The node of a name: a node id, or else a jsNodeId."""
        return self._key_of.get(str(name)) if isinstance(name, (str, int)) else None

    def of(self, key: NodeKey) -> str | None:
        """A name that leads back to the node; the nearest to it where there is none."""
        names = self._names.get(key)
        if names is None:
            return None
        return next((name for name in names if self._key_of.get(name) == key), names[0])


class UniqueNames:
    """Makes each name unique among those before it, by a number in parentheses."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """The name itself the first time, then ``name (2)`` and so on."""
        candidate, number = name, self._next.get(name, 2)
        while candidate in self._taken:
            candidate, number = f"{name} ({number})", number + 1
        self._next[name] = number
        self._taken.add(candidate)
        return candidate


@dataclass(frozen=True)
class SupernodeRow:
    """A supernode as the file has it."""

    place: int
    raw: Any
    group: Supernode | None
    """What it was read as; None when none of its members names a node."""


@dataclass(frozen=True)
class ReadPins:
    """What qParams say, and what of it names no node."""

    annotations: Annotations
    unresolved_pins: list[str]
    unresolved_members: dict[str, list[str]]
    supernode_rows: list[SupernodeRow] = field(default_factory=list)


def read_q_params(fields: Fields, names: Names) -> ReadPins:
    """Pins and supernodes; ids are looked up among node ids first, then among jsNodeIds."""
    pinned: dict[NodeKey, None] = {}
    lost_pins = []
    for item in fields.items("pinnedIds"):
        key = names.find(item)
        if key is None:
            lost_pins.append(str(item))
        else:
            pinned[key] = None
    groups: list[Supernode] = []
    free_name = UniqueNames()
    rows: list[SupernodeRow] = []
    lost_members: dict[str, list[str]] = {}
    for place, item in enumerate(fields.items("supernodes")):
        raw = item if isinstance(item, list) else [item]
        plain = clean_label(str(raw[0])) if raw and isinstance(raw[0], (str, int)) else ""
        name = free_name(plain or "supernode")
        found = [names.find(each) for each in raw[1:]]
        members = dict.fromkeys(key for key in found if key is not None)
        lost = [str(each) for each, key in zip(raw[1:], found, strict=True) if key is None]
        if lost:
            lost_members[name] = lost
        group = Supernode(name, tuple(members)) if members else None
        if group:
            groups.append(group)
        rows.append(SupernodeRow(place, item, group))
    annotations = Annotations(supernodes=tuple(groups), pinned=tuple(pinned))
    return ReadPins(annotations, lost_pins, lost_members, rows)

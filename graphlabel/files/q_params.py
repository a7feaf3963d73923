"""Pins and supernodes as the frontends keep them, in qParams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphlabel.annotation import Annotations, Supernode, clean_label, unique_name
from graphlabel.files.document import GraphDocument
from graphlabel.files.raw import Fields
from graphlabel.graph import NodeKey


@dataclass(frozen=True)
class ReadPins:
    """What qParams say, and what of it names no node."""

    annotations: Annotations
    unresolved_pins: list[str]
    unresolved_members: dict[str, list[str]]


def read_q_params(
    fields: Fields, keys: Sequence[NodeKey], node_ids: Sequence[str], js_ids: Sequence[str]
) -> ReadPins:
    """Pins and supernodes; ids are looked up among node ids first, then among jsNodeIds."""
    by_id: dict[str, NodeKey] = {}
    for names in (node_ids, js_ids):
        for name, key in zip(names, keys, strict=True):
            by_id.setdefault(name, key)
    pinned: dict[NodeKey, None] = {}
    lost_pins = []
    for item in fields.items("pinnedIds"):
        if str(item) in by_id:
            pinned[by_id[str(item)]] = None
        else:
            lost_pins.append(str(item))
    groups: list[Supernode] = []
    lost_members: dict[str, list[str]] = {}
    for item in fields.items("supernodes"):
        if not isinstance(item, list) or not item:
            continue
        plain = clean_label(str(item[0])) or "supernode"
        name = unique_name(plain, [group.name for group in groups])
        members = dict.fromkeys(by_id[str(each)] for each in item[1:] if str(each) in by_id)
        lost = [str(each) for each in item[1:] if str(each) not in by_id]
        if lost:
            lost_members[name] = lost
        if members:
            groups.append(Supernode(name, tuple(members)))
    annotations = Annotations(supernodes=tuple(groups), pinned=tuple(pinned))
    return ReadPins(annotations, lost_pins, lost_members)


def write_q_params(document: GraphDocument) -> dict[str, Any]:
    """The qParams with the document's pins and supernodes; as read when neither has changed."""
    residue, now = document.residue, document.annotations
    written = dict(residue.q_params)
    before = residue.annotations
    ids = document.id_of_key
    if before is None or before.pinned != now.pinned:
        written["pinnedIds"] = [
            *(ids[key] for key in now.pinned if key in ids),
            *residue.unresolved_pins,
        ]
    if before is None or before.supernodes != now.supernodes:
        written["supernodes"] = [
            [
                group.name,
                *(ids[key] for key in group.members if key in ids),
                *residue.unresolved_members.get(group.name, ()),
            ]
            for group in now.supernodes
        ]
    for name, default in (("linkType", "both"), ("clickedId", ""), ("sg_pos", "")):
        written.setdefault(name, default)
    return written

"""Writing qParams so that only what a person changed differs."""

from __future__ import annotations

from typing import Any

from graphlabel.annotation import Supernode
from graphlabel.files.document import GraphDocument
from graphlabel.graph import NodeKey

_DEFAULTS = (("linkType", "both"), ("clickedId", ""), ("sg_pos", ""))


def changed_q_params(document: GraphDocument) -> dict[str, Any]:
    """The fields of qParams that are not as they were read; empty when nothing is new."""
    before, now = document.residue.annotations, document.annotations
    changed: dict[str, Any] = {}
    if before is None or before.pinned != now.pinned:
        changed["pinnedIds"] = _pinned_ids(document)
    if before is None or before.supernodes != now.supernodes:
        changed["supernodes"] = _supernodes(document)
    if before is None:
        missing = {name: it for name, it in _DEFAULTS if name not in document.residue.q_params}
        changed.update(missing)
    return changed


def _name(document: GraphDocument, key: NodeKey) -> str | None:
    names = document.residue.names
    return document.id_of_key.get(key) if names is None else names.of(key)


def _pinned_ids(document: GraphDocument) -> list[Any]:
    """The ids as they were read, without those unpinned, then the new ones."""
    residue, now = document.residue, document.annotations
    names, read = residue.names, residue.q_params.get("pinnedIds")
    if names is None or not isinstance(read, list):
        return [name for key in now.pinned if (name := _name(document, key)) is not None]
    still = set(now.pinned)
    resolved = [(each, names.find(each)) for each in read]
    kept = [each for each, key in resolved if key is None or key in still]
    old = {key for _, key in resolved}
    added = [_name(document, key) for key in now.pinned if key not in old]
    return [*kept, *(name for name in added if name is not None)]


def _supernodes(document: GraphDocument) -> list[Any]:
    """Rows that did not change as they were read; rows whose members name nothing stay too."""
    rows = document.residue.supernode_rows
    by_name = {row.group.name: row for row in rows if row.group}
    by_members = {row.group.members: row for row in rows if row.group}
    written: list[Any] = []
    for group in document.annotations.supernodes:
        row = by_name.get(group.name) or by_members.get(group.members)
        written.append(_row(document, group, row.raw if row else None, row.group if row else None))
    for row in rows:
        if row.group is None:
            written.insert(row.place, row.raw)
    return written


def _row(
    document: GraphDocument, group: Supernode, raw: list[Any] | None, read: Supernode | None
) -> list[Any]:
    if raw is None or read is None:
        ids = [_name(document, key) for key in group.members]
        return [group.name, *(name for name in ids if name is not None)]
    if group == read:
        return raw
    names = document.residue.names
    still = set(group.members)
    kept = []
    for each in raw[1:]:
        key = names.find(each) if names else None
        if key is None or key in still:
            kept.append(each)
    added = [_name(document, key) for key in group.members if key not in read.members]
    name = raw[0] if group.name == read.name else group.name
    return [name, *kept, *(each for each in added if each is not None)]

"""Taking an edit back when others have edited since: what nobody touched again changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from graphlabel.annotation import Annotations, Patch, Supernode
from graphlabel.graph import NodeKey

K = TypeVar("K")
V = TypeVar("V")


def turned(old: Patch, new: Patch, now: Annotations) -> Patch:
    """The patch that replaces ``old`` by ``new`` wherever ``now`` still is as ``old`` has it.

    Labels are left out: they have rows of their own. Pins and supernodes are merged node by node.
    """
    return Patch(
        notes=_turned(old.notes, new.notes, now.notes),
        reviews=_turned(old.reviews, new.reviews, now.reviews),
        supernodes=None
        if old.supernodes is None or new.supernodes is None
        else merged_supernodes(old.supernodes, new.supernodes, now.supernodes),
        pinned=None
        if old.pinned is None or new.pinned is None
        else tuple(_merged(old.pinned, new.pinned, now.pinned)),
    )


def _turned(
    old: Mapping[K, V | None], new: Mapping[K, V | None], now: Mapping[K, V]
) -> dict[K, V | None]:
    return {
        key: new.get(key)
        for key, value in old.items()
        if now.get(key) == value and value != new.get(key)
    }


def _merged(old: Iterable[K], new: Iterable[K], now: Iterable[K]) -> Iterable[K]:
    """Three-way: what ``new`` added to ``old`` is added to ``now``, what it took out is taken."""
    old, new, now = dict.fromkeys(old), dict.fromkeys(new), dict.fromkeys(now)
    if list(now) == list(old):
        return new
    added = [key for key in new if key not in old]
    return dict.fromkeys([*(key for key in now if key in new or key not in old), *added])


def merged_supernodes(
    old: tuple[Supernode, ...], new: tuple[Supernode, ...], now: tuple[Supernode, ...]
) -> tuple[Supernode, ...]:
    """Three-way, group by group; a node ``new`` moves leaves the groups it is in now."""
    if now == old:
        return new
    before, after, here = (
        {group.name: group.members for group in groups} for groups in (old, new, now)
    )
    names = dict.fromkeys([*here, *after])
    groups = {
        name: tuple(_merged(before.get(name, ()), after.get(name, ()), here.get(name, ())))
        for name in names
    }
    for name, members in groups.items():
        arrived = set(members) - set(here.get(name, ()))
        for other in groups:
            if other != name:
                groups[other] = _without(groups[other], arrived)
    return tuple(Supernode(name, members) for name, members in groups.items() if members)


def _without(members: tuple[NodeKey, ...], gone: set[NodeKey]) -> tuple[NodeKey, ...]:
    return tuple(key for key in members if key not in gone)

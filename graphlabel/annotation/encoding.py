"""Annotations as plain JSON values and back, for files and the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import msgspec

from graphlabel.annotation.annotations import LabelTarget
from graphlabel.annotation.labels import Label, Review, Supernode
from graphlabel.annotation.patch import Patch
from graphlabel.annotation.routing import Routing
from graphlabel.annotation.verbalization import Verbalization
from graphlabel.errors import AnnotationError
from graphlabel.graph import FeatureKey, NodeKey, NodeKind

T = TypeVar("T")


def encode_key(key: LabelTarget) -> str:
    """``feature:2:214:7`` for a node, ``2:214`` for a feature."""
    return ":".join(str(part) for part in key)


def decode_key(text: str) -> LabelTarget:
    """The inverse of ``encode_key``; raises AnnotationError on anything else."""
    parts = text.split(":")
    try:
        if len(parts) == 2:
            return FeatureKey(int(parts[0]), int(parts[1]))
        kind, layer, feature, position = parts
        return NodeKey(NodeKind(kind), int(layer), int(feature), int(position))
    except ValueError as error:
        raise AnnotationError(f"“{text[:60]}” is no node or feature key") from error


def decode_node(text: str) -> NodeKey:
    """A node's key; raises AnnotationError when the text names no node."""
    key = decode_key(text)
    if not isinstance(key, NodeKey):
        raise AnnotationError(f"“{text[:60]}” is no node key")
    return key


def encode_value(value: object) -> Any:
    """A label, routing, review or verbalization as plain JSON values; what is unset is left out."""
    plain = msgspec.to_builtins(value)
    if isinstance(value, Verbalization):
        unset = {field.name: field.default for field in fields(value)}
        plain = {name: part for name, part in plain.items() if part != unset[name]}
    if isinstance(value, Label):
        made = plain["provenance"]
        plain["provenance"] = {
            name: part for name, part in made.items() if part not in ("", None, [], ())
        }
    return plain


def _is_set(part: object) -> bool:
    return part not in ("", None, (), [])


def decode_value(value: object, kind: type[T]) -> T:
    """The inverse of ``encode_value``; raises AnnotationError with the field that is wrong."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise AnnotationError(f"a stored {kind.__name__.lower()} is broken: {error}") from error


def encode_supernode(group: Supernode) -> dict[str, Any]:
    """A supernode as plain JSON values."""
    return {"name": group.name, "members": [encode_key(key) for key in group.members]}


def decode_supernode(value: Mapping[str, Any]) -> Supernode:
    """The inverse of ``encode_supernode``."""
    try:
        return Supernode(str(value["name"]), tuple(decode_node(key) for key in value["members"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise AnnotationError("a stored supernode needs a name and members") from error


def encode_patch(patch: Patch) -> dict[str, Any]:
    """A patch as plain JSON values."""
    whole: dict[str, Any] = {
        "labels": _encode_entries(patch.labels),
        "notes": _encode_entries(patch.notes),
        "reviews": _encode_entries(patch.reviews),
    }
    if patch.supernodes is not None:
        whole["supernodes"] = [encode_supernode(group) for group in patch.supernodes]
    if patch.pinned is not None:
        whole["pinned"] = [encode_key(key) for key in patch.pinned]
    return {name: part for name, part in whole.items() if part or isinstance(part, list)}


def decode_patch(value: Mapping[str, Any]) -> Patch:
    """The inverse of ``encode_patch``; raises AnnotationError on anything else."""
    try:
        return Patch(
            labels={
                decode_key(key): None if item is None else decode_value(item, Label)
                for key, item in value.get("labels", {}).items()
            },
            notes={decode_node(key): item for key, item in value.get("notes", {}).items()},
            reviews={
                decode_node(key): None if item is None else decode_value(item, Review)
                for key, item in value.get("reviews", {}).items()
            },
            supernodes=None
            if "supernodes" not in value
            else tuple(decode_supernode(group) for group in value["supernodes"]),
            pinned=None
            if "pinned" not in value
            else tuple(decode_node(key) for key in value["pinned"]),
        )
    except (AttributeError, TypeError) as error:
        raise AnnotationError(f"a stored edit is broken: {error}") from error


def _encode_entries(entries: Mapping[Any, object]) -> dict[str, Any]:
    return {
        encode_key(key): None if item is None else encode_value(item)
        for key, item in entries.items()
    }


def encode_routing(routing: Routing) -> dict[str, Any]:
    """A routing as plain JSON values, its tier included for readers of the file."""
    return {
        "class": routing.feature_class.value,
        "tier": int(routing.tier),
        "scores": {name: encode_value(score) for name, score in routing.scores.items()},
        "reason": routing.reason,
        "notes": list(routing.notes),
        "settings": dict(routing.settings),
    }


def decode_routing(value: Mapping[str, Any]) -> Routing:
    """The inverse of ``encode_routing``."""
    plain = {key: item for key, item in value.items() if key not in ("class", "tier")}
    return decode_value({**plain, "feature_class": value.get("class")}, Routing)

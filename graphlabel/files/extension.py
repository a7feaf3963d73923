"""What graphlabel adds to a graph file, under the field ``graphlabel``.

Other tools ignore the field. ``metadata.graphlabel`` holds the model's and transcoders' identity,
token ids and scores; ``node.graphlabel`` holds the node's label with provenance, routing, note,
review, and what verbalizers said of it and of its feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from graphlabel.annotation import (
    Annotations,
    Label,
    LabelTarget,
    Origin,
    Provenance,
    Review,
    Routing,
    Scope,
    Verbalization,
    label_target,
)
from graphlabel.annotation.encoding import (
    decode_routing,
    decode_value,
    encode_routing,
    encode_value,
)
from graphlabel.errors import AnnotationError, GraphFileError
from graphlabel.files.dialects import Dialect
from graphlabel.graph import FeatureKey, GraphScores, GraphSource, NodeKey, NodeKind

FIELD = "graphlabel"
VERSION = 1
_FROM_FILE = Provenance(Origin.FILE)


@dataclass(frozen=True)
class FileMetadata:
    """``metadata.graphlabel``; everything is absent from other tools' files."""

    source: GraphSource | None = None
    token_ids: tuple[int, ...] = ()
    n_layers: int | None = None
    scores: GraphScores | None = None
    version: int = VERSION


def read_metadata(value: object) -> FileMetadata:
    """The metadata we wrote; raises GraphFileError when it is broken or from a newer version."""
    if value is None:
        return FileMetadata()
    try:
        found = msgspec.convert(value, FileMetadata)
    except (msgspec.ValidationError, TypeError) as error:
        raise GraphFileError(f"metadata.graphlabel is broken: {error}") from error
    if found.version > VERSION:
        raise GraphFileError(
            f"the file was written by a newer graphlabel (form {found.version}, this one reads "
            f"{VERSION}); update graphlabel"
        )
    return found


def write_metadata(metadata: FileMetadata) -> Any:
    """The metadata as plain JSON values."""
    return msgspec.to_builtins(metadata)


def read_annotations(
    keys: Sequence[NodeKey],
    nodes: Sequence[Mapping[str, Any]],
    pins: Annotations,
    dialect: Dialect,
    clerps: Mapping[LabelTarget, str],
) -> Annotations:
    """Annotations from each node's ``clerp`` and ``graphlabel`` fields, joined with the pins.

    ``clerps`` are the labels in qParams, which win over the nodes' own, as in the frontends.
    """
    labels: dict[LabelTarget, Label] = {
        target: Label(text, Scope.OCCURRENCE if isinstance(target, NodeKey) else Scope.FEATURE)
        for target, text in clerps.items()
    }
    routings: dict[FeatureKey, Routing] = {}
    notes: dict[NodeKey, str] = {}
    reviews: dict[NodeKey, Review] = {}
    verbalizations: dict[LabelTarget, tuple[Verbalization, ...]] = {}
    for place, (key, raw) in enumerate(zip(keys, nodes, strict=True)):
        ours = raw.get(FIELD)
        if not isinstance(ours, dict):
            text = dialect.label(raw, key.kind)
            if text and key not in labels and key.feature_key not in clerps:
                labels[key] = Label(text, provenance=_FROM_FILE)
            continue
        try:
            for name in ("label", "hidden_label"):
                if name in ours:
                    label = decode_value(ours[name], Label)
                    labels[label_target(key, label.scope)] = label
            if "class" in ours and key.feature_key not in routings:
                routings[key.feature_key] = decode_routing(
                    {name: ours[name] for name in _ROUTING_FIELDS if name in ours}
                )
            if "note" in ours:
                notes[key] = str(ours["note"])
            if "review" in ours:
                reviews[key] = Review(ours["review"])
            for name, target in _verbalization_fields(key).items():
                if name in ours:
                    texts = ours[name] if isinstance(ours[name], list) else [ours[name]]
                    found = tuple(decode_value(text, Verbalization) for text in texts)
                    verbalizations[target] = found
        except (AnnotationError, ValueError) as error:
            raise GraphFileError(f"node {place}: {error}") from error
    return replace(
        pins,
        labels=labels,
        routings=routings,
        notes=notes,
        reviews=reviews,
        verbalizations=verbalizations,
    )


_ROUTING_FIELDS = ("class", "tier", "scores", "reason", "notes", "settings")


def _verbalization_fields(key: NodeKey) -> dict[str, LabelTarget]:
    """The fields that hold verbalizations, and what those are of."""
    if key.kind is not NodeKind.FEATURE:
        return {"verbalizations": key}
    return {"verbalizations": key, "feature_verbalizations": key.feature_key}


def write_node(annotations: Annotations, key: NodeKey) -> dict[str, Any]:
    """A node's ``graphlabel`` field; empty when there is nothing to say."""
    ours: dict[str, Any] = {}
    routing = annotations.routing_of(key) if key.kind is NodeKind.FEATURE else None
    if routing is not None:
        ours |= encode_routing(routing)
    label = annotations.label_of(key)
    if label is not None:
        ours["label"] = encode_value(label)
    for target in (key, key.feature_key):
        hidden = annotations.labels.get(target)
        if hidden is not None and hidden is not label:
            ours["hidden_label"] = encode_value(hidden)
    if key in annotations.notes:
        ours["note"] = annotations.notes[key]
    if key in annotations.reviews:
        ours["review"] = annotations.reviews[key].value
    for name, target in _verbalization_fields(key).items():
        texts = annotations.verbalizations.get(target)
        if texts:
            ours[name] = [encode_value(each) for each in texts]
    return ours

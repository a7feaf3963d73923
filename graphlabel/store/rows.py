"""Labels as rows of the store's table, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from graphlabel.annotation import (
    Edit,
    FeatureClass,
    Label,
    LabelTarget,
    Origin,
    Provenance,
    Scope,
)
from graphlabel.annotation.encoding import decode_value, encode_value
from graphlabel.errors import AnnotationError, StoreError
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store.labels import LabelState, StoredLabel
from graphlabel.store.schema import DatabaseRow

_LONGEST_TIME = 32


def label_row(
    target: LabelTarget,
    label: Label,
    *,
    edit: int,
    transcoder_set: int | None,
    graph: str,
    time: str = "",
    feature_class: FeatureClass | None = None,
    removed: bool = False,
    replaced: Label | None = None,
    overtook: int | None = None,
) -> dict[str, Any]:
    """A label as a row; ``time`` counts where its provenance has none."""
    feature = isinstance(target, FeatureKey)
    made = label.provenance
    return {
        "edit": edit,
        "scope": (Scope.FEATURE if feature else Scope.OCCURRENCE).value,
        "transcoder_set": transcoder_set,
        "graph": graph,
        "kind": NodeKind.FEATURE.value if isinstance(target, FeatureKey) else target.kind.value,
        "layer": target.layer,
        "feature": target.feature,
        "position": None if isinstance(target, FeatureKey) else target.position,
        "text": storable(label.text),
        "folded": storable(label.text).casefold(),
        "feature_class": feature_class.value if feature_class else "",
        "origin": made.origin.value,
        "author": storable(made.author),
        "method": storable(made.method),
        "time": storable(made.time or time)[:_LONGEST_TIME],
        "provenance": encode_json(encode_value(label)["provenance"]),
        "replaced": encode_json(encode_value(replaced)) if replaced else "",
        "overtook": overtook,
        "removed": removed,
        "undone": False,
        "current": False,
    }


def edit_label_rows(
    edit: Edit, number: int, graph: str, transcoder_set: int | None, author: str, time: str
) -> Iterator[dict[str, Any]]:
    """The rows of the labels an edit gave and took away."""
    given = [label for label in edit.change.labels.values() if label is not None]
    decision = Provenance(Origin.PERSON, author=author, time=time)
    if given and all(label.provenance.origin != decision.origin for label in given):
        decision = given[0].provenance
    for target, label in edit.change.labels.items():
        yield label_row(
            target,
            label or Label("", _scope(target), decision),
            edit=number,
            transcoder_set=transcoder_set,
            graph=graph,
            time=time,
            removed=label is None,
            replaced=edit.inverse.labels.get(target),
        )


def _scope(target: LabelTarget) -> Scope:
    return Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE


def target_of(row: DatabaseRow) -> LabelTarget:
    """What a row's label is on."""
    if row.scope == Scope.FEATURE:
        return FeatureKey(row.layer, row.feature)
    return NodeKey(NodeKind(row.kind), row.layer, row.feature, row.position)


def label_of(row: DatabaseRow) -> Label | None:
    """A row's label; None where the row says that there is none."""
    return None if row.removed else _label(row)


def replaced_of(row: DatabaseRow) -> Label | None:
    """The label the graph had before; raises StoreError when it is broken."""
    try:
        return decode_value(json.loads(row.replaced), Label) if row.replaced else None
    except (AnnotationError, ValueError) as error:
        raise StoreError(f"label {row.id} in the store is broken: {error}") from error


def _label(row: DatabaseRow) -> Label:
    try:
        made = decode_value(json.loads(row.provenance), Provenance)
    except (AnnotationError, ValueError) as error:
        raise StoreError(f"label {row.id} in the store is broken: {error}") from error
    return Label(row.text, Scope(row.scope), made)


def stored_label(row: DatabaseRow, sets: Mapping[int, TranscoderSet]) -> StoredLabel:
    """A row as people and methods see it; ``sets`` by their ids."""
    state = LabelState.CURRENT if row.current else LabelState.PAST
    return StoredLabel(
        id=row.id,
        target=target_of(row),
        label=_label(row),
        state=LabelState.UNDONE if row.undone else state,
        transcoder_set=sets.get(row.transcoder_set),
        graph=row.graph,
        feature_class=FeatureClass(row.feature_class) if row.feature_class else None,
        removed=row.removed,
        overtook=row.overtook,
    )


def encode_json(value: object) -> str:
    """Compact JSON in ASCII: databases refuse lone surrogates and NUL characters."""
    return json.dumps(value, separators=(",", ":"))


def storable(text: str) -> str:
    """A text as every database takes it: without NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")

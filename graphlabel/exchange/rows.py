"""A label as a row of named cells, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import msgspec

from graphlabel.annotation import (
    FeatureClass,
    Label,
    LabelScore,
    LabelTarget,
    Origin,
    Provenance,
    Scope,
)
from graphlabel.evidence.sources.dashboards import split_source_id
from graphlabel.exchange.given import Given, RowError
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel, StoredLabel

Cell = str | int | float | None
Row = dict[str, Cell]
E = TypeVar("E", Origin, Scope, FeatureClass, NodeKind)

_OWN = tuple(each.name for each in fields(Provenance))
_RENAMED = {"model": "label_model"}
PROVENANCE = tuple(_RENAMED.get(name, name) for name in _OWN)
COLUMNS = (
    "model", "transcoders", "transcoders_revision", "graph", "scope", "kind", "layer", "feature",
    "position", "label", "class", *PROVENANCE, "state",
)  # fmt: skip
"""Every column that is written; ``model`` is the language model whose features these are, and
``label_model`` the one that wrote the label."""

_OTHER_NAMES = {
    "label": ("text", "description", "explanation", "clerp"),
    "feature": ("index", "feature_index", "feature_id"),
    "class": ("feature_class",),
    "transcoders": ("source_set", "transcoder_set", "set"),
    "model": ("model_id", "modelid"),
    "position": ("ctx_idx",),
    "scope": ("label_scope",),
    "origin": ("label_origin",),
    "author": ("label_author", "annotator"),
    "method": ("label_method", "typename"),
    "label_model": ("explanation_model", "explanationmodelname"),
    "time": ("label_time",),
    "score": ("trust",),
}
_NAME = {other: name for name, others in _OTHER_NAMES.items() for other in others}
_NUMBERS = ("score", "temperature", "dollars")


def column(header: str) -> str:
    """The column a header means: ours, or its own name where it is none of ours."""
    plain = header.strip().casefold().replace(" ", "_")
    return _NAME.get(plain, plain)


def label_of_row(row: Mapping[str, object], given: Given) -> NewLabel:
    """The label in a row whose names are columns; raises RowError saying what it lacks.

    A tier in the row means a table of nodes, whose class is the routing's and nobody's judgement.
    """
    cells = {name: value for name, value in row.items() if value not in (None, "")}
    judged = "class" in cells and "tier" not in row
    if not str(cells.get("label", "")).strip() and not judged:
        raise RowError("it has no label")
    target, transcoder_set = _target(cells, given)
    return NewLabel(
        target,
        Label(str(cells.get("label", "")), _scope_of(target), _provenance(cells, given)),
        transcoder_set,
        str(cells.get("graph", given.graph)),
        _one_of(FeatureClass, cells["class"], "class") if judged else None,
    )


def row_of_label(stored: StoredLabel) -> Row:
    """A stored label as a row of every column."""
    target, made, owner = stored.target, stored.label.provenance, stored.transcoder_set
    node = target if isinstance(target, NodeKey) else None
    row: Row = {
        "model": owner.model if owner else None,
        "transcoders": owner.name if owner else None,
        "transcoders_revision": owner.revision if owner else None,
        "graph": stored.graph or None,
        "scope": _scope_of(target).value,
        "kind": node.kind.value if node else NodeKind.FEATURE.value,
        "layer": target.layer,
        "feature": target.feature,
        "position": node.position if node else None,
        "label": stored.label.text or None,
        "class": stored.feature_class.value if stored.feature_class else None,
    }
    for name, shown in zip(_OWN, PROVENANCE, strict=True):
        value = getattr(made, name)
        row[shown] = str(value) if name == "origin" else value if value not in ("", ()) else None
    if made.scores:
        row["scores"] = msgspec.json.encode(made.scores).decode()
    row["state"] = stored.state.value
    return row


def _scope_of(target: LabelTarget) -> Scope:
    return Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE


def _target(cells: Mapping[str, object], given: Given) -> tuple[LabelTarget, TranscoderSet | None]:
    layer, owner = _layer_and_set(cells, given)
    feature = _whole(cells, "feature")
    kind = _one_of(NodeKind, cells.get("kind", NodeKind.FEATURE.value), "kind")
    scope = given.scope
    if "scope" in cells:
        scope = _one_of(Scope, cells["scope"], "scope")
    if scope is None:
        scope = Scope.OCCURRENCE if "position" in cells else Scope.FEATURE
    if kind is NodeKind.FEATURE and (layer < 0 or feature < 0):
        raise RowError("its layer or feature is negative")
    if scope is Scope.FEATURE:
        if kind is not NodeKind.FEATURE:
            raise RowError("it is of no feature, and of no occurrence either")
        return FeatureKey(layer, feature), owner
    return NodeKey(kind, layer, feature, _whole(cells, "position")), owner


def _layer_and_set(cells: Mapping[str, object], given: Given) -> tuple[int, TranscoderSet | None]:
    """The layer, and the set the row names (Neuronpedia's layers do, ``20-gemmascope-res-16k``)."""
    split = split_source_id(str(cells.get("layer", "")))
    name = str(cells.get("transcoders", split[1] if split else ""))
    layer = split[0] if split else _whole(cells, "layer")
    if not name:
        return layer, given.transcoder_set
    known = given.transcoder_set
    model = str(cells.get("model", known.model if known else ""))
    revision = str(cells.get("transcoders_revision", ""))
    return layer, TranscoderSet(model, name, revision)


def _provenance(cells: Mapping[str, object], given: Given) -> Provenance:
    found: dict[str, Any] = {
        own: str(cells[shown])
        for own, shown in zip(_OWN, PROVENANCE, strict=True)
        if shown in cells and own not in (*_NUMBERS, "tokens", "origin", "scores")
    }
    for name in _NUMBERS:
        if name in cells:
            found[name] = _number(cells[name], name)
    if "tokens" in cells:
        found["tokens"] = _whole(cells, "tokens")
    if "scores" in cells:
        found["scores"] = _scores(cells["scores"])
    found.setdefault("author", given.author)
    return Provenance(_origin(cells, given), **found)


def _origin(cells: Mapping[str, object], given: Given) -> Origin:
    """Who is behind a row: what it says, what the importer says, or what its columns tell."""
    if "origin" in cells:
        return _one_of(Origin, cells["origin"], "origin")
    if given.origin is not None:
        return given.origin
    if "method" in cells or "label_model" in cells:
        return Origin.MACHINE
    return Origin.PERSON if cells.get("author", given.author) else Origin.FILE


def _one_of(kind: type[E], value: object, name: str) -> E:
    try:
        return kind(str(value).strip().casefold())
    except ValueError:
        raise RowError(f"its {name} is none of {', '.join(kind)}") from None


def _whole(cells: Mapping[str, object], name: str) -> int:
    """A whole number, which pandas may have written as ``7.0``."""
    if name not in cells:
        raise RowError(f"it has no {name}")
    text = str(cells[name]).strip().removesuffix(".0")
    if not text.lstrip("-").isdecimal() or len(text) > 19:
        raise RowError(f"its {name} is no whole number of ordinary size")
    return int(text)


def _scores(value: object) -> tuple[LabelScore, ...]:
    """Scores as ``row_of_label`` writes them; other tables' scores are of another kind."""
    try:
        if isinstance(value, str):
            return msgspec.json.decode(value, type=tuple[LabelScore, ...])
        return msgspec.convert(value, tuple[LabelScore, ...])
    except msgspec.MsgspecError as error:
        raise RowError("its scores are none that graphlabel wrote") from error


def _number(value: object, name: str) -> float:
    try:
        found = float(str(value))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise RowError(f"its {name} is no number")
    return found

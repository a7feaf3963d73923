"""Neuronpedia's explanations: rows of its bulk export, and of its API's lists."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from graphlabel.annotation import Label, Origin, Provenance, Scope
from graphlabel.annotation.encoding import decode_value, encode_value
from graphlabel.atomic import write_bytes
from graphlabel.errors import AnnotationError, ExportError
from graphlabel.evidence.sources.dashboards import explanation_of, split_source_id
from graphlabel.evidence.sources.loose import index, text
from graphlabel.exchange.given import Given, Refusal
from graphlabel.graph import FeatureKey
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel, StoredLabel

FIELD = "graphlabel"
"""The field of ours in rows we write: provenance, and the transcoders' revision."""
_BATCH = 10_000
_object = msgspec.json.Decoder(dict[str, Any])
_objects = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


def is_explanation(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a row of Neuronpedia's explanations."""
    return {"description", "layer", "index"} <= value.keys() and (
        split_source_id(text(value["layer"])) is not None
    )


def read_explanation(line: bytes, place: str, given: Given) -> NewLabel | Refusal:
    """The label in one row, which holds wherever the feature fires."""
    try:
        row = _object.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(place, "it is no JSON object")
    split, feature = split_source_id(text(row.get("layer"))), index(row.get("index"))
    if split is None or feature is None:
        return Refusal(place, "it names no layer and index")
    said = explanation_of(row)
    if said is None:
        return Refusal(place, "it has no label")
    layer, name = split
    ours = row.get(FIELD)
    ours = ours if isinstance(ours, dict) else {}
    model = text(row.get("modelId")) or (given.transcoder_set.model if given.transcoder_set else "")
    try:
        made = decode_value(ours["provenance"], Provenance) if "provenance" in ours else None
    except AnnotationError:
        return Refusal(place, "its graphlabel field is broken")
    if made is None:
        origin = given.origin or (Origin.MACHINE if said.method or said.model else Origin.FILE)
        author = given.author or ("neuronpedia" if origin is Origin.MACHINE else "")
        score = said.score if said.score is None or 0 <= said.score <= 1 else None
        time = text(row.get("createdAt"))
        made = Provenance(origin, author, said.method, said.model, time, score)
    owner = TranscoderSet(model, name, text(ours.get("revision")))
    return NewLabel(FeatureKey(layer, feature), Label(said.text, Scope.FEATURE, made), owner)


def read_explanations(data: bytes, where: str, given: Given) -> Iterator[NewLabel | Refusal]:
    """The labels of rows, one a line as in the bulk export, or in one list as the API gives them.

    Raises ValueError when the list is broken as a whole.
    """
    if data.lstrip()[:1] == b"[":
        rows: Iterable[Any] = _objects.decode(data)
    else:
        rows = data.splitlines()
    for number, row in enumerate(rows, start=1):
        if bytes(row).strip():
            yield read_explanation(bytes(row), f"{where}:{number}", given)


def explanation_row(stored: StoredLabel) -> dict[str, Any] | None:
    """A stored label as a row; None for labels of occurrences, or of a set nobody named."""
    owner, key = stored.transcoder_set, stored.target
    if owner is None or not isinstance(key, FeatureKey) or not stored.label.text:
        return None
    made = stored.label.provenance
    return {
        "id": f"graphlabel-{stored.id}",
        "modelId": owner.model,
        "layer": f"{key.layer}-{owner.name}",
        "index": str(key.feature),
        "description": stored.label.text,
        "typeName": made.method or None,
        "explanationModelName": made.model or None,
        "createdAt": made.time or None,
        FIELD: {"provenance": encode_value(stored.label)["provenance"], "revision": owner.revision},
    }


def write_explanations(labels: Iterable[StoredLabel], folder: Path) -> tuple[int, int]:
    """Write ``MODEL/LAYER-SET/explanations/batch-N.jsonl.gz``; how many labels, and left out.

    Raises ExportError when a file cannot be written. The same labels give the same bytes.
    """
    by_source: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    left_out = 0
    for label in labels:
        row = explanation_row(label)
        if row is None:
            left_out += 1
        else:
            by_source[row["modelId"], row["layer"]].append(row)
    for (model, layer), rows in by_source.items():
        rows.sort(key=lambda row: (int(row["index"]), row["id"]))
        place = folder / (quote(model, safe="") or "unknown") / quote(layer, safe="")
        for number, start in enumerate(range(0, len(rows), _BATCH)):
            lines = b"".join(_encode(row) + b"\n" for row in rows[start : start + _BATCH])
            path = place / "explanations" / f"batch-{number}.jsonl.gz"
            write_bytes(path, gzip.compress(lines, mtime=0), ExportError)
    return sum(map(len, by_source.values())), left_out

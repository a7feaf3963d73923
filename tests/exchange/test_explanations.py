"""Neuronpedia's explanations, read from exports and lists, and written as exports are."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from graphlabel.annotation import Label, Origin, Provenance, Scope
from graphlabel.errors import GraphLabelError, UsageError
from graphlabel.evidence import open_source
from graphlabel.exchange import Given, Refusal, label_files, read_labels, write_explanations
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store import LabelState, NewLabel, StoredLabel

OWNER = TranscoderSet("gemma-2-2b", "gemmascope-res-16k")


def row(index: object = "123", **changes: Any) -> dict[str, Any]:
    return {
        "id": "x", "modelId": "gemma-2-2b", "layer": "20-gemmascope-res-16k", "index": index,
        "description": " cities of Texas ", "typeName": "oai_token-act-pair",
        "explanationModelName": "gpt-4o-mini", "createdAt": "2025-01-02T03:04:05Z",
        "scores": [{"value": 0.75}], **changes,
    }  # fmt: skip


def packed(path: Path, rows: list[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"\n".join(rows)))
    return path


def test_rows_of_the_bulk_export(tmp_path: Path) -> None:
    lines = [json.dumps(row()).encode(), b"{broken", b"", json.dumps(row("12x")).encode(),
             json.dumps(row(description=" ")).encode(), json.dumps(row("7", typeName=None, explanationModelName=None)).encode()]  # fmt: skip
    folder = tmp_path / "gemma-2-2b" / "20-gemmascope-res-16k"
    path = packed(folder / "explanations" / "batch-0.jsonl.gz", lines)
    packed(folder / "activations" / "batch-0.jsonl.gz", [b"{}"])
    assert label_files(tmp_path) == [path]
    file = read_labels(path, Given())
    first, *others, last = file.labels
    made = Provenance(Origin.MACHINE, "neuronpedia", "oai_token-act-pair", "gpt-4o-mini", "2025-01-02T03:04:05Z", 0.75)  # fmt: skip
    label = Label("cities of Texas", Scope.FEATURE, made)
    assert first == NewLabel(FeatureKey(20, 123), label, OWNER)
    assert [each.why for each in others if isinstance(each, Refusal)] == [
        "it is no JSON object", "it names no layer and index", "it has no label",
    ]  # fmt: skip
    assert isinstance(last, NewLabel)
    assert last.label.provenance.origin is Origin.FILE
    assert file.kind == "Neuronpedia explanations"


def test_the_api_s_list(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([row(), row(7)]))
    found = list(read_labels(path, Given()).labels)
    assert [each.target for each in found if isinstance(each, NewLabel)] == [FeatureKey(20, 123), FeatureKey(20, 7)]  # fmt: skip


def stored(index: int, owner: TranscoderSet | None = OWNER, target: Any = None) -> StoredLabel:
    made = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z", settings="{}")
    label = Label(f"label {index}", Scope.FEATURE, made)
    return StoredLabel(index, target or FeatureKey(20, index), label, LabelState.CURRENT, owner)


@pytest.mark.parametrize(
    "owner", [OWNER, TranscoderSet("google/gemma-2-2b", "mntss/clt-hp", "abc123")], ids=str
)
def test_what_is_written_comes_back(tmp_path: Path, owner: TranscoderSet) -> None:
    labels = [stored(index, owner) for index in (3, 1, 2)]
    lost = [stored(9, None), stored(9, owner, NodeKey(NodeKind.FEATURE, 20, 9, 1))]
    assert write_explanations([*labels, *lost], tmp_path / "np") == (3, 2)
    (path,) = label_files(tmp_path / "np")
    back = list(read_labels(path, Given()).labels)
    assert back == [NewLabel(FeatureKey(20, n), stored(n).label, owner) for n in (1, 2, 3)]
    before = path.read_bytes()
    write_explanations(labels[::-1], tmp_path / "np")
    assert path.read_bytes() == before


def test_the_evidence_reader_takes_what_is_written(tmp_path: Path) -> None:
    write_explanations([stored(5)], tmp_path)
    folder = label_files(tmp_path)[0].parent.parent
    packed(folder / "features" / "batch-0.jsonl.gz", [json.dumps(row("5")).encode()])
    record = open_source(tmp_path).get(FeatureKey(20, 5))
    assert record is not None
    assert [each.text for each in record.explanations] == ["label 5"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x7fELF\0\0", "holds no labels"),
        (b"[1, 2]", "holds no labels"),
        (b"a,b\n1,2\n", "layer, feature and label"),
        (b"", "holds no labels"),
        (b'{"nodes": 3}', "no graph"),
        (b"{\n{\n", "not JSON"),
        (b"\x1f\x8b\x08broken", "corrupt|cut off"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    with pytest.raises(GraphLabelError, match=message) as refused:
        list(read_labels(path, Given()).labels)
    assert "\n" not in str(refused.value)


def test_a_folder_without_explanations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no explanations"):
        label_files(tmp_path)

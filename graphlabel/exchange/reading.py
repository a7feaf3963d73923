"""Labels out of files of any known form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from graphlabel.errors import UsageError
from graphlabel.evidence.sources.loose import read_file
from graphlabel.exchange.explanations import is_explanation, read_explanations
from graphlabel.exchange.given import Given, Refusal
from graphlabel.exchange.graph_labels import labels_of_graph
from graphlabel.exchange.tables import is_table, read_csv, read_json_lines
from graphlabel.files import graph_from_bytes
from graphlabel.store import NewLabel

T = TypeVar("T")

GRAPH, EXPLANATIONS, LINES, TABLE = "graph", "Neuronpedia explanations", "JSON lines", "CSV"
_object = msgspec.json.Decoder(dict[str, Any])
_objects = msgspec.json.Decoder(list[dict[str, Any]])
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


def label_files(path: Path) -> list[Path]:
    """The files of labels in a folder (a bulk export's explanations), or the file itself.

    Raises UsageError when there are none.
    """
    if not path.is_dir():
        return [path]
    found = [
        each
        for pattern in ("*.jsonl.gz", "*.jsonl")
        for each in path.rglob(pattern)
        if any(name.startswith("explanations") for name in (each.parent.name, each.name))
    ]
    if not found:
        raise UsageError(
            f"{path} holds no explanations of a Neuronpedia export; name the files themselves"
        )
    return sorted(found)


class LabelFile(NamedTuple):
    """A file of labels."""

    kind: str
    """What the file is, in words."""
    size: int
    """About how many rows it has."""
    labels: Iterator[NewLabel | Refusal]
    """A label for every row, or why it is none."""


def read_labels(path: Path, given: Given) -> LabelFile:
    """The labels of a file of any known form.

    A graph of any dialect, Neuronpedia's explanations (JSON lines or a JSON list), or a table (CSV
    or JSON lines); gzipped or not. Raises GraphFileError, EvidenceError or UsageError when the file
    as a whole cannot be read.
    """
    data = read_file(path).removeprefix(b"\xef\xbb\xbf")
    kind, size = _kind(data), data.count(b"\n") + 1
    if kind == GRAPH:
        labels = list(labels_of_graph(graph_from_bytes(data, str(path), path.stem), given))
        return LabelFile(kind, len(labels), iter(labels))
    if kind == EXPLANATIONS:
        return LabelFile(kind, size, read_explanations(data, path.name, given))
    if kind == LINES:
        return LabelFile(kind, size, read_json_lines(data, path.name, given))
    text = data.decode("utf-8", "replace")
    if not is_table(text):
        raise UsageError(
            f"{path} holds no labels graphlabel reads; expected a graph file, Neuronpedia's "
            "explanations, or a table with the columns layer, feature and label"
        )
    return LabelFile(TABLE, size, read_csv(text, path.name, given))


def _kind(data: bytes) -> str:
    """What kind of file the bytes are; empty for what may be a table."""
    start = data.lstrip()[:1]
    if start == b"[":
        row = _first(_objects, data)
        return EXPLANATIONS if row is not None and is_explanation(row) else ""
    if start != b"{":
        return ""
    if "nodes" in (_decoded(_parts, data) or ()):
        return GRAPH
    for line in data.splitlines():
        row = _decoded(_object, line)
        if row is not None:
            return EXPLANATIONS if is_explanation(row) else LINES
    # not a single object: the reader of graphs says what is wrong
    return GRAPH


def _first(decoder: msgspec.json.Decoder[list[T]], data: bytes) -> T | None:
    return next(iter(_decoded(decoder, data) or ()), None)


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

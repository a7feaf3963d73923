"""The table of nodes: one row a node, with tier, scores, label and provenance."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from graphlabel.annotation import Annotations, Label, Routing
from graphlabel.errors import ExportError
from graphlabel.export.options import ExportOptions
from graphlabel.files import GraphDocument
from graphlabel.graph import Node, NodeKey, NodeKind
from graphlabel.inert import inert, inert_json

Cell = str | int | float | None
Row = dict[str, Cell]
WINDOWS = ("input", "output", "cross")
INTEGERS = frozenset({"layer", "feature", "position", "tier", "pinned"})
NUMBERS = frozenset(
    {"activation", "influence", "probability", "trust"}
    | {f"{name}_{w}" for name in ("s", "p", "effect") for w in WINDOWS}
    | {f"s_{w}_weighted" for w in WINDOWS}
)
"""Columns of whole numbers and of other numbers; all others hold texts."""


def node_rows(document: GraphDocument) -> Iterator[Row]:
    """A row of plain cells for every node, in the graph's order; all have the same columns."""
    groups = group_names(document.annotations)
    pinned = frozenset(document.annotations.pinned)
    for node_id, node in zip(document.node_ids, document.graph.nodes, strict=True):
        key = node.key
        row: Row = {"node_id": node_id, **_node(node), **_label(document.annotations.label_of(key))}
        routing = document.annotations.routing_of(key) if node.is_feature else None
        row |= _routing(routing)
        row["supernode"] = groups.get(key)
        row["pinned"] = int(key in pinned)
        row["note"] = document.annotations.notes.get(key)
        review = document.annotations.reviews.get(key)
        row["review"] = review.value if review else None
        yield {name: _whole(cell) for name, cell in row.items()}


def group_names(annotations: Annotations) -> dict[NodeKey, str]:
    """The first supernode of every node that is in one."""
    groups: dict[NodeKey, str] = {}
    for group in annotations.supernodes:
        for key in group.members:
            groups.setdefault(key, group.name)
    return groups


def _node(node: Node) -> Row:
    kind, layer, feature, position = node.key
    return {
        "kind": kind.value,
        "layer": layer,
        "feature": feature,
        "position": position,
        "token": node.text,
        "activation": node.activation,
        "influence": node.influence,
        "probability": node.probability if kind is NodeKind.LOGIT else None,
    }


def _label(label: Label | None) -> Row:
    made = label.provenance if label else None
    return {
        "label": label.text if label else None,
        "label_scope": label.scope.value if label else None,
        "label_origin": made.origin.value if made else None,
        "label_author": made.author if made else None,
        "label_method": made.method if made else None,
        "label_model": made.model if made else None,
        "label_time": made.time if made else None,
        "trust": made.score if made else None,
    }


def _routing(routing: Routing | None) -> Row:
    row: Row = {
        "class": routing.feature_class.value if routing else None,
        "tier": int(routing.tier) if routing else None,
        "reason": routing.reason if routing else None,
        "routing_notes": "; ".join(routing.notes) if routing else None,
    }
    for window in WINDOWS:
        score = routing.scores.get(window) if routing else None
        row[f"s_{window}"] = score.s if score else None
        row[f"s_{window}_weighted"] = score.weighted if score else None
        row[f"p_{window}"] = score.p if score else None
        row[f"effect_{window}"] = score.effect if score else None
    return row


def _whole(cell: Cell) -> Cell:
    """A cell without halves of UTF-16 pairs, which no encoder takes."""
    if isinstance(cell, str) and not cell.isascii():
        return cell.encode("utf-8", "replace").decode("utf-8")
    return cell


def csv_table(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """Comma-separated values with a header; texts a spreadsheet would run are made inert."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in _some_rows(document):
        if writer is None:
            writer = csv.DictWriter(text, fieldnames=list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _inert(cell) for name, cell in row.items()})
        if text.tell() > 1 << 20:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode("utf-8")
    text.seek(0)
    text.truncate()
    return data


def _some_rows(document: GraphDocument) -> Iterator[Row]:
    if not document.graph.nodes:
        raise ExportError("the graph has no nodes, so there is no table to write")
    return node_rows(document)


def _inert(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before it.

    Control characters become visible, carriage returns too: bare ones end the row in some readers.
    Bidirectional ones go. Line feeds and tabs stay.
    """
    if not isinstance(cell, str):
        return cell
    if not cell.isprintable():
        cell = "".join(char if char in "\n\t" else inert(char) for char in cell)
    if cell.lstrip(" \n")[:1] in tuple("=+-@\t␍＝＋－＠"):
        return "'" + cell
    return cell


def jsonl(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """One JSON object a line; characters that would act in a terminal are escaped."""
    encoder = msgspec.json.Encoder()
    for row in node_rows(document):
        yield inert_json(encoder.encode(row).decode()).encode() + b"\n"


def parquet(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """An Apache Parquet file; prompt and model stand in the schema's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(_some_rows(document))
    said = {"slug": document.slug, "prompt": document.graph.prompt}
    said |= {"model": document.graph.source.model, "transcoders": document.graph.source.transcoders}
    schema = pa.schema(
        [
            pa.field(
                name,
                pa.int64()
                if name in INTEGERS
                else pa.float64()
                if name in NUMBERS
                else pa.string(),
            )
            for name in rows[0]
        ],
        metadata={name: value.encode("utf-8", "replace") for name, value in said.items()},
    )
    sink = pa.BufferOutputStream()
    try:
        table = pa.Table.from_pylist(rows, schema=schema)
    except (OverflowError, pa.ArrowInvalid) as error:
        raise ExportError(
            f"a number of the graph does not fit a Parquet column ({error}); use jsonl"
        ) from error
    pq.write_table(table, sink)
    yield sink.getvalue().to_pybytes()

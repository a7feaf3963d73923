"""The table of nodes: one row a node, with tier, scores, label and provenance."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.files import GraphDocument
from graphlabel.graph import NodeKind

Cell = str | int | float | None
WINDOWS = ("input", "output", "cross")


def node_rows(document: GraphDocument) -> list[dict[str, Cell]]:
    """A row of plain cells for every node, in the graph's order."""
    annotations, graph = document.annotations, document.graph
    rows = []
    for node_id, node in zip(document.node_ids, graph.nodes, strict=True):
        key = node.key
        label = annotations.label_of(key)
        routing = annotations.routing_of(key) if key.kind is NodeKind.FEATURE else None
        group = annotations.supernode_of(key)
        row: dict[str, Cell] = {
            "node_id": node_id,
            "kind": key.kind.value,
            "layer": key.layer,
            "feature": key.feature,
            "position": key.position,
            "token": node.text,
            "activation": node.activation,
            "influence": node.influence,
            "probability": node.probability,
            "label": label.text if label else None,
            "label_scope": label.scope.value if label else None,
            "label_origin": label.provenance.origin.value if label else None,
            "label_author": label.provenance.author if label else None,
            "label_method": label.provenance.method if label else None,
            "label_time": label.provenance.time if label else None,
            "trust": label.provenance.score if label else None,
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
        row["supernode"] = group.name if group else None
        row["pinned"] = int(key in annotations.pinned)
        row["note"] = annotations.notes.get(key)
        review = annotations.reviews.get(key)
        row["review"] = review.value if review else None
        rows.append(row)
    return rows


def csv_table(document: GraphDocument, path: Path) -> None:
    """Comma-separated values with a header; texts that a spreadsheet would run are quoted."""
    rows = node_rows(document)
    if not rows:
        raise ExportError("the graph has no nodes, so there is no table to write")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(cell) for name, cell in row.items()} for row in rows)
    write_bytes(path, text.getvalue().encode("utf-8", "replace"), ExportError)


def jsonl(document: GraphDocument, path: Path) -> None:
    """One JSON object a line."""
    data = b"".join(msgspec.json.encode(row) + b"\n" for row in node_rows(document))
    write_bytes(path, data, ExportError)


def _inert(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula."""
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return cell

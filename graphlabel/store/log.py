"""The log of edits: appending to it, and reading what it says of a graph."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, select

from graphlabel.annotation import Edit
from graphlabel.annotation.encoding import decode_patch, encode_patch
from graphlabel.errors import AnnotationError, StoreError
from graphlabel.store.rows import encode_json, storable
from graphlabel.store.schema import EDITS, DatabaseRow


class EditKind(StrEnum):
    """What an entry of the log is."""

    DO = "do"
    UNDO = "undo"
    REDO = "redo"
    ADD = "add"
    """Labels added from outside an open graph."""


def utc_now() -> str:
    """The time now, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_token() -> str:
    """What tells one edit from all others, wherever they are made."""
    return uuid.uuid4().hex


def last_edit(connection: Connection) -> int:
    """The id of the last edit of any graph; 0 in an empty store."""
    return int(connection.scalar(select(func.max(EDITS.c.id))) or 0)


def append(
    connection: Connection,
    edit: Edit | None,
    *,
    graph: str,
    kind: EditKind,
    author: str,
    token: str,
    title: str = "",
    reverts: int | None = None,
    seen: int = 0,
    time: str = "",
) -> int:
    """Add an entry to the log, at a time that is now by default; its id."""
    values = {
        "graph": graph,
        "title": storable(edit.title if edit else title),
        "change": encode_json(encode_patch(edit.change)) if edit else "{}",
        "inverse": encode_json(encode_patch(edit.inverse)) if edit else "{}",
        "author": storable(author),
        "time": time or utc_now(),
        "kind": kind.value,
        "reverts": reverts,
        "seen": seen,
        "token": token,
    }
    made = connection.execute(insert(EDITS).values(values)).inserted_primary_key
    assert made is not None
    return int(made[0])


def decode_edit(row: DatabaseRow | Mapping[str, Any]) -> Edit:
    """An entry as an edit; raises StoreError when it is broken."""
    at = row if isinstance(row, Mapping) else row._mapping
    try:
        change, inverse = (decode_patch(json.loads(at[part])) for part in ("change", "inverse"))
    except (AnnotationError, ValueError) as error:
        raise StoreError(f"edit {at['id']} in the store is broken: {error}") from error
    return Edit(at["title"], change, inverse)

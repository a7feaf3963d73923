"""Transcoder sets in the store."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from graphlabel.records import TranscoderSet
from graphlabel.store.rows import storable
from graphlabel.store.schema import TRANSCODER_SETS


def known_sets(connection: Connection) -> dict[int, TranscoderSet]:
    """Every transcoder set, by its id."""
    return {
        row.id: TranscoderSet(row.model, row.name, row.revision)
        for row in connection.execute(select(TRANSCODER_SETS))
    }


def matching_sets(connection: Connection, wanted: TranscoderSet | None) -> list[int]:
    """The ids of the sets that are the same set, however they were named."""
    if wanted is None:
        return []
    return [number for number, each in known_sets(connection).items() if wanted.matches(each)]


def set_number(connection: Connection, wanted: TranscoderSet | None) -> int | None:
    """The id of a set under exactly this name, which is added where it is new."""
    if wanted is None:
        return None
    names = {part: storable(getattr(wanted, part)) for part in ("model", "name", "revision")}
    table = TRANSCODER_SETS
    found = connection.scalar(
        select(table.c.id).where(*(table.c[part] == name for part, name in names.items()))
    )
    if found is None:
        made = connection.execute(insert(table).values(names)).inserted_primary_key
        found = made[0] if made else None
    return None if found is None else int(found)

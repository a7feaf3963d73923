"""Graphs in the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from graphlabel.annotation import Scope
from graphlabel.graph import AttributionGraph, graph_key, prompt_key
from graphlabel.records import TranscoderSet
from graphlabel.store.log import utc_now
from graphlabel.store.rows import storable, target_of
from graphlabel.store.schema import EDITS, GRAPHS, LABELS, DatabaseRow
from graphlabel.store.sets import known_sets, set_number
from graphlabel.store.targets import Shelf, renew_current, rows_on


@dataclass(frozen=True)
class GraphCard:
    """What the store knows of a graph itself."""

    key: str
    slug: str
    prompt: str
    prompt_key: str
    transcoder_set: TranscoderSet | None
    nodes: int


def known_card(connection: Connection, graph: AttributionGraph, slug: str) -> GraphCard:
    """The card of a graph; what its file does not say of its transcoders, the store may know."""
    key = graph_key(graph)
    own_set = TranscoderSet.of(graph.source) or stored_set(connection, key)
    return GraphCard(key, slug, graph.prompt, prompt_key(graph), own_set, len(graph))


def register(connection: Connection, card: GraphCard) -> int | None:
    """Have the store know a graph; the id of its transcoder set."""
    known = connection.execute(select(GRAPHS).where(GRAPHS.c.key == card.key)).one_or_none()
    number = set_number(connection, card.transcoder_set)
    values = {"prompt_key": card.prompt_key, "transcoder_set": number, "nodes": card.nodes}
    if known is None:
        names = {"slug": storable(card.slug), "prompt": storable(card.prompt)}
        row = {"key": card.key, "first_opened": utc_now(), **names, **values}
        connection.execute(insert(GRAPHS).values(row))
    elif _lacks(known, card):
        connection.execute(update(GRAPHS).where(GRAPHS.c.key == card.key).values(values))
        _adopt(connection, card.key, number)
    return number


def _adopt(connection: Connection, key: str, number: int | None) -> None:
    """Share labels of features that were kept while the graph's transcoder set was not known."""
    if number is None:
        return
    at = LABELS.c
    here = at.graph == key, at.scope == Scope.FEATURE.value, at.transcoder_set.is_(None)
    targets = {target_of(row) for row in connection.execute(select(LABELS).where(*here))}
    connection.execute(update(LABELS).where(*here).values(transcoder_set=number))
    renew_current(connection, rows_on(connection, Shelf(number, ""), targets))


def is_behind(connection: Connection, card: GraphCard) -> bool:
    """Whether the store knows the graph without its prompt or its transcoder set."""
    known = connection.execute(select(GRAPHS).where(GRAPHS.c.key == card.key)).one_or_none()
    return known is not None and _lacks(known, card)


def _lacks(known: DatabaseRow, card: GraphCard) -> bool:
    return not known.prompt_key or (known.transcoder_set is None) > (card.transcoder_set is None)


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """A graph that has edits in the store."""

    key: str
    slug: str
    prompt: str
    nodes: int | None
    """None until a graph of an older store is opened again."""
    transcoder_set: TranscoderSet | None
    edits: int
    last_edit: str
    """When; UTC, ISO 8601, to the second."""


def stored_graphs(connection: Connection, *conditions: ColumnElement[bool]) -> list[StoredGraph]:
    """The graphs with edits, the one edited last first."""
    sets, at = known_sets(connection), GRAPHS.c
    count, last = func.count(EDITS.c.id), func.max(EDITS.c.id)
    query = (
        select(GRAPHS, count.label("edits"), func.max(EDITS.c.time).label("last_edit"))
        .join(EDITS, EDITS.c.graph == at.key)
        .where(*conditions)
        .group_by(*at)
        .order_by(last.desc())
    )
    return [
        StoredGraph(
            row.key, row.slug, row.prompt, row.nodes, sets.get(row.transcoder_set),
            row.edits, row.last_edit,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def other_prunings(connection: Connection, card: GraphCard) -> list[StoredGraph]:
    """Graphs with edits of the same prompt and transcoder set, the one edited last first.

    Of graphs that only an older program knew, the prompt alone is known.
    """
    own_set = card.transcoder_set
    if own_set is None:
        return []
    same_prompt = and_(GRAPHS.c.prompt_key == "", GRAPHS.c.prompt == storable(card.prompt))
    found = stored_graphs(
        connection,
        GRAPHS.c.key != card.key,
        or_(GRAPHS.c.prompt_key == card.prompt_key, same_prompt),
    )
    return [
        each
        for each in found
        if each.transcoder_set is None or own_set.matches(each.transcoder_set)
    ]


def has_edits(connection: Connection, key: str) -> bool:
    """Whether anybody ever edited a graph."""
    return connection.scalar(select(EDITS.c.id).where(EDITS.c.graph == key).limit(1)) is not None


def carried_from(connection: Connection, key: str) -> str:
    """Which graph's annotations this one was given, or “declined”; empty when nobody was asked."""
    return connection.scalar(select(GRAPHS.c.carried_from).where(GRAPHS.c.key == key)) or ""


def remember_carrying(connection: Connection, card: GraphCard, source: str) -> None:
    """Do not offer again to carry annotations over to a graph."""
    register(connection, card)
    here = GRAPHS.c.key == card.key
    connection.execute(update(GRAPHS).where(here).values(carried_from=source))


def stored_set(connection: Connection, key: str) -> TranscoderSet | None:
    """The transcoder set of a graph, as some file of it said."""
    number = connection.scalar(select(GRAPHS.c.transcoder_set).where(GRAPHS.c.key == key))
    return known_sets(connection).get(number) if number else None

"""Graphs in the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from graphlabel.graph import AttributionGraph, prompt_key
from graphlabel.records import TranscoderSet
from graphlabel.store.loading import adopt
from graphlabel.store.log import utc_now
from graphlabel.store.rows import storable
from graphlabel.store.schema import GRAPHS
from graphlabel.store.sets import set_number


@dataclass(frozen=True)
class GraphCard:
    """What the store knows of a graph itself."""

    key: str
    slug: str
    prompt: str
    prompt_key: str
    transcoder_set: TranscoderSet | None
    nodes: int

    @classmethod
    def of(cls, graph: AttributionGraph, key: str, slug: str) -> GraphCard:
        """The card of a graph."""
        return cls(
            key, slug, graph.prompt, prompt_key(graph), TranscoderSet.of(graph.source), len(graph)
        )


def register(connection: Connection, card: GraphCard) -> int | None:
    """Have the store know a graph; the id of its transcoder set."""
    known = connection.execute(select(GRAPHS).where(GRAPHS.c.key == card.key)).one_or_none()
    number = set_number(connection, card.transcoder_set)
    values = {
        "prompt_key": card.prompt_key,
        "transcoder_set": number,
        "nodes": card.nodes,
    }
    if known is None:
        names = {"slug": storable(card.slug), "prompt": storable(card.prompt)}
        row = {"key": card.key, "first_opened": utc_now(), **names, **values}
        connection.execute(insert(GRAPHS).values(row))
    elif known.prompt_key != card.prompt_key or known.transcoder_set != number:
        connection.execute(update(GRAPHS).where(GRAPHS.c.key == card.key).values(values))
        adopt(connection, card.key, number)
    return number


def is_behind(connection: Connection, card: GraphCard) -> bool:
    """Whether an older program knew the graph, and not its prompt and transcoder set."""
    known = select(GRAPHS.c.prompt_key).where(GRAPHS.c.key == card.key)
    return connection.scalar(known) == ""

"""The store's tables as they are now; how older stores get there is in ``migrations``."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

DatabaseRow: TypeAlias = Any
"""A row as SQLAlchemy gives it, whose columns are attributes without types."""

METADATA = MetaData()

MIGRATIONS_TABLE = Table(
    "migrations",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("applied", String(32), nullable=False),
)

TRANSCODER_SETS = Table(
    "transcoder_sets",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", Text, nullable=False),
)
"""Every transcoder set that labels or graphs are of, as it was named; each once."""

GRAPHS = Table(
    "graphs",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("slug", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("first_opened", String(32), nullable=False),
    Column("prompt_key", String(64), nullable=False, server_default=""),
    Column("transcoder_set", Integer),
    Column("nodes", Integer),
    Column("carried_from", Text, nullable=False, server_default=""),
)
"""Every graph that was opened. ``prompt_key``: ``graph.prompt_key``, the same for every pruning;
empty until a graph of an older store is opened again. ``carried_from``: the graph whose annotations
were carried over, or “declined”."""

EDITS = Table(
    "edits",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("graph", String(64), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("inverse", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("time", String(32), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("reverts", Integer),
    Column("seen", Integer, nullable=False),
    Column("token", String(32), nullable=False, server_default="", index=True),
)
"""Everything that ever happened, append-only; nothing is changed or removed.

``kind`` is one of ``log.EditKind``; ``reverts`` the edit that is undone or redone; ``seen`` the
last edit its writer knew of; ``token`` is drawn by the writer, so that one who lost the connection
can tell whether the edit was kept. ``graph`` is empty for labels added outside a graph.
"""

LABELS = Table(
    "labels",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("edit", Integer, nullable=False, index=True),
    Column("scope", String(12), nullable=False),
    Column("transcoder_set", Integer),
    Column("graph", String(64), nullable=False, server_default=""),
    Column("kind", String(10), nullable=False),
    Column("layer", Integer, nullable=False),
    Column("feature", BigInteger, nullable=False),
    Column("position", Integer),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),
    Column("feature_class", String(10), nullable=False, server_default=""),
    Column("origin", String(10), nullable=False),
    Column("author", Text, nullable=False),
    Column("method", Text, nullable=False, server_default=""),
    Column("time", String(32), nullable=False, server_default=""),
    Column("provenance", Text, nullable=False),
    Column("replaced", Text, nullable=False, server_default=""),
    Column("overtook", Integer),
    Column("removed", Boolean, nullable=False, server_default=false()),
    Column("undone", Boolean, nullable=False, server_default=false()),
    Column("current", Boolean, nullable=False, server_default=false()),
    Index("ix_labels_feature", "transcoder_set", "layer", "feature"),
    Index("ix_labels_graph", "graph", "layer", "feature"),
    Index("ix_labels_about", "layer", "feature"),
)
"""Every label anybody ever gave, one row each; only ``undone`` and ``current`` ever change.

What a label is on: with scope ``feature``, ``layer`` and ``feature`` of ``transcoder_set`` (in
``graph`` alone where that is unknown), and ``graph`` says where the label was given; with scope
``occurrence``, the node ``kind``, ``layer``, ``feature``, ``position`` of ``graph``. ``folded`` is
the text casefolded, for searching; ``provenance`` the whole provenance as JSON, of which
``origin``, ``author``, ``method`` and ``time`` are copies to search by. ``replaced``: the label the
graph had before, as JSON. ``overtook``: the label that was given at the same time by somebody else
and is not shown. ``removed``: the decision that there is no label.
"""

"""The annotation store: what a person decided outlives files."""

from graphlabel.store.conflicts import Conflict, Outcome
from graphlabel.store.graph_history import GraphHistory, News
from graphlabel.store.graphs import StoredGraph
from graphlabel.store.labels import AddReport, LabelFilter, LabelState, NewLabel, StoredLabel
from graphlabel.store.places import STORE_VARIABLE, is_absent, store_place, user_name
from graphlabel.store.store import Store

__all__ = [
    "STORE_VARIABLE",
    "AddReport",
    "Conflict",
    "GraphHistory",
    "LabelFilter",
    "LabelState",
    "NewLabel",
    "News",
    "Outcome",
    "Store",
    "StoredGraph",
    "StoredLabel",
    "is_absent",
    "store_place",
    "user_name",
]

"""Supernode suggestions: which nodes belong together, and why."""

from graphlabel.grouping.accepting import accepting
from graphlabel.grouping.clustered import ClusteringGrouper
from graphlabel.grouping.language_model import LanguageModelGrouper
from graphlabel.grouping.suggestion import Grouper, Known, Suggestion

__all__ = [
    "ClusteringGrouper",
    "Grouper",
    "Known",
    "LanguageModelGrouper",
    "Suggestion",
    "accepting",
]

"""Supernode suggestions: which nodes belong together, and why."""

from graphlabel.grouping.clustered import ClusteringGrouper
from graphlabel.grouping.suggestion import Grouper, Known, Suggestion

__all__ = ["ClusteringGrouper", "Grouper", "Known", "Suggestion"]

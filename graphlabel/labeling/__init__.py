"""Label methods, and labelling a graph with them."""

from graphlabel.labeling.apply import LabelingReport, label_tier_one, waiting_nodes
from graphlabel.labeling.labeler import Labeler, Proposal
from graphlabel.labeling.token_count import TokenCounter

__all__ = [
    "Labeler",
    "LabelingReport",
    "Proposal",
    "TokenCounter",
    "label_tier_one",
    "waiting_nodes",
]

"""Label methods, and labelling a graph with them."""

from graphlabel.labeling.apply import TierReport, label_tier
from graphlabel.labeling.evidence import Evidence, GraphContext, Neighbour
from graphlabel.labeling.labeler import Labeler, LabelMethod, PromptedLabeler, Proposal
from graphlabel.labeling.proposing import Named, Outcome, Unnamed, propose
from graphlabel.labeling.registry import make_method, method_names, settings_of
from graphlabel.labeling.token_count import TokenCounter
from graphlabel.labeling.tools import Tools
from graphlabel.labeling.waiting import waiting_nodes

__all__ = [
    "Evidence",
    "GraphContext",
    "LabelMethod",
    "Labeler",
    "Named",
    "Neighbour",
    "Outcome",
    "PromptedLabeler",
    "Proposal",
    "TierReport",
    "TokenCounter",
    "Tools",
    "Unnamed",
    "label_tier",
    "make_method",
    "method_names",
    "propose",
    "settings_of",
    "waiting_nodes",
]

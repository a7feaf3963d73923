"""Training transcoders for a model, and measuring how well any set stands in for its MLPs.

Importing this room loads torch.
"""

from graphlabel.training.evaluation import Evaluation, LayerEvaluation, evaluate
from graphlabel.training.request import TrainingRequest, train_transcoders
from graphlabel.training.rows import read_rows
from graphlabel.training.settings import TrainingSettings

__all__ = [
    "Evaluation",
    "LayerEvaluation",
    "TrainingRequest",
    "TrainingSettings",
    "evaluate",
    "read_rows",
    "train_transcoders",
]

"""What a label is worth: scorers, and the comparison of label methods."""

from graphlabel.scoring.intervals import Interval, Summary, mean_interval, summarize
from graphlabel.scoring.negatives import text_pool
from graphlabel.scoring.outcome import LabelTest, Score
from graphlabel.scoring.prepare import (
    Prepared,
    SampleSettings,
    for_kept_labels,
    for_new_labels,
    prepare_features,
)
from graphlabel.scoring.registry import NAMES, Means, check_scorers, make_scorers
from graphlabel.scoring.scorer import Scorer
from graphlabel.scoring.silence import ByRecords, SilenceCheck
from graphlabel.scoring.split import Split, TestText, split_record

__all__ = [
    "NAMES",
    "ByRecords",
    "Interval",
    "LabelTest",
    "Means",
    "Prepared",
    "SampleSettings",
    "Score",
    "Scorer",
    "SilenceCheck",
    "Split",
    "Summary",
    "TestText",
    "check_scorers",
    "for_kept_labels",
    "for_new_labels",
    "make_scorers",
    "mean_interval",
    "prepare_features",
    "split_record",
    "summarize",
    "text_pool",
]

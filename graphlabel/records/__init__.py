"""What a feature's evidence is. Pure values; no files, no torch."""

from graphlabel.records.examples import SPECIAL_TOKENS, ActivationExample
from graphlabel.records.identity import TranscoderSet, may_share_features, same_model
from graphlabel.records.pieces import continues_word
from graphlabel.records.record import Explanation, FeatureRecord, Histogram, LogitEffect, Quantile

__all__ = [
    "SPECIAL_TOKENS",
    "ActivationExample",
    "Explanation",
    "FeatureRecord",
    "Histogram",
    "LogitEffect",
    "Quantile",
    "TranscoderSet",
    "continues_word",
    "may_share_features",
    "same_model",
]

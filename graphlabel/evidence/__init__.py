"""Where feature records come from."""

from graphlabel.evidence.source import FeatureSource, need, open_source

__all__ = ["FeatureSource", "need", "open_source"]

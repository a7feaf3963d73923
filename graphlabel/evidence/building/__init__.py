"""Building a feature index. Importing this room loads torch."""

from graphlabel.evidence.building.build import IndexSettings, build_index

__all__ = ["IndexSettings", "build_index"]

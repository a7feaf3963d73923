"""Building a feature index. Importing this room loads torch."""

from graphlabel.evidence.building.build import Part
from graphlabel.evidence.building.make import build_index, build_shard, merge_parts
from graphlabel.evidence.building.ray_runner import build_with_ray
from graphlabel.evidence.building.request import IndexRequest, Places
from graphlabel.evidence.building.run import Run
from graphlabel.evidence.building.sequences import token_sequences
from graphlabel.evidence.building.settings import IndexSettings, Shard

__all__ = [
    "IndexRequest",
    "IndexSettings",
    "Part",
    "Places",
    "Run",
    "Shard",
    "build_index",
    "build_shard",
    "build_with_ray",
    "merge_parts",
    "token_sequences",
]

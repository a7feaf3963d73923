"""Where feature records come from."""

from graphlabel.evidence.combined import CombinedSource
from graphlabel.evidence.opening import open_source, open_sources
from graphlabel.evidence.source import (
    FeatureSource,
    RemoteSource,
    every_key,
    every_record,
    find_named,
    get_records,
    need,
    parse_key,
    parts_of,
)

__all__ = [
    "CombinedSource",
    "FeatureSource",
    "RemoteSource",
    "every_key",
    "every_record",
    "find_named",
    "get_records",
    "need",
    "open_source",
    "open_sources",
    "parse_key",
    "parts_of",
]

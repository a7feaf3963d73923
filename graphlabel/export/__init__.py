"""Exporting annotated graphs."""

from graphlabel.export.address import address_of
from graphlabel.export.formats import (
    FORMATS,
    ExportFormat,
    export_format,
    export_graph,
    export_text,
)
from graphlabel.export.options import ExportOptions
from graphlabel.export.scores import ScorePair, score_facts, score_pair

__all__ = [
    "FORMATS",
    "ExportFormat",
    "ExportOptions",
    "ScorePair",
    "address_of",
    "export_format",
    "export_graph",
    "export_text",
    "score_facts",
    "score_pair",
]

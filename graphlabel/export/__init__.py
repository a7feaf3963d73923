"""Exporting annotated graphs."""

from graphlabel.export.formats import FORMATS, ExportFormat, export_graph

__all__ = ["FORMATS", "ExportFormat", "export_graph"]

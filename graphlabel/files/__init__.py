"""Graph files: reading and writing the field's dialects."""

from graphlabel.files.document import GraphDocument, Residue
from graphlabel.files.reader import read_graph
from graphlabel.files.writer import new_document, write_graph

__all__ = ["GraphDocument", "Residue", "new_document", "read_graph", "write_graph"]

"""Graph files: reading and writing the field's dialects."""

from graphlabel.files.document import GraphDocument, Residue
from graphlabel.files.graph_link import (
    Applied,
    GraphLink,
    apply_link,
    is_link,
    link_to,
    parse_link,
    subgraph_of,
)
from graphlabel.files.reader import graph_from_bytes, read_graph
from graphlabel.files.writer import encode_graph, new_document, write_graph

__all__ = [
    "Applied",
    "GraphDocument",
    "GraphLink",
    "Residue",
    "apply_link",
    "encode_graph",
    "graph_from_bytes",
    "is_link",
    "link_to",
    "new_document",
    "parse_link",
    "read_graph",
    "subgraph_of",
    "write_graph",
]

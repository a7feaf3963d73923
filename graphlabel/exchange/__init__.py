"""Labels from and for other people and tools, and how far annotators agree."""

from graphlabel.exchange.agreement import Agreement, Judgement, agreement
from graphlabel.exchange.explanations import write_explanations
from graphlabel.exchange.given import Given, Refusal
from graphlabel.exchange.graph_labels import labels_of_graph, with_labels
from graphlabel.exchange.judgements import judgements_of_files, judgements_of_store
from graphlabel.exchange.reading import LabelFile, label_files, read_labels
from graphlabel.exchange.rows import row_of_label
from graphlabel.exchange.tables import write_csv, write_json_lines

__all__ = [
    "Agreement",
    "Given",
    "Judgement",
    "LabelFile",
    "Refusal",
    "agreement",
    "judgements_of_files",
    "judgements_of_store",
    "label_files",
    "labels_of_graph",
    "read_labels",
    "row_of_label",
    "with_labels",
    "write_csv",
    "write_explanations",
    "write_json_lines",
]

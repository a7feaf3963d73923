"""Neuronpedia's web service: graphs fetched, generated and uploaded."""

from graphlabel.neuronpedia.client import (
    BASE_URL,
    BASE_URL_VARIABLE,
    KEY_VARIABLE,
    Neuronpedia,
)
from graphlabel.neuronpedia.graphs import (
    Generated,
    GenerateSettings,
    check_names,
    fetch_graph,
    generate_graph,
    save_subgraph,
    upload_graph,
)

__all__ = [
    "BASE_URL",
    "BASE_URL_VARIABLE",
    "KEY_VARIABLE",
    "GenerateSettings",
    "Generated",
    "Neuronpedia",
    "check_names",
    "fetch_graph",
    "generate_graph",
    "save_subgraph",
    "upload_graph",
]

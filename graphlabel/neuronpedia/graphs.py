"""Graphs on Neuronpedia: fetching, generating, uploading, saving a subgraph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from graphlabel.errors import RemoteError
from graphlabel.neuronpedia.client import Neuronpedia, Progress, silent

_NAME = re.compile(r"[A-Za-z0-9_-]+")
SMALLEST_UPLOAD, LARGEST_UPLOAD = 1024, 200 * 1024 * 1024
"""Bytes the upload endpoint accepts."""
_GENERATION_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """What the generate endpoint can be asked; None leaves it to the server."""

    source_set: str | None = None
    max_n_logits: int | None = None
    """5 to 15 on the public server."""
    desired_logit_prob: float | None = None
    """0.6 to 0.99."""
    node_threshold: float | None = None
    """0.5 to 1."""
    edge_threshold: float | None = None
    """0.8 to 1."""
    max_feature_nodes: int | None = None
    """3,000 to 10,000."""


@dataclass(frozen=True, slots=True)
class Generated:
    """A graph the server made."""

    page: str
    """Where people look at it."""
    file: str
    """Where its JSON lies."""


def check_names(model: str, slug: str) -> None:
    """Raise RemoteError unless both are names Neuronpedia accepts."""
    for what, name in (("model", model), ("slug", slug)):
        if not _NAME.fullmatch(name):
            raise RemoteError(
                f"the {what} “{name[:60]}” is no name on Neuronpedia: letters, digits, - and _ "
                f"only; give another with --{what}"
            )


def fetch_graph(client: Neuronpedia, model: str, slug: str, report: Progress = silent) -> bytes:
    """The JSON of a graph by its model and slug. Raises RemoteError."""
    check_names(model, slug)
    row = client.get(f"/api/graph/{quote(model)}/{quote(slug)}")
    return client.download(_text(row, "url", f"graph {model}/{slug}"), report)


def generate_graph(
    client: Neuronpedia, prompt: str, model: str, slug: str, settings: GenerateSettings
) -> Generated:
    """Have the server trace a prompt; this takes a minute or so. Raises RemoteError."""
    check_names(model, slug)
    wanted = {
        "prompt": prompt,
        "modelId": model,
        "slug": slug,
        "sourceSetName": settings.source_set,
        "maxNLogits": settings.max_n_logits,
        "desiredLogitProb": settings.desired_logit_prob,
        "nodeThreshold": settings.node_threshold,
        "edgeThreshold": settings.edge_threshold,
        "maxFeatureNodes": settings.max_feature_nodes,
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    answer = client.post("/api/graph/generate", body, timeout=_GENERATION_SECONDS)
    return Generated(page=_text(answer, "url", "generate"), file=_text(answer, "s3url", "generate"))


def upload_graph(client: Neuronpedia, data: bytes, slug: str) -> str:
    """Upload a graph's JSON; the address people look at it. Raises RemoteError."""
    client.need_key("uploading a graph")
    if not SMALLEST_UPLOAD <= len(data) <= LARGEST_UPLOAD:
        raise RemoteError(
            f"the graph has {len(data):,} bytes; Neuronpedia takes {SMALLEST_UPLOAD:,} to "
            f"{LARGEST_UPLOAD:,}"
        )
    request = {
        "filename": f"{slug}.json",
        "contentLength": len(data),
        "contentType": "application/json",
    }
    signed = client.post("/api/graph/signed-put", request)
    client.put(_text(signed, "url", "signed-put"), data)
    ticket = _text(signed, "putRequestId", "signed-put")
    saved = client.post("/api/graph/save-to-db", {"putRequestId": ticket})
    return _text(saved, "url", "save-to-db")


def save_subgraph(
    client: Neuronpedia,
    model: str,
    slug: str,
    *,
    name: str | None,
    pinned: Sequence[str],
    supernodes: Sequence[Sequence[str]],
    clerps: Sequence[tuple[str, str]],
    overwrite: str | None = None,
) -> str:
    """Save pins, supernodes and labels on an uploaded graph; the subgraph's id.

    ``overwrite`` is the id of a subgraph of yours to replace. Raises RemoteError.
    """
    client.need_key("saving a subgraph")
    body: dict[str, Any] = {
        "modelId": model,
        "slug": slug,
        "pinnedIds": list(pinned),
        "supernodes": [list(row) for row in supernodes],
        "clerps": [list(pair) for pair in clerps],
        "pruningThreshold": None,
        "densityThreshold": None,
    }
    if name:
        body["displayName"] = name
    if overwrite:
        body["overwriteId"] = overwrite
    return _text(client.post("/api/graph/subgraph/save", body), "subgraphId", "subgraph/save")


def _text(answer: object, name: str, what: str) -> str:
    value = answer.get(name) if isinstance(answer, Mapping) else None
    if isinstance(value, str) and value:
        return value
    raise RemoteError(
        f"{what}: the server's answer has no “{name}”; it may have changed, report it"
    )

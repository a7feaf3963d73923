"""Links to graphs on Neuronpedia, which carry pins, supernodes and labels in their address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import msgspec

from graphlabel.annotation import Annotations, Label, LabelTarget, Origin, Scope
from graphlabel.errors import UsageError
from graphlabel.files.clerps import occurrence_id, read_clerps
from graphlabel.files.document import GraphDocument
from graphlabel.files.fields import Fields
from graphlabel.files.q_params import Names, read_q_params
from graphlabel.files.writer import node_objects
from graphlabel.graph import NodeKey

HOSTS = ("www.neuronpedia.org", "neuronpedia.org")


@dataclass(frozen=True)
class GraphLink:
    """What a link says."""

    model: str
    slug: str
    origin: str
    """Scheme and host, such as https://www.neuronpedia.org."""
    q_params: Mapping[str, Any] = field(default_factory=dict)
    """``pinnedIds``, ``supernodes`` and ``clerps`` as qParams have them, as far as given."""


@dataclass(frozen=True)
class Applied:
    """A document with a link's annotations."""

    document: GraphDocument
    unresolved: int
    """How many ids of the link name no node of the graph."""
    kept: int
    """How many labels by people stayed although the link has others."""


def is_link(text: str) -> bool:
    """Whether a text is a web address rather than a file's name."""
    return text.startswith(("http://", "https://"))


def parse_link(text: str) -> GraphLink:
    """The model, slug and annotations of a link; raises UsageError on anything else.

    The form is ``https://host/{model}/graph?slug=…&pinnedIds=a,b&supernodes=[…]&clerps=[…]``.
    """
    try:
        parts = urlsplit(text.strip())
        query = parse_qs(parts.query, max_num_fields=200)
    except ValueError as error:
        raise UsageError(f"“{text[:80]}” is no link to a graph: {error}") from error
    path = [piece for piece in parts.path.split("/") if piece]
    slug = query.get("slug", [""])[0]
    if len(path) != 2 or path[1] != "graph" or not slug or not parts.hostname:
        raise UsageError(
            f"“{text[:80]}” is no link to a graph; one looks like "
            "https://www.neuronpedia.org/gemma-2-2b/graph?slug=NAME"
        )
    q_params: dict[str, Any] = {}
    if "pinnedIds" in query:
        q_params["pinnedIds"] = [each for each in query["pinnedIds"][0].split(",") if each]
    for name in ("supernodes", "clerps"):
        if name in query:
            q_params[name] = _list(query[name][0], name)
    return GraphLink(path[0], slug, f"{parts.scheme}://{parts.netloc}", q_params)


def _list(text: str, name: str) -> list[Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UsageError(f"the link's “{name}” is no JSON ({error}); copy it again") from error
    if not isinstance(found, list):
        raise UsageError(f"the link's “{name}” should be a JSON list; copy it again")
    return found


def apply_link(document: GraphDocument, link: GraphLink) -> Applied:
    """The document with the link's pins, supernodes and labels.

    Pins and supernodes replace the file's where the link has any, as in the frontend; labels by
    people stay.
    """
    keys = [node.key for node in document.graph.nodes]
    raw = node_objects(document)
    names = document.residue.names or Names(
        keys, document.node_ids, [str(node.get("jsNodeId", "")) for node in raw]
    )
    read = read_q_params(Fields(dict(link.q_params), "the link"), names)
    now = document.annotations
    if "pinnedIds" in link.q_params:
        now = replace(now, pinned=read.annotations.pinned)
    if "supernodes" in link.q_params:
        now = replace(now, supernodes=read.annotations.supernodes)
    clerps = read_clerps(link.q_params.get("clerps"), keys, raw)
    labelled, kept = _with_labels(now, keys, clerps.labels)
    lost_members = sum(map(len, read.unresolved_members.values()))
    unresolved = len(read.unresolved_pins) + lost_members + clerps.unknown
    return Applied(document.annotated(labelled), unresolved, kept)


def _with_labels(
    annotations: Annotations, keys: list[NodeKey], clerps: Mapping[LabelTarget, str]
) -> tuple[Annotations, int]:
    labels = dict(annotations.labels)
    occurrences: dict[LabelTarget, list[NodeKey]] = defaultdict(list)
    for key in keys:
        occurrences[key].append(key)
        occurrences[key.feature_key].append(key)
    kept = 0
    for target, text in clerps.items():
        shown = [annotations.label_of(key) for key in occurrences[target]]
        if any(label and label.provenance.origin is Origin.PERSON for label in shown):
            kept += 1
            continue
        for key in occurrences[target]:
            labels.pop(key, None)
        one = isinstance(target, NodeKey)
        labels[target] = Label(text, Scope.OCCURRENCE if one else Scope.FEATURE)
    return replace(annotations, labels=labels), kept


def link_to(document: GraphDocument, page: str, *, labels: bool = True) -> str:
    """A link to a graph's page that carries the document's pins, supernodes and labels."""
    pins, supernodes, clerps = subgraph_of(document)
    state = {
        "pinnedIds": ",".join(pins),
        "supernodes": msgspec.json.encode(supernodes).decode() if supernodes else "",
        "clerps": msgspec.json.encode(clerps).decode() if clerps and labels else "",
    }
    given = {name: text for name, text in state.items() if text}
    return (
        f"{page}{'&' if '?' in page else '?'}{urlencode(given, quote_via=quote)}" if given else page
    )


def subgraph_of(
    document: GraphDocument,
) -> tuple[list[str], list[list[str]], list[tuple[str, str]]]:
    """Pinned ids, supernode rows and labels in Neuronpedia's form.

    Labels are those that people and methods gave; what a file came with is in the file.
    """
    now, names = document.annotations, document.residue.names
    node_id = document.id_of_key
    name = {key: (names.of(key) if names else None) or node_id[key] for key in node_id}
    rows = [
        [group.name, *(name[key] for key in group.members if key in name)]
        for group in now.supernodes
    ]
    clerps = []
    for node, raw in zip(document.graph.nodes, node_objects(document), strict=True):
        label = now.label_of(node.key)
        if label and label.provenance.origin is not Origin.FILE:
            clerps.append((occurrence_id(raw), label.text))
    return [name[key] for key in now.pinned if key in name], rows, clerps

"""Where graphs on Neuronpedia and graphs in files meet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from graphlabel.annotation import TakeOver
from graphlabel.errors import UsageError
from graphlabel.files import (
    GraphDocument,
    GraphLink,
    apply_link,
    graph_from_bytes,
    is_link,
    parse_link,
    read_graph,
)

if TYPE_CHECKING:
    from graphlabel.neuronpedia import Neuronpedia


def open_graph(
    named: str,
    link: str | None = None,
    *,
    trust_pickle: bool = False,
    server: str | None = None,
) -> tuple[GraphDocument, Path, tuple[GraphLink, ...]]:
    """The graph a file or a link holds, where it would be saved, and the links to apply to it.

    What came from the network or a pickle is saved beside nothing that exists: under a free name
    ending in ``.json``.
    """
    links = (parse_link(link),) if link else ()
    if is_link(named):
        source = parse_link(named)
        document = graph_from_bytes(fetched(source, server), source.slug)
        return document, free_path(Path(f"{source.slug}.json")), (source, *links)
    path = Path(named)
    document = read_graph(path, trust_pickle=trust_pickle)
    if not document.residue.data:
        path = free_path(path.with_suffix(".json"))
    return document, path, links


def link_edit(document: GraphDocument, link: GraphLink) -> TakeOver:
    """The edit that gives a document the link's annotations."""
    return TakeOver("apply the link", with_link(document, link).annotations)


def free_path(path: Path) -> Path:
    """The path, or one with a number where a file has it already."""
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    return candidate


def fetched(link: GraphLink, server: str | None = None, *, quiet: bool = False) -> bytes:
    """The JSON of a link's graph, with a progress bar."""
    from graphlabel.cli.console import progress
    from graphlabel.neuronpedia import Neuronpedia, fetch_graph

    with Neuronpedia(server) as client, progress("fetching", quiet=quiet) as report:
        _check_origin(link, client)
        return fetch_graph(client, link.model, link.slug, report)


def _check_origin(link: GraphLink, client: Neuronpedia) -> None:
    """Links of Neuronpedia go to the server that is set; links of others only when it is theirs."""
    from graphlabel.files.graph_link import HOSTS
    from graphlabel.neuronpedia import BASE_URL_VARIABLE

    host = link.origin.partition("://")[2]
    if link.origin and host not in HOSTS and link.origin != client.base_url:
        raise UsageError(
            f"the link is of {host[:80]}, graphs come from {client.base_url}; set "
            f"{BASE_URL_VARIABLE}={link.origin[:80]} to trust it"
        )


def with_link(document: GraphDocument, link: GraphLink, *, quiet: bool = False) -> GraphDocument:
    """The document with a link's annotations; says what of the link found no place."""
    from graphlabel.cli.console import note

    if not link.q_params:
        return document
    applied = apply_link(document, link)
    if applied.unresolved and not quiet:
        note(f"  ids of the link that name no node of this graph, left out: {applied.unresolved}")
    if applied.kept and not quiet:
        note(f"  labels by people that stay although the link has others: {applied.kept}")
    return applied.document


def named_graph(text: str) -> GraphLink:
    """The graph of ``MODEL/SLUG`` or of a link; raises UsageError on anything else."""
    if is_link(text):
        return parse_link(text)
    model, slash, slug = text.partition("/")
    if not (model and slash and slug):
        raise UsageError(f"“{text[:80]}” names no graph; write MODEL/SLUG or a link to it")
    return GraphLink(model, slug, "")


def with_metadata(data: bytes, **fields: str) -> bytes:
    """A graph's JSON with some texts of its metadata replaced, all else to the letter."""
    parts: dict[str, msgspec.Raw] = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    metadata = msgspec.json.decode(parts["metadata"])
    parts["metadata"] = msgspec.Raw(msgspec.json.encode({**metadata, **fields}))
    return msgspec.json.encode(parts)

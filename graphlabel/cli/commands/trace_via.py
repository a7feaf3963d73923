"""``graphlabel trace --via neuronpedia``."""

from __future__ import annotations

import re
from pathlib import Path

from graphlabel.errors import UsageError


def trace_via(
    via: str,
    prompt: str | None,
    token_ids: str | None,
    model: str,
    source_set: str,
    output: Path | None,
    slug: str,
    *,
    max_n_logits: int,
    desired_logit_prob: float,
    node_threshold: float,
    edge_threshold: float,
    max_feature_nodes: int,
    json: bool,
) -> None:
    """Have a server trace a prompt, and write the graph it made to a file."""
    from graphlabel.atomic import write_bytes
    from graphlabel.cli.commands.info import facts
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.pipeline import check_writable
    from graphlabel.errors import GraphFileError
    from graphlabel.files import graph_from_bytes
    from graphlabel.neuronpedia import GenerateSettings, Neuronpedia, generate_graph

    model, prompt, output = _checked(via, prompt, token_ids, model, output)
    check_writable(output)
    settings = GenerateSettings(
        source_set=source_set or None,
        max_n_logits=max_n_logits,
        desired_logit_prob=desired_logit_prob,
        node_threshold=node_threshold,
        edge_threshold=edge_threshold,
        max_feature_nodes=max_feature_nodes or None,
    )
    with Neuronpedia() as client:
        if not json:
            note(f"{client.base_url} traces the prompt (a minute or so)")
        made = generate_graph(client, prompt, model, slug or _slug(prompt, output), settings)
        with progress("fetching", quiet=json) as report:
            data = client.download(made.file, report)
    document = graph_from_bytes(data, made.page, output.stem)
    write_bytes(output, data, GraphFileError)
    if json:
        print_json({"file": str(output), "page": made.page, **facts(document)})
        return
    note(f"wrote {output}: {len(document.graph)} nodes, {len(document.graph.edges)} links")
    note(f"  on the web: {made.page}")


def _checked(
    via: str, prompt: str | None, token_ids: str | None, model: str, output: Path | None
) -> tuple[str, str, Path]:
    if via != "neuronpedia":
        raise UsageError(f"there is no server “{via[:40]}”; --via takes neuronpedia")
    if prompt is None or token_ids is not None:
        raise UsageError("--via neuronpedia takes a prompt as text; leave out --token-ids")
    if not model:
        raise UsageError("--model is missing; name a model of Neuronpedia, such as gemma-2-2b")
    if output is None:
        raise UsageError("-o is missing; name the graph file to write")
    return model, prompt, output


def _slug(prompt: str, output: Path) -> str:
    """A name the server accepts and has not seen: the file's, with the time behind it."""
    import time

    plain = re.sub(r"[^a-z0-9]+", "-", (output.stem or prompt).lower()).strip("-")
    return f"{plain[:40] or 'graph'}-{time.time_ns() // 1_000_000}"

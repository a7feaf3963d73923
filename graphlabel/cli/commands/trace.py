"""``graphlabel trace``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlabel.errors import UsageError


def trace(
    prompt: Annotated[str | None, typer.Argument(help="The text to explain.")] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Explain this instead of the likeliest tokens: a token, #ID, “A - B”, or a .npy "
            "or .safetensors vector. Repeatable.",
            metavar="TARGET",
        ),
    ] = None,
    position: Annotated[
        int | None, typer.Option(help="Explain what follows this position; by default the last.")
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Put the prompt into the model's chat template.")
    ] = False,
    token_ids: Annotated[
        str | None,
        typer.Option(help="Token ids, separated by commas, used as given.", metavar="1,2,3"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model folder, GGUF file or Hugging Face id.", metavar="DIR|ID")
    ] = "",
    gguf_file: Annotated[
        str | None, typer.Option(help="The GGUF file in the model's folder or repository.")
    ] = None,
    transcoders: Annotated[
        str,
        typer.Option(
            help="Transcoder folder, Hugging Face id or sae-lens:RELEASE[:IDS].", metavar="DIR|ID"
        ),
    ] = "",
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept transcoders for the first layers only.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Graph file to write.", metavar="FILE")
    ] = None,
    max_n_logits: Annotated[int, typer.Option(min=1, help="Explain at most so many logits.")] = 10,
    desired_logit_prob: Annotated[
        float, typer.Option(min=0, max=1, help="Explain logits up to this joint probability.")
    ] = 0.95,
    max_feature_nodes: Annotated[
        int, typer.Option(min=0, help="At most so many features get a row; 0: all.")
    ] = 7500,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Targets swept together, memory allowing.")
    ] = 256,
    update_interval: Annotated[int, typer.Option(min=1, help="Batches between rankings.")] = 4,
    node_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Share of influence the kept nodes hold.")
    ] = 0.8,
    edge_threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Share of influence the kept edges hold.")
    ] = 0.98,
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16.")] = "float32",
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best there is by default.")
    ] = None,
    compat: Annotated[
        str, typer.Option(help="circuit-tracer: repeat what it gets wrong.", metavar="TOOL")
    ] = "",
    verify: Annotated[
        int, typer.Option(min=0, help="Check so many random rows by autograd in float64.")
    ] = 0,
    raw: Annotated[
        Path | None,
        typer.Option(help="Also write the full, unpruned matrix as .npz.", metavar="FILE"),
    ] = None,
    slug: Annotated[str, typer.Option(help="The graph's short name; by default the file's.")] = "",
    via: Annotated[
        str | None,
        typer.Option(help="neuronpedia: have its servers trace; --model is its model's name."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Build the attribution graph of a prompt from a model's transcoder features."""
    from graphlabel.cli.console import note, print_json

    if via is not None:
        from graphlabel.cli.commands.trace_via import trace_via

        trace_via(
            via, prompt, token_ids, model, transcoders, output, slug, json=json,
            max_n_logits=max_n_logits, desired_logit_prob=desired_logit_prob,
            node_threshold=node_threshold, edge_threshold=edge_threshold,
            max_feature_nodes=max_feature_nodes,
        )  # fmt: skip
        return
    if (prompt is None) == (token_ids is None):
        raise UsageError("give a prompt or --token-ids, one of the two")
    if chat and token_ids is not None:
        raise UsageError("--token-ids are used as given; leave out --chat")
    for value, option in ((model, "--model"), (transcoders, "--transcoders")):
        if not value:
            raise UsageError(f"{option} is missing; name a folder or a Hugging Face id")
    if output is None:
        raise UsageError("-o is missing; name the graph file to write")
    ids = None if token_ids is None else _parse_ids(token_ids)
    settings: dict[str, object] = {
        "max_n_logits": max_n_logits,
        "desired_logit_prob": desired_logit_prob,
        "max_feature_nodes": max_feature_nodes or None,
        "batch_size": batch_size,
        "update_interval": update_interval,
        "node_threshold": node_threshold,
        "edge_threshold": edge_threshold,
        "dtype": dtype,
        "targets": tuple(target or ()),
        "position": position,
        "compat": compat,
        "partial": partial,
    }
    from graphlabel.cli.tracing import run_trace

    document = run_trace(
        prompt, ids, model, transcoders, output, settings, device=device, raw=raw, slug=slug,
        quiet=json, gguf_file=gguf_file, chat=chat, verify_rows=verify,
    )  # fmt: skip
    from graphlabel.cli.commands.info import facts

    if json:
        print_json({"file": str(output), **facts(document)})
        return
    graph, scores = document.graph, document.graph.scores
    logits = [n for n in graph.nodes if n.probability is not None]
    best = max(logits, key=lambda n: n.probability or 0.0)
    note(f"wrote {output}: {len(graph)} nodes, {len(graph.edges)} links")
    if target:
        note(f"  explains {', '.join(repr(node.text) for node in logits)}")
    else:
        note(f"  next token {best.text!r} {best.probability:.1%}")
    note(f"  transcoders {graph.source.transcoders}")
    if scores:
        note(f"  replacement {scores.replacement:.3f}  completeness {scores.completeness:.3f}")
    note(f"next: graphlabel route {output} --features INDEX -o {output}")


def _parse_ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(
            f"--token-ids should be whole numbers separated by commas, not “{text[:60]}”"
        ) from error

"""``graphlabel trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument
    from graphlabel.models import LanguageModel, Prompt, Transcoders
    from graphlabel.tracing import Trace, TraceSettings, Verified


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


def run_trace(
    prompt: str | None,
    ids: list[int] | None,
    model_name: str,
    transcoders_name: str,
    output: Path,
    settings: dict[str, object],
    *,
    device: str | None = None,
    raw: Path | None = None,
    slug: str = "",
    quiet: bool = False,
    gguf_file: str | None = None,
    chat: bool = False,
    verify_rows: int = 0,
) -> GraphDocument:
    """Trace a prompt and write its graph; the document that was written."""
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.pipeline import check_writable
    from graphlabel.cli.traced_with import places_stated

    check_writable(output)
    if raw:
        check_writable(raw)
        if raw.resolve() == output.resolve():
            raise UsageError(f"-o and --raw both name {raw}; give them names of their own")
    import torch

    from graphlabel.files import new_document, write_graph
    from graphlabel.models import (
        check_dtype,
        device_of,
        dtype_of,
        load_language_model,
        load_transcoders,
        prompt_of_ids,
        read_prompt,
    )
    from graphlabel.models.memory import explained_memory
    from graphlabel.tracing import TraceSettings, pruned_graph, trace, verify, write_raw

    chosen = TraceSettings(**settings)  # type: ignore[arg-type]
    dtype, place = dtype_of(chosen.dtype), device_of(device)
    check_dtype(torch.float64 if verify_rows else dtype, place)
    checked = None
    with explained_memory():
        if not quiet:
            note(f"loading {model_name}")
        model = load_language_model(model_name, dtype=dtype, device=place, gguf_file=gguf_file)
        if not quiet:
            note(f"loading {transcoders_name}")
        transcoders = load_transcoders(transcoders_name)
        tokens = prompt_of_ids(model, ids) if ids else read_prompt(model, prompt or "", chat=chat)
        with progress("tracing", quiet=quiet) as report:
            _warn_of_prompt(model, tokens)
            traced = trace(model, transcoders, tokens, chosen, report=report)
            if verify_rows:
                checked = verify(model, transcoders, traced, chosen, verify_rows, report=report)
    _warn_of_transcoders(model, transcoders, traced)
    _note_findings(traced, checked)
    document = new_document(pruned_graph(traced, chosen), slug or output.stem)
    if raw:
        write_raw(traced, raw)
    stated = places_stated(model_name, transcoders_name, gguf_file)
    write_graph(document, output, settings=_metadata(chosen, traced, stated))
    return document


def _warn_of_prompt(model: LanguageModel, prompt: Prompt) -> None:
    from graphlabel.cli.console import note
    from graphlabel.models import beginning_token, lacks_beginning

    if lacks_beginning(model, prompt):
        first = beginning_token(model)
        note(
            f"warning: the first id, {prompt.ids[0]} ({prompt.tokens[0]!r}), is no special token; "
            f"ids are used as given, and position 0 carries no features. Texts of {model.name} "
            f"begin with {first} ({model.tokenizer.decode([first])!r})"
        )


def _warn_of_transcoders(model: LanguageModel, transcoders: Transcoders, traced: Trace) -> None:
    from graphlabel.cli.console import note
    from graphlabel.models import made_for_another

    why = []
    if made_for_another(model, transcoders):
        why.append(f"they are made for {transcoders.model_name}, the model is {model.name}")
    if traced.explained < 0:
        why.append("their errors are larger than what the model's MLPs write")
    if why:
        note(f"warning: the transcoders may be of another model: {'; '.join(why)}")


def _note_findings(traced: Trace, checked: Verified | None) -> None:
    from graphlabel.cli.console import note

    layers = traced.missing_layers
    if layers:
        shown = ", ".join(map(str, layers[:12])) + ("…" if len(layers) > 12 else "")
        note(f"layers without a transcoder, whose MLPs are error nodes: {shown}")
    if checked:
        note(
            f"verified {checked.rows} rows by autograd in float64: worst relative error "
            f"{checked.worst:.1e}, median {checked.median:.1e}"
        )


def _metadata(
    settings: TraceSettings, traced: Trace, places: dict[str, object]
) -> dict[str, object]:
    generation = dict(places)
    if settings.targets:
        generation["attribution_targets"] = list(traced.logit_tokens)
    if settings.compat:
        generation["compat"] = settings.compat
    if traced.missing_layers:
        generation["layers_without_transcoder"] = list(traced.missing_layers)
    return {
        "node_threshold": settings.node_threshold,
        "generation_settings": {
            "max_n_logits": settings.max_n_logits,
            "desired_logit_prob": settings.desired_logit_prob,
            "batch_size": settings.batch_size,
            "max_feature_nodes": settings.max_feature_nodes,
            "dtype": settings.dtype,
            **generation,
        },
        "pruning_settings": {
            "node_threshold": settings.node_threshold,
            "edge_threshold": settings.edge_threshold,
        },
    }

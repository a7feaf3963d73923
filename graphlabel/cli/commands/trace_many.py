"""``graphlabel trace-many``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import AnySetFlag, JsonFlag, OfflineOption
from graphlabel.cli.protocol_options import ProtocolOptions, protocol_options

if TYPE_CHECKING:
    from graphlabel.cli.many import Outcome


@protocol_options()
def trace_many(
    prompts: Annotated[
        Path,
        typer.Argument(
            help="JSON lines: a text, or an object with prompt or token_ids and, as you like, "
            "slug, target, position, chat.",
            metavar="PROMPTS.jsonl",
        ),
    ],
    model: Annotated[
        str, typer.Option(help="Model folder, GGUF file or Hugging Face id.", metavar="DIR|ID")
    ],
    transcoders: Annotated[
        str,
        typer.Option(
            help="Transcoder folder, Hugging Face id or sae-lens:RELEASE[:IDS].", metavar="DIR|ID"
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of graphs to write.", metavar="DIR")
    ],
    protocol: ProtocolOptions,
    features: Annotated[
        list[str] | None,
        typer.Option(
            help="Feature source: graphs are routed and labelled as well.", metavar="SOURCE"
        ),
    ] = None,
    gguf_file: Annotated[
        str | None, typer.Option(help="The GGUF file in the model's folder or repository.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept transcoders for the first layers only.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="So many at once, each with the model in memory.")
    ] = 1,
    runner: Annotated[
        str, typer.Option(help="local, or ray: the cluster RAY_ADDRESS names.")
    ] = "local",
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
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    again: Annotated[
        bool, typer.Option("--again", help="Make graphs anew that are there already.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Trace a set of prompts; route and label their graphs. Started again, it goes on.

    A prompt that fails is listed and the others go on; the exit status is then 1.
    """
    from graphlabel.cli.console import note, progress, say
    from graphlabel.cli.many import Plan, read_jobs, run_many

    jobs = read_jobs(prompts)
    plan = Plan(
        model=model,
        transcoders=transcoders,
        gguf_file=gguf_file,
        device=device,
        settings={
            "max_n_logits": max_n_logits,
            "desired_logit_prob": desired_logit_prob,
            "max_feature_nodes": max_feature_nodes or None,
            "batch_size": batch_size,
            "node_threshold": node_threshold,
            "edge_threshold": edge_threshold,
            "dtype": dtype,
            "partial": partial,
        },
        features=tuple(features or ()),
        any_set=any_set,
        offline=offline,
        routing=protocol.route_options(),
    )
    finished: list[Outcome] = []
    with progress("tracing", quiet=json) as report:

        def done(outcome: Outcome) -> None:
            finished.append(outcome)
            if not json:
                note(_line(outcome))
            report("prompts", len(finished), len(jobs))

        outcomes, there = run_many(
            plan, jobs, output, workers=workers, runner=runner, again=again, done=done
        )
    failed = [outcome for outcome in outcomes if outcome.error]
    if json:
        import msgspec

        for outcome in outcomes:
            say(msgspec.json.encode(outcome).decode())
    else:
        made = len(finished) - len(failed)
        note(f"{output}: {made} graphs made, {there} there already, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


def _line(outcome: Outcome) -> str:
    if outcome.error:
        return f"{outcome.slug}: failed: {outcome.error}"
    parts = [f"{outcome.slug}: {outcome.nodes} nodes"]
    if outcome.replacement is not None and outcome.completeness is not None:
        parts.append(
            f"replacement {outcome.replacement:.3f}, completeness {outcome.completeness:.3f}"
        )
    if outcome.routed:
        parts.append(
            f"{outcome.labelled} labelled, {outcome.awaiting_model} await a model, "
            f"{outcome.awaiting_person} a person"
        )
    return ", ".join(parts)

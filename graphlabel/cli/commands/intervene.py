"""``graphlabel intervene``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, StoreOption, TrustPickle
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.cli.intervening import Swap, Wanted
    from graphlabel.cli.traced_with import TracedWith
    from graphlabel.files import GraphDocument
    from graphlabel.tracing.interventions import Experiment


def intervene(
    graph: GraphFile,
    supernode: Annotated[
        list[str] | None,
        typer.Option(
            help="Change a supernode's features: NAME, NAME*-1 or NAME=3. Repeatable.",
            metavar="NAME",
        ),
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(help="Change a feature node: ID, ID*-1 or ID=3. Repeatable.", metavar="ID"),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Multiply activations by this; 0 (off) by default.", metavar="FACTOR"),
    ] = None,
    value: Annotated[
        float | None, typer.Option("--set", help="Set activations to this.", metavar="VALUE")
    ] = None,
    everywhere: Annotated[
        bool,
        typer.Option(
            "--everywhere", help="At every position, new tokens' too, not the node's alone."
        ),
    ] = False,
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Only where the feature fires.")
    ] = False,
    swap_from: Annotated[
        Path | None,
        typer.Option(help="Put another graph's features in their place.", metavar="GRAPH"),
    ] = None,
    swap_supernode: Annotated[
        list[str] | None, typer.Option(help="The other graph's supernode.", metavar="NAME")
    ] = None,
    swap_node: Annotated[
        list[str] | None, typer.Option(help="The other graph's node.", metavar="ID")
    ] = None,
    swap_scale: Annotated[
        float, typer.Option(help="Times their activations in their own graph.", metavar="FACTOR")
    ] = 1.0,
    swap_at: Annotated[
        int | None,
        typer.Option(
            help="Put them all at this position; by default as far from the end as there."
        ),
    ] = None,
    generate: Annotated[
        int, typer.Option(min=0, help="Also write so many tokens, before and after.")
    ] = 0,
    top: Annotated[int, typer.Option(min=1, help="Show so many tokens of each run.")] = 5,
    model: Annotated[
        str | None,
        typer.Option(help="Model, if the graph does not say where it is.", metavar="DIR|ID"),
    ] = None,
    gguf_file: Annotated[
        str | None, typer.Option(help="The GGUF file in the model's folder or repository.")
    ] = None,
    transcoders: Annotated[
        str | None,
        typer.Option(help="Transcoders, if the graph does not say.", metavar="DIR|ID"),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="float32, float64, bfloat16 or float16; by default the trace's."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or mps; the best there is by default.")
    ] = None,
    any_set: Annotated[
        bool,
        typer.Option("--any-set", help="Go on with another model or other transcoders."),
    ] = False,
    store: StoreOption = None,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Leave out edits that are only in the store.")
    ] = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Change features in the model itself: what does it say with them off, reversed or swapped?"""
    from graphlabel.cli.intervening import Wanted, wanted_nodes
    from graphlabel.cli.intervention_view import facts, show
    from graphlabel.cli.traced_with import traced_with

    document = _read(graph, store, file_only=file_only, trust_pickle=trust_pickle)
    changed = wanted_nodes(document, supernode or (), node or (), scale=scale, value=value)
    swap = None
    if swap_from is not None:
        other = _read(swap_from, store, file_only=file_only, trust_pickle=trust_pickle)
        swap = _swap(
            document, other, swap_supernode or [], swap_node or [], swap_scale, swap_at,
            any_set=any_set,
        )  # fmt: skip
        if everywhere or conditional:
            raise UsageError("--swap-from changes places; leave out --everywhere and --conditional")
    elif swap_supernode or swap_node:
        raise UsageError("--swap-supernode and --swap-node need --swap-from, the graph they are of")
    wanted = Wanted(changed, swap, everywhere, conditional)
    place = traced_with(
        document, model, transcoders, gguf_file=gguf_file, dtype=dtype, device=device
    )
    experiment = _experiment(document, place, wanted, any_set=any_set, quiet=json)
    found = facts(document, experiment, wanted, top=top, n_tokens=generate, quiet=json)
    if json:
        from graphlabel.cli.console import print_json

        print_json({"file": str(graph), **found})
        return
    show(found)


def _read(path: Path, store: str | None, *, file_only: bool, trust_pickle: bool) -> GraphDocument:
    from graphlabel.cli.pipeline import with_stored_edits
    from graphlabel.files import read_graph

    document = read_graph(path, trust_pickle=trust_pickle)
    return document if file_only else with_stored_edits(document, store)[0]


def _swap(
    document: GraphDocument,
    other: GraphDocument,
    supernodes: list[str],
    nodes: list[str],
    amount: float,
    position: int | None,
    *,
    any_set: bool,
) -> Swap:
    """What takes the changed features' place; its numbers must mean the same features."""
    from graphlabel.cli.intervening import swap_of
    from graphlabel.records import TranscoderSet

    ours, theirs = (TranscoderSet.of(each.graph.source) for each in (document, other))
    if ours is not None and theirs is not None and not ours.matches(theirs) and not any_set:
        raise UsageError(
            f"the graphs' features are of {ours} and of {theirs}; swap within one set, or "
            "--any-set if they are the same"
        )
    return swap_of(other, supernodes, nodes, amount=amount, position=position)


def _experiment(
    document: GraphDocument, place: TracedWith, wanted: Wanted, *, any_set: bool, quiet: bool
) -> Experiment:
    """The unchanged run; raises UsageError when it is not the graph's."""
    from graphlabel.cli.console import note
    from graphlabel.cli.traced_with import prompt_of
    from graphlabel.models.memory import explained_memory
    from graphlabel.tracing.interventions import Experiment, firing

    with explained_memory():
        if not quiet:
            note(f"loading {place.model} and {place.transcoders}")
        model, transcoders = place.load()
        prompt = prompt_of(document, model)
        experiment = Experiment(model, transcoders, prompt, partial=place.partial)
        if not any_set:
            firing(experiment, wanted.nodes)
    return experiment

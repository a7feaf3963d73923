"""``graphlabel verbalize``."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, OfflineOption, OutputFile
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.annotation import Verbalization
    from graphlabel.cli.verbalizing import Task
    from graphlabel.files import GraphDocument
    from graphlabel.graph import NodeKey
    from graphlabel.labeling.verbalizers import Verbalizer


class Read(StrEnum):
    """What of a feature is put into words."""

    PROMPT = "prompt"
    EXAMPLES = "examples"
    DIRECTION = "direction"


def verbalize(
    graph: GraphFile,
    output: OutputFile,
    verbalizer: Annotated[
        str,
        typer.Option(
            help="AV checkpoint or oracle adapter (folder or Hugging Face id), https://… of an NLA "
            "server, or neuronpedia:MODEL[/SOURCE].",
            metavar="PLACE",
        ),
    ],
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="A node id of the file, or layer/feature. Repeatable. By default the obscure "
            "features that wait for a person.",
            metavar="NODE",
        ),
    ] = None,
    read: Annotated[
        Read,
        typer.Option(help="Read the prompt at the node, the examples' peaks, or what it writes."),
    ] = Read.PROMPT,
    most: Annotated[int, typer.Option(min=1, help="Without --node: at most so many nodes.")] = 10,
    features: Annotated[
        list[str] | None,
        typer.Option(help="With --read examples: where the evidence is.", metavar="SOURCE"),
    ] = None,
    examples: Annotated[int, typer.Option(min=1, help="Examples of each feature.")] = 3,
    transcoders: Annotated[
        str | None, typer.Option(help="With --read direction: the transcoders.", metavar="DIR|ID")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model that texts go through, where it runs here.", metavar="DIR|ID"),
    ] = None,
    reconstructor: Annotated[
        str | None,
        typer.Option(help="The AR; says how well each text holds its vector.", metavar="DIR|ID"),
    ] = None,
    sglang: Annotated[
        str | None, typer.Option(help="An SGLang server that runs the AV.", metavar="URL")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="0: the likeliest words.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens of each text.")] = 200,
    seed: Annotated[int, typer.Option(help="What is drawn here follows from it.")] = 0,
    dtype: Annotated[str, typer.Option(help="Of the models that run here.")] = "bfloat16",
    device: Annotated[str | None, typer.Option(help="cpu, cuda or mps; else the best.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also where this verbalizer has spoken before.")
    ] = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Put the vectors of obscure features into words, as an aid; no label is made of them."""
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.pipeline import check_writable
    from graphlabel.cli.verbalizing import chosen_nodes, not_yet_read, verbalize_tasks
    from graphlabel.files import read_graph, write_graph
    from graphlabel.labeling.verbalizers import Sampling, VerbalizerPlace, open_verbalizer

    document = read_graph(graph)
    nodes = chosen_nodes(document, node or (), most)
    _check_flags(read, features, transcoders, verbalizer, offline=offline)
    check_writable(output)
    sampling = Sampling(temperature, max_tokens, seed)
    place = VerbalizerPlace(verbalizer, sglang, reconstructor, model, dtype, device, sampling)
    speaker = open_verbalizer(place)
    tasks = _tasks(document, nodes, read, speaker, features or (), examples, transcoders, offline)
    todo = tasks if again else not_yet_read(document.annotations, tasks, speaker.name)
    with progress("verbalize", quiet=json) as report:
        spoken = verbalize_tasks(
            document, speaker, todo, lambda kept: write_graph(kept, output), report
        )
    write_graph(spoken, output)
    shown = {task.node: spoken.annotations.verbalizations_of(task.node) for task in tasks}
    if json:
        ids = spoken.id_of_key
        print_json({ids[key]: [_plain(each) for each in texts] for key, texts in shown.items()})
        return
    _print(spoken, shown)
    silent = len(nodes) - len(shown)
    left = f"; {silent} had nothing to read" if silent else ""
    note(f"wrote {output}: {len(todo)} vectors read of {len(shown)} nodes{left}")
    for line in _strangers(document, shown):
        note(line)
    note(f"next: graphlabel open {output}, where the texts stand beside the features")


def _check_flags(
    read: Read,
    features: list[str] | None,
    transcoders: str | None,
    verbalizer: str,
    *,
    offline: bool,
) -> None:
    if read is Read.EXAMPLES and not features:
        raise UsageError("--read examples needs the evidence; name it with --features")
    if read is Read.DIRECTION and not transcoders:
        raise UsageError("--read direction needs the decoders; name them with --transcoders")
    if offline and verbalizer.startswith(("neuronpedia:", "http://", "https://")):
        raise UsageError(
            f"{verbalizer[:80]} is a server; name a verbalizer here, or drop --offline"
        )


def _tasks(
    document: GraphDocument,
    nodes: list[NodeKey],
    read: Read,
    speaker: Verbalizer,
    features: list[str] | tuple[()],
    examples: int,
    transcoders: str | None,
    offline: bool,
) -> list[Task]:
    from graphlabel.cli.verbalizing import (
        direction_tasks,
        example_tasks,
        keys_of,
        prompt_tasks,
    )

    if read is Read.PROMPT:
        return prompt_tasks(document, nodes)
    if read is Read.EXAMPLES:
        from graphlabel.cli.pipeline import source_for
        from graphlabel.evidence import RemoteSource

        source = source_for(document, features, any_set=False, offline=offline)
        if isinstance(source, RemoteSource):
            source.fetch(keys_of(nodes))
        return example_tasks(nodes, source, examples)
    from graphlabel.models import load_transcoders

    return direction_tasks(nodes, load_transcoders(transcoders or ""), speaker.layer)


def _strangers(
    document: GraphDocument, shown: dict[NodeKey, tuple[Verbalization, ...]]
) -> list[str]:
    """A line for every other model than the graph's that texts went through."""
    from graphlabel.records import same_model

    own = document.graph.source.model
    read = sorted({each.model for texts in shown.values() for each in texts if each.model})
    return [
        f"  what was read is {model}; the graph is of {own}, which may think otherwise"
        for model in read
        if own and not same_model(own, model)
    ]


def _plain(each: Verbalization) -> dict[str, object]:
    import msgspec

    return {**msgspec.to_builtins(each), "out_of_distribution": each.out_of_distribution}


def _print(document: GraphDocument, shown: dict[NodeKey, tuple[Verbalization, ...]]) -> None:
    from graphlabel.cli.console import say
    from graphlabel.cli.feature_view import verbalization_lines

    for key, texts in shown.items():
        token = document.graph.tokens[key.position].strip() or str(key.position)
        say(f"{key.feature_key} @{token}")
        for each in texts:
            for line in verbalization_lines(each):
                say(f"  {line}")

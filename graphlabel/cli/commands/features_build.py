"""``graphlabel features build`` and ``graphlabel features merge``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import JsonFlag
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.evidence.building import IndexRequest, Run, Shard
    from graphlabel.evidence.index.format import Manifest

IndexFolder = Annotated[
    Path, typer.Option("-o", "--output", help="Folder to make.", metavar="INDEX")
]
ModelOption = Annotated[str, typer.Option(help="Model folder or hub id.", metavar="DIR|ID")]
TranscodersOption = Annotated[
    str, typer.Option(help="Transcoder folder or hub id.", metavar="DIR|ID")
]
GgufOption = Annotated[
    str | None,
    typer.Option(help="The model's GGUF file in its folder or repository.", metavar="FILE"),
]
DeviceOption = Annotated[
    str | None, typer.Option(help="cpu, cuda or mps; the best there is by default.")
]
ForceFlag = Annotated[
    bool, typer.Option("--force", help="Replace an index, or an unfinished one, that is there.")
]


def build(
    model: ModelOption,
    transcoders: TranscodersOption,
    corpus: Annotated[
        str,
        typer.Option(
            help="Text, JSON lines or Parquet file, folder of such, or hub:NAME[:CONFIG][:SPLIT].",
            metavar="PLACE",
        ),
    ],
    output: IndexFolder,
    tokens: Annotated[
        int, typer.Option(min=0, help="Read at most so many tokens; 0: the whole corpus.")
    ] = 1_000_000,
    top: Annotated[int, typer.Option(min=1, help="Top examples of each feature.")] = 20,
    quantiles: Annotated[int, typer.Option(min=1, help="Quantiles of the activations.")] = 10,
    per_quantile: Annotated[int, typer.Option(min=1, help="Examples of each quantile.")] = 3,
    reservoir: Annotated[
        int, typer.Option(min=1, help="Firing tokens drawn per feature to find its quantiles.")
    ] = 100,
    radius: Annotated[int, typer.Option(min=1, help="Tokens kept around each example.")] = 16,
    context_length: Annotated[int, typer.Option(min=2, help="Tokens of a sequence.")] = 128,
    batch_size: Annotated[int, typer.Option(min=1, help="Sequences run together.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
    layers: Annotated[
        str | None, typer.Option(help="Only these layers.", metavar="0,4,8-11")
    ] = None,
    max_features_per_layer: Annotated[
        int, typer.Option(min=0, help="Only the first so many features of a layer; 0: all.")
    ] = 0,
    text_field: Annotated[
        str, typer.Option(help="What holds the text in JSON lines, Parquet and data sets.")
    ] = "text",
    gguf_file: GgufOption = None,
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16.")] = "float32",
    device: DeviceOption = None,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Save after so many tokens, to resume after a stop.")
    ] = 250_000,
    runner: Annotated[str, typer.Option(help="local, or ray: many workers.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Workers of --runner ray.")] = 2,
    shard: Annotated[
        str | None,
        typer.Option(help="Do one of N parts, counted from 0, for features merge.", metavar="I/N"),
    ] = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
) -> None:
    """Index what makes a model's features fire: examples, quantiles, logits, histograms.

    A run that was stopped goes on where it was when the same command is given again.
    """
    if runner not in ("local", "ray"):
        raise UsageError(f"there is no runner “{runner}”; choose local or ray")
    if runner == "ray" and shard:
        raise UsageError("--runner ray makes its own shards; leave --shard out")
    wanted = None if layers is None else layers_named(layers)
    part = None if shard is None else _shard(shard)
    from graphlabel.evidence.building import IndexRequest, IndexSettings, Places

    request = IndexRequest(
        places=Places(model, transcoders, gguf_file),
        corpus=corpus,
        n_tokens=tokens,
        settings=IndexSettings(
            top=top,
            quantiles=quantiles,
            per_quantile=per_quantile,
            reservoir=reservoir,
            radius=radius,
            batch_size=batch_size,
            seed=seed,
            context_length=context_length,
            layers=wanted,
            max_features_per_layer=max_features_per_layer,
            dtype=dtype,
        ),
        text_field=text_field,
        device=device,
    )
    run(
        request,
        output,
        shard=part,
        workers=workers if runner == "ray" else 0,
        checkpoint_every=checkpoint_every,
        force=force,
        json=json,
    )


def merge(
    parts: Annotated[list[Path], typer.Argument(help="What the shards made.", metavar="PART...")],
    output: IndexFolder,
    model: Annotated[
        str | None, typer.Option(help="The model, if it has moved.", metavar="DIR|ID")
    ] = None,
    transcoders: Annotated[
        str | None, typer.Option(help="The transcoders, if they have moved.", metavar="DIR|ID")
    ] = None,
    gguf_file: GgufOption = None,
    device: DeviceOption = None,
    force: ForceFlag = False,
    json: JsonFlag = False,
) -> None:
    """Make one index of the parts of all shards: the same as one process makes."""
    if (model is None) != (transcoders is None):
        raise UsageError("give --model and --transcoders together, or neither")
    from graphlabel.cli.token_meter import token_meter
    from graphlabel.evidence.building import Places, merge_parts

    places = Places(model, transcoders, gguf_file) if model and transcoders else None
    with token_meter("merging", quiet=json) as (_, step):
        manifest = merge_parts(parts, output, places=places, device=device, force=force, step=step)
    _tell(manifest, output, json)


def run(
    request: IndexRequest,
    output: Path,
    *,
    shard: Shard | None,
    workers: int,
    checkpoint_every: int,
    force: bool,
    json: bool,
) -> None:
    """Build what is asked for and say what came of it; ``workers``: with Ray, if there are any."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.token_meter import token_meter
    from graphlabel.evidence.building import build_index, build_shard, build_with_ray
    from graphlabel.evidence.building.publish import staging_folder

    _ = request.opened  # a wrong place is told before the model is loaded
    state = output if shard is not None else staging_folder(output)
    if not (force or json) and (before := _tokens_kept(state)):
        note(f"going on with what {state} holds: {before:,} tokens")
    with (
        _telling_what_is_kept(state),
        token_meter("indexing", total=request.n_tokens, quiet=json) as (report, step),
    ):
        if shard is not None:
            part = build_shard(
                _loaded(request),
                output,
                shard,
                force=force,
                checkpoint_every=checkpoint_every,
                report=report,
            )
        elif workers:
            manifest = build_with_ray(
                request,
                output,
                workers=workers,
                force=force,
                checkpoint_every=checkpoint_every,
                report=report,
                step=step,
            )
        else:
            manifest = build_index(
                _loaded(request),
                output,
                force=force,
                checkpoint_every=checkpoint_every,
                report=report,
                step=step,
            )
    if shard is None:
        _tell(manifest, output, json)
        return
    seen = part.progress.tokens_seen
    if json:
        print_json({"part": str(output), "shard": f"{shard.number}/{shard.of}", "tokens": seen})
        return
    note(f"wrote {output}: shard {shard.number} of {shard.of}, {seen:,} tokens")
    note(f"next, when all are done: graphlabel features merge {output} … -o INDEX")


def _loaded(request: IndexRequest) -> Run:
    from graphlabel.cli.tracing import warn_of_transcoders

    loaded = request.run()
    warn_of_transcoders(loaded.model, loaded.transcoders)
    return loaded


@contextmanager
def _telling_what_is_kept(state: Path) -> Iterator[None]:
    """After Ctrl-C, say how much need not be done again."""
    try:
        yield
    except KeyboardInterrupt:
        from graphlabel.cli.console import note

        if kept := _tokens_kept(state):
            note(f"{state} keeps {kept:,} tokens; the same command goes on from there")
        raise


def _tokens_kept(state: Path) -> int:
    """How many tokens an unfinished run, or its workers, have been through; 0 without one."""
    from graphlabel.evidence.building.checkpoint import read_progress

    found = [read_progress(each) for each in (state, *state.glob("shard_*_of_*"))]
    return sum(each.tokens_seen for each in found if each is not None)


def _tell(manifest: Manifest, output: Path, json: bool) -> None:
    from graphlabel.cli.console import note, print_json

    size = sum(path.stat().st_size for path in output.iterdir())
    if json:
        print_json(
            {
                "index": str(output),
                "layers": list(manifest.layers),
                "tokens": manifest.tokens_seen,
                "bytes": size,
            }
        )
        return
    note(
        f"wrote {output}: {manifest.transcoder_set}, {len(manifest.layers)} layers, "
        f"{manifest.tokens_seen:,} tokens, {size / 1e6:.1f} MB"
    )
    note(f"next: graphlabel features show {manifest.layers[0]}/0 --features {output}")


def layers_named(text: str) -> tuple[int, ...]:
    """Layers such as “0,4,8-11”; raises UsageError for what does not read so."""
    found: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            span = range(int(first), int(last or first) + 1)
            if not span:
                raise UsageError(f"the layers {part.strip()} end before they begin; swap the ends")
            found += span
    except ValueError as error:
        raise UsageError(f"--layers should read like 0,4,8-11, not “{text[:60]}”") from error
    return tuple(sorted(set(found)))


def _shard(text: str) -> Shard:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard should read like 0/4, not “{text[:60]}”")
    from graphlabel.evidence.building import Shard

    return Shard(int(number), int(count))

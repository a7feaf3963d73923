"""``graphlabel compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.llm_options import (
    LanguageModelOptions,
    language_model_options,
    print_outcome,
)
from graphlabel.cli.options import JsonFlag, OfflineOption, SourceOption
from graphlabel.cli.score_options import (
    TEXTS,
    EncoderOption,
    JudgeOption,
    ModelOption,
    ScorersOption,
    SeedOption,
    TestOption,
    TranscodersOption,
)
from graphlabel.cli.tier_options import VerbalizerOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphlabel.embedding import Encoder
    from graphlabel.labeling import LabelMethod
    from graphlabel.scoring.comparison import Comparison, LabelPair

PICTURE, LINES, REPORT = "scores.svg", "scores.jsonl", "report.md"


@language_model_options
def compare(
    language_model: LanguageModelOptions,
    features: SourceOption,
    methods: Annotated[
        str, typer.Option(help="Label methods, with commas.", metavar="NAMES")
    ] = "token_count",
    scorers: ScorersOption = "embedding,output_check",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help=f"Folder for {REPORT}, {PICTURE} and {LINES}.",
            metavar="FOLDER",
        ),
    ] = None,
    labeler: Annotated[
        str | None,
        typer.Option(
            help="Language model for the methods that ask one (default: the judge).",
            metavar="MODEL",
        ),
    ] = None,
    judge: JudgeOption = None,
    n: Annotated[int, typer.Option("--n", min=1, help="Features.", rich_help_panel=TEXTS)] = 40,
    train: Annotated[
        int,
        typer.Option(min=1, help="The strongest texts, to label from.", rich_help_panel=TEXTS),
    ] = 5,
    test: TestOption = 10,
    seed: SeedOption = 0,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
    verbalizer: VerbalizerOption = None,
    encoder: EncoderOption = None,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Compare label methods: the same features and texts, every method, every scorer."""
    from contextlib import ExitStack

    from graphlabel.cli.comparing import Asked, run_comparison
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.label_tools import open_tools
    from graphlabel.cli.score_options import encoder_named, names_of
    from graphlabel.cli.scoring import Scoring, subject_of
    from graphlabel.evidence import open_sources
    from graphlabel.labeling import make_method
    from graphlabel.scoring import Means, SampleSettings, check_scorers, make_scorers

    names = check_scorers(names_of(scorers), asking=judge is not None)
    tools = open_tools(verbalizer, model, transcoders)
    made = [make_method(name, tools=tools) for name in names_of(methods)]
    if labeler is None and judge is None:
        _check_asks_none(made)
    source = open_sources(features, offline=offline)
    with ExitStack() as stack:
        asked = Asked.opened(language_model, stack, labeler or judge, judge)
        known = subject_of(model, transcoders)
        means = Means(lambda: encoder_named(encoder), asked.judge, known.lens, seed)
        settings = SampleSettings(train, test, seed)
        how = Scoring(make_scorers(names, means), known, settings, asked.judge)
        report = stack.enter_context(progress("compare", quiet=json))
        found = run_comparison(source, made, how, asked, n, report)
    for gateway in asked.each:
        print_outcome(gateway)
    if language_model.dry_run and asked.each:
        note(
            "labels that a model has yet to make are not scored in a dry run; their scores add to "
            "the price"
        )
        return
    pairs = _pairs(found, encoder_named(encoder)) if len(made) > 1 else []
    if output is not None:
        _write(found, pairs, output)
    show = _print_json if json else _print
    show(found, pairs, output)


def _check_asks_none(methods: Sequence[LabelMethod]) -> None:
    from graphlabel.errors import UsageError
    from graphlabel.labeling import PromptedLabeler

    for each in methods:
        if isinstance(each, PromptedLabeler):
            raise UsageError(f"{each.name} asks a language model; name one with --labeler")


def _pairs(found: Comparison, encoder: Encoder) -> Sequence[LabelPair]:
    from graphlabel.scoring.comparison import furthest_apart

    return furthest_apart(found.labels, encoder)


def _write(found: Comparison, pairs: Sequence[LabelPair], folder: Path) -> None:
    from graphlabel.atomic import write_bytes
    from graphlabel.errors import UsageError
    from graphlabel.scoring.comparison import (
        comparison_lines,
        comparison_markdown,
        comparison_svg,
    )

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror or error}") from error
    title = f"Label methods on {found.facts['features of']}"
    report = comparison_markdown(found, pairs, title=title, picture=PICTURE)
    lines = "".join(f"{line}\n" for line in comparison_lines(found))
    parts = {LINES: lines, PICTURE: comparison_svg(found, title), REPORT: report}
    for name, text in parts.items():
        write_bytes(folder / name, text.encode(), UsageError)


def _print(found: Comparison, pairs: Sequence[LabelPair], output: Path | None) -> None:
    from graphlabel.cli.console import note, print_table
    from graphlabel.cli.score_view import summary_table

    rows = [
        (method, measure, summary)
        for scorer, measure in found.measures.items()
        for method, summary in found.summaries(scorer).items()
    ]
    print_table(summary_table(rows, f"{len(found.prepared.splits)} features"))
    for line in (*found.prepared.remarks, *found.remarks):
        note(line)
    for pair in pairs:
        one, other = (f"{m}: “{t}”" for m, t in zip(pair.methods, pair.labels, strict=True))
        note(f"furthest apart: {pair.key}  cosine {pair.cosine:.2f}  {one}  {other}")
    if output is not None:
        note(f"wrote {output / REPORT}, {PICTURE} and {LINES}")


def _print_json(found: Comparison, pairs: Sequence[LabelPair], output: Path | None) -> None:
    import msgspec

    from graphlabel.cli.console import print_json
    from graphlabel.cli.score_view import summary_json

    scores = {
        scorer: {method: summary_json(each) for method, each in methods.items() if each}
        for scorer, methods in found.scores.items()
    }
    print_json(
        {
            "folder": str(output) if output else None,
            "features": [f"{key.layer}/{key.feature}" for key in found.prepared.splits],
            "facts": dict(found.facts),
            "remarks": [*found.prepared.remarks, *found.remarks],
            "scores": scores,
            "furthest_apart": msgspec.to_builtins(pairs),
        }
    )

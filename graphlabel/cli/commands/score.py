"""``graphlabel score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.llm_options import (
    LanguageModelOptions,
    language_model_options,
    print_outcome,
)
from graphlabel.cli.options import AnySetFlag, JsonFlag, OfflineOption
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
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphlabel.cli.scoring import Scored
    from graphlabel.files import GraphDocument
    from graphlabel.scoring import Scorer

LISTED = 8


@language_model_options
def score(
    language_model: LanguageModelOptions,
    place: Annotated[
        str,
        typer.Argument(
            help="A labelled graph (with --features), or a feature source whose own explanations "
            "are scored.",
            metavar="GRAPH|SOURCE",
        ),
    ],
    scorers: ScorersOption = "embedding,output_check",
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features", help="Of a graph: where the features' evidence is.", metavar="SOURCE"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Graph file with the scores in it; of a source, one JSON object a line.",
            metavar="FILE",
        ),
    ] = None,
    judge: JudgeOption = None,
    model: ModelOption = None,
    transcoders: TranscodersOption = None,
    encoder: EncoderOption = None,
    test: TestOption = 10,
    seen: Annotated[
        int,
        typer.Option(
            min=0,
            help="So many of the strongest examples may have been seen by who made the label: "
            "texts that overlap them are no test.",
            rich_help_panel=TEXTS,
        ),
    ] = 20,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Of a source: at most so many features.", rich_help_panel=TEXTS),
    ] = None,
    seed: SeedOption = 0,
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Measure what labels are worth on texts they were not made from; keep the scores with them."""
    from contextlib import ExitStack

    from graphlabel.cli.console import progress
    from graphlabel.cli.pipeline import check_writable, source_for
    from graphlabel.cli.score_options import encoder_named, names_of
    from graphlabel.cli.scoring import Scoring, score_document, score_explanations, subject_of
    from graphlabel.evidence import open_source
    from graphlabel.files import read_graph
    from graphlabel.scoring import Means, SampleSettings, check_scorers, make_scorers

    names = check_scorers(names_of(scorers), asking=judge is not None)
    _check(features, output, limit)
    document = read_graph(Path(place)) if features else None
    source = (
        open_source(place, offline=offline)
        if document is None
        else source_for(document, features or [], any_set=any_set, offline=offline)
    )
    if output is not None:
        check_writable(output)
    with ExitStack() as stack:
        gateway = stack.enter_context(language_model.open(judge)) if judge else None
        known = subject_of(model, transcoders)
        means = Means(lambda: encoder_named(encoder), gateway, known.lens, seed)
        settings = SampleSettings(train=seen, test=test, seed=seed)
        how = Scoring(make_scorers(names, means), known, settings, gateway)
        report = stack.enter_context(progress("score", quiet=json))
        if document is None:
            scored = score_explanations(source, how, limit, report)
        else:
            document, scored = score_document(document, source, how, report)
    if gateway is not None:
        print_outcome(gateway)
        if gateway.dry_run:
            return
    _keep(document, scored, output)
    show = _print_json if json else _print
    show(document, how.scorers, scored, output)


def _check(features: list[str] | None, output: Path | None, limit: int | None) -> None:
    if features and limit:
        raise UsageError("--limit goes with a source; the labels of a graph are all scored")
    if features and output is None:
        raise UsageError("name the graph file to write with -o: the scores are kept in it")


def _keep(document: GraphDocument | None, scored: Scored, output: Path | None) -> None:
    if output is None:
        return
    if document is not None:
        from graphlabel.files import write_graph

        write_graph(document, output)
        return
    from graphlabel.atomic import write_bytes
    from graphlabel.scoring.comparison.lines import score_lines

    lines = (line for scores in scored.scores for line in score_lines(scores))
    write_bytes(output, "".join(f"{line}\n" for line in lines).encode(), UsageError)


def _print(
    document: GraphDocument | None, scorers: Sequence[Scorer], scored: Scored, output: Path | None
) -> None:
    from graphlabel.cli.console import note, print_table
    from graphlabel.cli.score_view import summary_table, why_unmeasured
    from graphlabel.scoring import summarize

    found = list(zip(scorers, scored.scores, strict=True))
    rows = [("", each.measure, summarize(scores)) for each, scores in found if scores]
    print_table(summary_table(rows, f"{len(scored.tests)} labels"))
    for line in scored.prepared.remarks:
        note(line)
    for each, scores in found:
        for why, count in why_unmeasured(scores).items():
            note(f"  {each.name}: {count} not measured: {why}")
    if output is not None:
        note(f"wrote {output}")
    if document is not None:
        _print_order(document)


def _print_order(document: GraphDocument) -> None:
    """Where looking again pays most."""
    from graphlabel.annotation import trust_of, trust_order
    from graphlabel.cli.console import note

    graph, annotations = document.graph, document.annotations
    note("least trusted × most influential:")
    for place in trust_order(graph, annotations)[:LISTED]:
        key = graph.nodes[place].key
        label = annotations.label_of(key)
        shown = f"“{label.text}”" if label else "no label"
        where = graph.tokens[key.position].strip() or key.position
        note(f"  {key.feature_key} @{where}  trust {trust_of(label):.2f}  {shown}")


def _print_json(
    document: GraphDocument | None, scorers: Sequence[Scorer], scored: Scored, output: Path | None
) -> None:
    from graphlabel.annotation import trust_order
    from graphlabel.cli.console import print_json
    from graphlabel.cli.score_view import summary_json
    from graphlabel.scoring.comparison.lines import score_fields

    found = zip(scorers, scored.scores, strict=True)
    value = {
        "file": str(output) if output else None,
        "labels": len(scored.tests),
        "untested": len(scored.prepared.too_few),
        "remarks": scored.prepared.remarks,
        "scorers": {each.name: summary_json(scores) for each, scores in found if scores},
        "scores": [score_fields(score) for scores in scored.scores for score in scores],
    }
    if document is not None:
        keys = (
            document.graph.nodes[place].key
            for place in trust_order(document.graph, document.annotations)
        )
        value["least_trusted_most_influential"] = [document.id_of_key[key] for key in keys]
    print_json(value)

"""``graphlabel label``."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.llm_options import LanguageModelOptions, language_model_options
from graphlabel.cli.options import (
    AnySetFlag,
    GraphFile,
    JsonFlag,
    OfflineOption,
    OutputFile,
    SourceOption,
    TrustPickle,
)
from graphlabel.cli.tier_options import (
    VERBALIZER,
    TierChoices,
    TierThree,
    VerbalizerOption,
    tier_options,
)
from graphlabel.errors import LanguageModelError, UsageError

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument
    from graphlabel.labeling.verbalizers import Verbalizer

INTERRUPTED = 130


@language_model_options
@tier_options()
def label(
    graph: GraphFile,
    features: SourceOption,
    output: OutputFile,
    tiers: TierChoices,
    language_model: LanguageModelOptions,
    verbalizer: VerbalizerOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="The model that texts go through, where the verbalizer runs here.",
            metavar="DIR|ID",
            rich_help_panel=VERBALIZER,
        ),
    ] = None,
    transcoders: Annotated[
        str | None,
        typer.Option(
            help="For nla_feature_vector: the transcoders.",
            metavar="DIR|ID",
            rich_help_panel=VERBALIZER,
        ),
    ] = None,
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Label a graph tier by tier; list what still waits for a model, with its price, or for you."""
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.label_plan import open_plan, quote
    from graphlabel.cli.label_report import as_json, lost, report_lines
    from graphlabel.cli.label_tools import open_tools
    from graphlabel.cli.labelling import finder, label_document
    from graphlabel.cli.llm_options import print_outcome
    from graphlabel.cli.pipeline import check_writable, feature_flags, source_for
    from graphlabel.files import read_graph, write_graph

    one, two = tiers.one, tiers.two
    if tiers.tier3 is TierThree.VERBALIZE and verbalizer is None:
        raise UsageError("--tier3 verbalize needs a verbalizer; name one with --verbalizer")
    document = read_graph(graph, trust_pickle=trust_pickle)
    source = source_for(document, features, any_set=any_set, offline=offline)
    check_writable(output)
    tools = open_tools(verbalizer, model, transcoders)
    with ExitStack() as stack, progress("label", quiet=json) as report:
        plan = open_plan(one, two, tools, language_model, note, stack)
        find = finder(document, source)
        labelled, done = label_document(document, find, plan, report)
    gateways = [how.gateway for how in plan.values() if how.gateway is not None]
    for gateway in gateways:
        print_outcome(gateway)
    if not language_model.dry_run:
        write_graph(labelled, output)
        if tiers.tier3 is TierThree.VERBALIZE and tools.verbalizer and not done.stopped:
            labelled = _verbalized(labelled, tools.verbalizer, output, quiet=json)
    table, batch = language_model.prices, language_model.batch
    quoted = quote(labelled, find, two, table, batch=batch) if done.queued else None
    if language_model.dry_run:
        if quoted:
            note(f"tier 2 waits for a model (--tier2-model); {quoted.words}")
        note("dry run: nothing was sent, nothing was written")
        return
    if json:
        print_json(as_json(labelled, done, quoted, str(output)))
    else:
        for line in report_lines(labelled, done, quoted, output):
            note(line)
        note(f"next: graphlabel open {output} {feature_flags(features)}")
    if done.stopped:
        raise typer.Exit(INTERRUPTED)
    if why := lost(done):
        raise LanguageModelError(why)


def _verbalized(
    document: GraphDocument, verbalizer: Verbalizer, output: Path, *, quiet: bool
) -> GraphDocument:
    """The document with a text beside every obscure node, written as far as it comes."""
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.labelling import verbalize_obscure
    from graphlabel.files import write_graph

    keep = partial(write_graph, path=output)
    with progress("label", quiet=quiet) as report:
        spoken, said = verbalize_obscure(document, verbalizer, keep, report)
    write_graph(spoken, output)
    note(f"{said} obscure nodes put into words, as an aid; they still wait for you")
    return spoken

"""``graphlabel queue``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlabel.cli.options import (
    AnySetFlag,
    FileOnly,
    GraphFile,
    JsonFlag,
    OfflineOption,
    StoreOption,
)
from graphlabel.cli.tier_options import TierChoices, tier_options


@tier_options("tier1", "tier1_model", "tier1_set", "tier3")
def queue(
    graph: GraphFile,
    tiers: TierChoices,
    features: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the features' evidence is; with it, prices are told.", metavar="SOURCE"
        ),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A price table over the shipped one.", metavar="FILE")
    ] = None,
    by_trust: Annotated[
        bool,
        typer.Option("--by-trust", help="Labels too: least trusted × most influential first."),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines of each part.")] = 20,
    any_set: AnySetFlag = False,
    store: StoreOption = None,
    file_only: FileOnly = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """List what waits for a model, with its price, and what waits for you; most influential first.

    Nothing is sent, and no key is needed.
    """
    from graphlabel.cli.console import print_json, say
    from graphlabel.cli.label_plan import quote
    from graphlabel.cli.labelling import finder
    from graphlabel.cli.pipeline import source_for, with_stored_edits
    from graphlabel.cli.waiting import queue_facts, queue_lines, queue_of
    from graphlabel.files import read_graph

    two = tiers.two
    document = read_graph(graph)
    if not file_only:
        document, _ = with_stored_edits(document, store)
    waiting, quoted = queue_of(document), None
    if features:
        source = source_for(document, features, any_set=any_set, offline=offline)
        quoted = quote(document, finder(document, source), two, prices)
    else:
        two.made()
    if json:
        print_json(queue_facts(document, waiting, quoted, by_trust=by_trust))
        return
    for line in queue_lines(document, waiting, quoted, limit, by_trust=by_trust):
        say(line)

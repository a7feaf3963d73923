"""``graphlabel label``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, OfflineOption, OutputFile, SourceOption

if TYPE_CHECKING:
    from graphlabel.cli.labelling import LabelReport
    from graphlabel.files import GraphDocument


def label(
    graph: GraphFile,
    features: SourceOption,
    output: OutputFile,
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Accept evidence of another transcoder set.")
    ] = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Label tier 1 with the token counter and list what tiers 2 and 3 still need."""
    from graphlabel.annotation import Tier
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.labelling import label_document
    from graphlabel.cli.pipeline import check_writable, feature_flags, source_for
    from graphlabel.files import read_graph, write_graph

    document = read_graph(graph)
    source = source_for(document, features, any_set=any_set, offline=offline)
    check_writable(output)
    labelled, report = label_document(document, source)
    write_graph(labelled, output)
    if json:
        ids = labelled.id_of_key
        print_json(
            {
                "file": str(output),
                "labelled": report.tier_one.labelled,
                "kept": report.tier_one.kept,
                "only_at_top": report.tier_one.only_at_top,
                "scope": report.scope.value,
                "awaiting_model": [ids[key] for key in report.waiting[Tier.MODEL]],
                "awaiting_person": [ids[key] for key in report.waiting[Tier.PERSON]],
            }
        )
        return
    note(f"wrote {output}: {summary(report)}")
    print_waiting(labelled, report)
    note(f"next: graphlabel open {output} {feature_flags(features)}")


def summary(report: LabelReport) -> str:
    """What a run did in tier 1, in a line."""
    from graphlabel.annotation import Scope

    tier = report.tier_one
    where = "wherever they fire" if report.scope is Scope.FEATURE else "at their occurrence only"
    parts = [f"{tier.labelled} features labelled by the token counter, {where}"]
    if tier.kept:
        parts.append(f"{tier.kept} labels kept")
    if tier.only_at_top:
        parts.append(f"{tier.only_at_top} of them hold only at the top")
    if tier.without_evidence:
        parts.append(f"{tier.without_evidence} without evidence")
    if tier.unnamed:
        parts.append(f"{len(tier.unnamed)} the counter could not name")
    return ", ".join(parts)


def print_waiting(document: GraphDocument, report: LabelReport, most: int = 8) -> None:
    """What tiers 2 and 3 still need, most influential first."""
    from graphlabel.annotation import Tier
    from graphlabel.cli.console import note

    tiers = {Tier.MODEL: "◆ await a model (tier 2)", Tier.PERSON: "○ await you (tier 3)"}
    for tier, who in tiers.items():
        waiting = report.waiting[tier]
        shown = ", ".join(
            f"{key.feature_key} @{document.graph.tokens[key.position].strip() or key.position}"
            for key in waiting[:most]
        )
        more = f" and {len(waiting) - most} more" if len(waiting) > most else ""
        note(f"  {len(waiting)} {who}{': ' if waiting else ''}{shown}{more}")

"""``graphlabel label``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import (
    GraphFile,
    JsonFlag,
    OfflineOption,
    OutputFile,
    SourceOption,
    TrustPickle,
)

if TYPE_CHECKING:
    from graphlabel.annotation import Scope
    from graphlabel.files import GraphDocument
    from graphlabel.labeling import LabelingReport


def label(
    graph: GraphFile,
    features: SourceOption,
    output: OutputFile,
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Accept evidence of another transcoder set.")
    ] = False,
    offline: OfflineOption = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Label tier 1 with the token counter and list what tiers 2 and 3 still need."""
    from graphlabel.annotation import Tier
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.pipeline import check_writable, feature_flags, label_document, source_for
    from graphlabel.files import read_graph, write_graph

    document = read_graph(graph, trust_pickle=trust_pickle)
    source = source_for(document, features, any_set=any_set, offline=offline)
    check_writable(output)
    labelled, report, scope = label_document(document, source)
    write_graph(labelled, output)
    if json:
        ids = labelled.id_of_key
        print_json(
            {
                "file": str(output),
                "labelled": report.labelled,
                "kept": report.kept,
                "only_at_top": report.only_at_top,
                "scope": scope.value,
                "awaiting_model": [ids[key] for key in report.waiting[Tier.MODEL]],
                "awaiting_person": [ids[key] for key in report.waiting[Tier.PERSON]],
            }
        )
        return
    note(f"wrote {output}: {summary(report, scope)}")
    print_waiting(labelled, report)
    note(f"next: graphlabel open {output} {feature_flags(features)}")


def summary(report: LabelingReport, scope: Scope) -> str:
    """What a run did, in a line."""
    from graphlabel.annotation import Scope

    where = "wherever they fire" if scope is Scope.FEATURE else "at their occurrence only"
    parts = [f"{report.labelled} features labelled by the token counter, {where}"]
    if report.kept:
        parts.append(f"{report.kept} labels kept")
    if report.only_at_top:
        parts.append(f"{report.only_at_top} of them hold only at the top")
    if report.without_evidence:
        parts.append(f"{report.without_evidence} without evidence")
    if report.unnamed:
        parts.append(f"{report.unnamed} the counter could not name")
    return ", ".join(parts)


def print_waiting(document: GraphDocument, report: LabelingReport, most: int = 8) -> None:
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

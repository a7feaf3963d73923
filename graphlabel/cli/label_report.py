"""What a labelling run did, in lines and as JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlabel.annotation import Scope, Tier
from graphlabel.cli.label_plan import Quote
from graphlabel.cli.labelling import LabelReport
from graphlabel.files import GraphDocument
from graphlabel.labeling import TierReport
from graphlabel.labeling.proposing import SILENT, Unnamed
from graphlabel.llm import FailureKind

if TYPE_CHECKING:
    from graphlabel.graph import FeatureKey, NodeKey

COUNTER = "token_count"
HOW_TO_GO_ON = (
    "graphlabel ledger --unusable shows these answers; they are not asked for again, except with "
    "another model, method or setting, or with --no-answer-cache"
)


def summary(report: LabelReport) -> str:
    """What a run did, in a line."""
    one = report.tiers[Tier.COUNTER]
    who = "by the token counter" if one.method == COUNTER else f"by {one.method}"
    where = "wherever they fire" if report.scope is Scope.FEATURE else "at their occurrence only"
    parts = [f"{one.labelled} features labelled {who}, {where}"]
    parts += [
        f"{each.labelled} of tier {tier:d} by {each.method}"
        for tier, each in report.tiers.items()
        if tier is not Tier.COUNTER
    ]
    each_tier = report.tiers.values()
    if kept := sum(each.kept for each in each_tier):
        parts.append(f"{kept} labels kept")
    if fragile := sum(each.only_at_top for each in each_tier):
        parts.append(f"{fragile} of them hold only at the top")
    if missing := sum(each.without_evidence for each in each_tier):
        parts.append(f"{missing} without evidence")
    if silent := sum(_counts(each)[SILENT] for each in each_tier):
        parts.append(f"{silent} the counter could not name")
    return ", ".join(parts)


def failure_lines(report: LabelReport) -> list[str]:
    """A line for each kind of failure, besides those a gateway tells of itself."""
    told = {SILENT, *(kind.value for kind in FailureKind)}
    lines = []
    for tier, done in report.tiers.items():
        firsts: dict[str, tuple[FeatureKey, Unnamed]] = {}
        for key, each in done.unnamed.items():
            firsts.setdefault(each.kind, (key, each))
        for kind, count in _counts(done).most_common():
            if kind not in told:
                key, first = firsts[kind]
                said = "" if first.message in kind else f": {first.message}"
                lines.append(f"{count} × {kind} (tier {tier:d}, the first is {key}{said})")
    if any(each.answer for done in report.tiers.values() for each in done.unnamed.values()):
        lines.append(HOW_TO_GO_ON)
    return lines


def waiting_lines(document: GraphDocument, report: LabelReport, most: int = 8) -> list[str]:
    """What tiers 2 and 3 still need, most influential first."""
    tiers = {Tier.MODEL: "◆ await a model (tier 2)", Tier.PERSON: "○ await you (tier 3)"}
    lines = []
    for tier, who in tiers.items():
        waiting = report.waiting[tier]
        shown = ", ".join(f"{key.feature_key} @{_at(document, key)}" for key in waiting[:most])
        more = f" and {len(waiting) - most} more" if len(waiting) > most else ""
        lines.append(f"  {len(waiting)} {who}{': ' if waiting else ''}{shown}{more}")
    return lines


def report_lines(
    document: GraphDocument, report: LabelReport, quoted: Quote | None, output: Path
) -> list[str]:
    """Everything a person should know after a run."""
    price = [f"  {quoted.words} (--tier2-model)"] if quoted and quoted.features else []
    return [
        f"wrote {output}: {summary(report)}",
        *failure_lines(report),
        *waiting_lines(document, report),
        *price,
    ]


def as_json(
    document: GraphDocument, report: LabelReport, quoted: Quote | None, file: str
) -> dict[str, Any]:
    """What a run did, as plain JSON values; answers that could not be used are there in full."""
    ids = document.id_of_key
    each_tier = report.tiers.values()
    return {
        "file": file,
        "labelled": sum(each.labelled for each in each_tier),
        "kept": sum(each.kept for each in each_tier),
        "only_at_top": sum(each.only_at_top for each in each_tier),
        "scope": report.scope.value,
        "awaiting_model": [ids[key] for key in report.waiting[Tier.MODEL]],
        "awaiting_person": [ids[key] for key in report.waiting[Tier.PERSON]],
        "tiers": {str(int(tier)): _tier(each) for tier, each in report.tiers.items()},
        "failures": [
            {"tier": int(tier), "layer": key.layer, "feature": key.feature, "kind": each.kind,
             "message": each.message, "raw": each.raw}
            for tier, done in report.tiers.items()
            for key, each in done.unnamed.items()
            if each.kind != SILENT
        ],
        "price": quoted and quoted.as_json(),
        "stopped": report.stopped,
    }  # fmt: skip


def lost(report: LabelReport) -> str:
    """Why nothing of a tier could be asked; empty where something was answered."""
    for tier, done in report.tiers.items():
        unsent = [each for each in done.unnamed.values() if each.kind in set(FailureKind)]
        if unsent and not done.labelled and len(unsent) == len(done.unnamed):
            return f"tier {tier:d} got no answer; {unsent[0].message}"
    return ""


def _tier(done: TierReport) -> dict[str, Any]:
    return {
        "method": done.method,
        "labelled": done.labelled,
        "kept": done.kept,
        "without_evidence": done.without_evidence,
        "only_at_top": done.only_at_top,
        "tokens": done.tokens,
        "dollars": done.dollars,
        "cached": done.cached,
    }


def _counts(done: TierReport) -> Counter[str]:
    return Counter(each.kind for each in done.unnamed.values())


def _at(document: GraphDocument, key: NodeKey) -> str:
    return document.graph.tokens[key.position].strip() or str(key.position)

"""Labelling a graph's features by tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from graphlabel.annotation import Annotations, Label, Origin, Scope, SetLabel, Several, Tier
from graphlabel.graph import AttributionGraph, FeatureKey
from graphlabel.labeling.labeler import LabelMethod, reads_graph
from graphlabel.labeling.long_tail import mark_labels
from graphlabel.labeling.proposing import Named, Outcome, Report, Unnamed, no_report, propose
from graphlabel.labeling.provenance import provenance_of
from graphlabel.labeling.waiting import Find, pending
from graphlabel.llm import Gateway
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class TierReport:
    """What a run did in one tier."""

    method: str
    labelled: int = 0
    """Features that got a label in this run."""
    kept: int = 0
    """Features whose label by a person or from the file was kept."""
    without_evidence: int = 0
    """Features the source does not have."""
    unnamed: Mapping[FeatureKey, Unnamed] = field(default_factory=dict)
    """Features that got no label, and what kept them from one."""
    only_at_top: int = 0
    """Labels made in this run that the weaker examples do not bear out."""
    tokens: int = 0
    """Sent and received in this run; answers from the cache cost none."""
    dollars: float = 0.0
    """Paid in this run, as far as prices are known."""
    cached: int = 0
    """Answers that came from the cache."""
    stopped: bool = False
    """Whether Ctrl-C cut the run short."""


def label_tier(
    graph: AttributionGraph,
    annotations: Annotations,
    find: Find,
    method: LabelMethod,
    tier: Tier,
    *,
    scope: Scope,
    time: str,
    gateway: Gateway | None = None,
    report: Report = no_report,
) -> tuple[Annotations, TierReport]:
    """Label every feature of a tier by a method; labels by people and from the file are kept.

    ``time`` is UTC, ISO 8601, to the second. Labels of a method that reads the graph hold at their
    occurrence only. A label that holds only at the top of the feature's activations is marked in
    its routing's notes. Raises UsageError when the method lacks a model or a tool.
    """
    in_graph = reads_graph(method)
    waiting = pending(graph, annotations, find, tier, in_graph=in_graph)
    asked = list(waiting.evidence.values())
    outcomes, stopped = propose(method, asked, gateway, tier=int(tier), report=report)
    said = dict(zip(waiting.evidence, outcomes, strict=True))
    commands: list[SetLabel] = []
    named: dict[FeatureKey, tuple[FeatureRecord, str]] = {}
    for key, outcome in said.items():
        if isinstance(outcome, Named):
            evidence, text = waiting.evidence[key], outcome.proposal.text
            provenance = provenance_of(method, outcome, evidence, tier, time)
            command = SetLabel(
                waiting.nodes[key], text, provenance, Scope.OCCURRENCE if in_graph else scope
            )
            commands += [] if _is_there(annotations, command) else [command]
            named[key] = (evidence.record, text)
    labelled = Several(f"label tier {tier:d}", commands).patch(annotations).apply(annotations)
    labelled, fragile = mark_labels(labelled, named)
    return labelled, TierReport(
        method.name,
        len(named),
        waiting.kept,
        waiting.without_evidence,
        {key: each for key, each in said.items() if isinstance(each, Unnamed)},
        fragile,
        *_spent(outcomes),
        stopped,
    )


def _is_there(annotations: Annotations, command: SetLabel) -> bool:
    """Whether the same question gave the same label before; that one knows when it was asked."""
    made = command.provenance
    for node in command.nodes:
        label = annotations.label_of(node)
        if label is None:
            return False
        before = label.provenance
        again = replace(made, time=before.time)
        same = label == Label(command.text, command.scope, again)
        if before.origin is Origin.MACHINE and not same:
            return False
    return bool(made.prompt_hash)


def _spent(outcomes: Iterable[Outcome]) -> tuple[int, float, int]:
    """Tokens and dollars that were paid for, and how many answers came from the cache."""
    answers = [each.answer for each in outcomes if each.answer]
    paid = [each for each in answers if not each.cached]
    tokens = sum(each.input_tokens + each.output_tokens for each in paid)
    return tokens, sum((each.dollars or 0.0 for each in paid), 0.0), len(answers) - len(paid)

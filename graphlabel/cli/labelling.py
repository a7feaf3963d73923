"""Labelling a document tier by tier, and saying what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from graphlabel.annotation import Scope, Tier
from graphlabel.cli.routing import Report, no_report
from graphlabel.cli.verbalizing import not_yet_read, prompt_tasks, verbalize_tasks
from graphlabel.errors import UsageError
from graphlabel.evidence import FeatureSource, RemoteSource
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.labeling import LabelMethod, TierReport, TokenCounter, label_tier, waiting_nodes
from graphlabel.labeling.verbalizers import Verbalizer
from graphlabel.labeling.waiting import Find
from graphlabel.records import FeatureRecord, TranscoderSet

if TYPE_CHECKING:
    from graphlabel.llm.metered import MeteredGateway


@dataclass(frozen=True, slots=True)
class TierPlan:
    """How a tier is labelled."""

    method: LabelMethod
    gateway: MeteredGateway | None = None
    """The language model that is asked; None for methods that ask none."""


def protocol_plan() -> Mapping[Tier, TierPlan]:
    """The protocol's own: the token counter for tier 1; tiers 2 and 3 wait."""
    return {Tier.COUNTER: TierPlan(TokenCounter())}


@dataclass(frozen=True, slots=True)
class LabelReport:
    """What a run labelled and what is left."""

    scope: Scope
    tiers: Mapping[Tier, TierReport]
    """What was done in each tier that was labelled."""
    waiting: Mapping[Tier, list[NodeKey]] = field(default_factory=dict)
    """Unlabelled nodes of tiers 2 and 3, one per feature, most influential first."""

    @property
    def queued(self) -> bool:
        """Whether tier 2 waits for a model."""
        return Tier.MODEL not in self.tiers and bool(self.waiting[Tier.MODEL])

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C cut the run short."""
        return any(each.stopped for each in self.tiers.values())


def label_document(
    document: GraphDocument,
    find: Find,
    plan: Mapping[Tier, TierPlan] | None = None,
    report: Report = no_report,
) -> tuple[GraphDocument, LabelReport]:
    """Label a graph's tiers, in order, by their methods; labels by people and the file are kept.

    Labels hold wherever the feature fires if the graph says whose features these are, else at
    their occurrence only. Raises UsageError when nothing has been routed.
    """
    if not document.annotations.routings:
        raise UsageError("no feature has been routed yet; run graphlabel route first")
    scope = Scope.FEATURE if TranscoderSet.of(document.graph.source) else Scope.OCCURRENCE
    annotations, done = document.annotations, dict[Tier, TierReport]()
    for tier, how in sorted((plan or protocol_plan()).items()):
        annotations, done[tier] = label_tier(
            document.graph,
            annotations,
            find,
            how.method,
            tier,
            scope=scope,
            time=now(),
            gateway=how.gateway,
            report=partial(_in_tier, report, tier),
        )
        if done[tier].stopped:
            break
    waiting = {
        tier: waiting_nodes(document.graph, annotations, tier) for tier in (Tier.MODEL, Tier.PERSON)
    }
    return document.annotated(annotations), LabelReport(scope, done, waiting)


def verbalize_obscure(
    document: GraphDocument,
    verbalizer: Verbalizer,
    keep: Callable[[GraphDocument], None],
    report: Report = no_report,
) -> tuple[GraphDocument, int]:
    """The document with a verbalizer's text beside every obscure node that waits; and how many.

    It reads the prompt at the node. Nodes it has spoken of before are left alone. When the work is
    stopped, ``keep`` gets what came until then.
    """
    nodes = waiting_nodes(document.graph, document.annotations, Tier.PERSON)
    tasks = prompt_tasks(document, nodes)
    todo = not_yet_read(document.annotations, tasks, verbalizer.name)
    return verbalize_tasks(document, verbalizer, todo, keep, report), len(todo)


def _in_tier(report: Report, tier: Tier, phase: str, done: int, total: int) -> None:
    report(f"tier {tier:d}, {phase}", done, total)


def finder(document: GraphDocument, source: FeatureSource) -> Find:
    """Looks up the evidence of a graph's features, each once; servers are asked for all at once."""
    known: dict[FeatureKey, FeatureRecord | None] = {}
    if isinstance(source, RemoteSource):
        graph = document.graph
        keys = {graph.nodes[place].key.feature_key for place in graph.places(NodeKind.FEATURE)}
        source.fetch(sorted(keys))

    def find(key: FeatureKey) -> FeatureRecord | None:
        if key not in known:
            known[key] = source.get(key)
        return known[key]

    return find


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""From options to how each tier is labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from graphlabel.annotation import Tier
from graphlabel.cli.labelling import TierPlan
from graphlabel.cli.llm_options import LanguageModelOptions
from graphlabel.cli.routing import Say
from graphlabel.errors import NoKeyError, UsageError
from graphlabel.files import GraphDocument
from graphlabel.labeling import LabelMethod, PromptedLabeler, Tools, make_method
from graphlabel.labeling.pricing import Price, SampleVerbalizer, prices, total
from graphlabel.labeling.proposing import Unnamed
from graphlabel.labeling.waiting import Find, pending

if TYPE_CHECKING:
    from graphlabel.graph import FeatureKey
    from graphlabel.llm.terms import Terms

SMALL_MODEL = "llm"
"""What ``--tier1`` calls the method for a small language model."""
PRICED_MODEL = "anthropic:claude-sonnet-5-5"
"""The model whose price is told where none is named."""


@dataclass(frozen=True, slots=True)
class TierOptions:
    """How a tier is to be labelled, as asked for."""

    method: str
    model: str | None = None
    """None: methods that ask a model wait for one."""
    settings: Mapping[str, str] = field(default_factory=dict)

    def made(self, tools: Tools | None = None) -> LabelMethod:
        """The method; raises UsageError when there is no such method or setting."""
        name = "side_tokens" if self.method == SMALL_MODEL else self.method
        return make_method(name, self.settings, tools)


def open_plan(
    one: TierOptions,
    two: TierOptions,
    tools: Tools,
    ask: LanguageModelOptions,
    say: Say,
    stack: ExitStack,
) -> dict[Tier, TierPlan]:
    """How the tiers are labelled; tier 2 is left out where it has to wait for a model or a key.

    Gateways close with ``stack``. Raises UsageError or LanguageModelError where something is asked
    for that is not there.
    """
    plan = {Tier.COUNTER: _tier_one(one, tools, ask, stack)}
    method = two.made(tools)
    if not isinstance(method, PromptedLabeler):
        plan[Tier.MODEL] = TierPlan(method)
    elif two.model is not None:
        try:
            gateway = stack.enter_context(ask.open(two.model))
        except NoKeyError as error:
            say(f"tier 2 waits: {error}")
        else:
            plan[Tier.MODEL] = TierPlan(method, gateway)
    return plan


def _tier_one(
    one: TierOptions, tools: Tools, ask: LanguageModelOptions, stack: ExitStack
) -> TierPlan:
    method = one.made(tools)
    if not isinstance(method, PromptedLabeler):
        return TierPlan(method)
    if one.model is None:
        raise UsageError(f"--tier1 {one.method} asks a language model; name one with --tier1-model")
    return TierPlan(method, stack.enter_context(ask.open(one.model)))


@dataclass(frozen=True, slots=True)
class Quote:
    """What tier 2 would cost."""

    method: str
    model: str
    features: Mapping[FeatureKey, Price]
    cannot: Mapping[FeatureKey, Unnamed] = field(default_factory=dict)
    """Features that the method cannot ask about, and why."""
    in_batches: float = 1.0
    """What it would cost of that with ``--batch``."""

    @property
    def total(self) -> Price:
        """Of all features."""
        return total(list(self.features.values()))

    @property
    def words(self) -> str:
        """In a line."""
        whole = self.total
        if whole.dollars is None or whole.bound is None:
            cost = "for a price that is not known"
        elif whole.bound == 0:
            cost = "for nothing"
        else:
            cost = f"for about {money(whole.dollars)} (at most {money(whole.bound)})"
            if self.in_batches < 1:
                cost += f", with --batch {self.in_batches:.0%} of that"
        kinds = Counter(each.kind for each in self.cannot.values())
        others = "".join(f"; cannot ask about {count}: {kind}" for kind, count in kinds.items())
        return (
            f"{self.method} by {self.model} would ask {len(self.features)} questions {cost}{others}"
        )

    def as_json(self) -> dict[str, object]:
        """As plain JSON values."""
        whole = self.total
        return {
            "method": self.method,
            "model": self.model,
            "questions": len(self.features),
            "dollars": whole.dollars,
            "at_most": whole.bound,
            "cannot_ask": [
                {"layer": key.layer, "feature": key.feature, "kind": each.kind,
                 "message": each.message}
                for key, each in self.cannot.items()
            ],
        }  # fmt: skip


def money(dollars: float) -> str:
    """Dollars, with enough digits to see small amounts."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def quote(
    document: GraphDocument,
    find: Find,
    two: TierOptions,
    table: Path | None = None,
    *,
    batch: bool = False,
) -> Quote | None:
    """What labelling the features that still wait in tier 2 would cost; None if it asks no model.

    ``batch``: at the price of batches, where the service has them. Nothing is sent, and no key is
    needed. Raises UsageError for an unknown method and LanguageModelError for a price table that
    cannot be read.
    """
    from graphlabel.labeling.labeler import reads_graph

    method = two.made(Tools(SampleVerbalizer()))
    if not isinstance(method, PromptedLabeler):
        return None
    model = two.model or PRICED_MODEL
    graph, annotations = document.graph, document.annotations
    waiting = pending(graph, annotations, find, Tier.MODEL, in_graph=reads_graph(method))
    unlabelled = {
        key: each
        for key, each in waiting.evidence.items()
        if any(annotations.label_of(node) is None for node in waiting.nodes[key])
    }
    terms = _terms(model, table)
    discount = terms.batch if model.startswith("anthropic:") else 1.0
    priced, cannot = prices(method, unlabelled, terms, batch=batch and discount < 1)
    return Quote(method.name, model, priced, cannot, 1.0 if batch else discount)


def _terms(model: str, table: Path | None) -> Terms:
    from graphlabel.llm.terms import FREE, price_table

    kind, _, name = model.partition(":")
    return FREE if kind == "local" else price_table(table).terms(name.partition("@")[0])

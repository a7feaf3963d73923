"""Where label methods meet scorers: the same features, the same texts, every method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphlabel.annotation import clean_label
from graphlabel.cli.routing import sampled_records
from graphlabel.cli.scoring import Scoring, negatives_pool
from graphlabel.errors import EvidenceError
from graphlabel.evidence import FeatureSource
from graphlabel.labeling import Evidence, LabelMethod, Named, propose
from graphlabel.records import FeatureRecord
from graphlabel.scoring import Prepared, for_new_labels, prepare_features
from graphlabel.scoring.comparison import Comparison, compare_methods

if TYPE_CHECKING:
    from contextlib import ExitStack

    from graphlabel.cli.llm_options import LanguageModelOptions
    from graphlabel.graph import FeatureKey
    from graphlabel.llm import Gateway
    from graphlabel.llm.metered import MeteredGateway

Report = Callable[[str, int, int], None]
CANDIDATES = 5
"""So many features are drawn for each that is wanted, since some have too few texts."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The language models of a comparison; one gateway where one model does both."""

    labeler: MeteredGateway | None = None
    judge: MeteredGateway | None = None

    @classmethod
    def opened(
        cls, ask: LanguageModelOptions, stack: ExitStack, labeler: str | None, judge: str | None
    ) -> Asked:
        """The models of these names, closed with the stack; raises LanguageModelError."""
        names = dict.fromkeys(name for name in (labeler, judge) if name is not None)
        found = {name: stack.enter_context(ask.open(name)) for name in names}
        return cls(found.get(labeler or ""), found.get(judge or ""))

    @property
    def each(self) -> list[MeteredGateway]:
        """Every gateway once."""
        found = {id(each): each for each in (self.labeler, self.judge) if each is not None}
        return list(found.values())

    @property
    def facts(self) -> dict[str, str]:
        """Who labelled and who judged."""
        return {
            "labels by": self.labeler.model if self.labeler else "methods that ask no model",
            "judged by": self.judge.model if self.judge else "no language model",
        }


@dataclass(frozen=True, eq=False)
class Labelled:
    """What a method said of every feature."""

    labels: Mapping[FeatureKey, str]
    refused: Mapping[str, int]
    """Features without a label, by the reason."""
    stopped: bool = False
    """Whether Ctrl-C cut it short."""


def choose_features(source: FeatureSource, how: Scoring, most: int) -> Prepared:
    """Up to ``most`` features of a source, drawn by seed, split and with negatives.

    Features of another transcoder set or hook point with the same layer and number are left out.
    Raises EvidenceError when none has enough distinct texts.
    """
    settings = how.settings
    pool = negatives_pool(source, (), settings.seed)
    records = _shuffled(sampled_records(source, CANDIDATES * most, settings.seed), settings.seed)
    split = for_new_labels(settings)
    found = prepare_features(records, split, pool, how.subject.check, settings, most)
    if not found.splits:
        raise EvidenceError(
            f"none of {len(records)} features of {source.name} has {settings.train} texts to "
            f"learn from and {settings.test} others to be tested on; lower --train or --test"
        )
    return found


def _shuffled(records: Iterable[FeatureRecord], seed: int) -> list[FeatureRecord]:
    """Records of different features in an order drawn by seed: sources give them layer by layer."""
    distinct: dict[FeatureKey, FeatureRecord] = {}
    for record in records:
        distinct.setdefault(record.key, record)
    order = np.random.default_rng(seed).permutation(len(distinct))
    found = list(distinct.values())
    return [found[place] for place in order]


def label_features(
    prepared: Prepared, method: LabelMethod, gateway: Gateway | None, report: Report
) -> Labelled:
    """What a method calls the features, from their train examples alone."""
    evidence = [Evidence(split.train) for split in prepared.splits.values()]
    outcomes, stopped = propose(
        method, evidence, gateway, report=lambda phase, *n: report(f"{method.name}, {phase}", *n)
    )
    found = list(zip(prepared.splits, outcomes, strict=True))
    labels = {
        key: clean_label(each.proposal.text) for key, each in found if isinstance(each, Named)
    }
    reasons = Counter(each.kind for _, each in found if not isinstance(each, Named))
    return Labelled(labels, dict(reasons), stopped)


def run_comparison(
    source: FeatureSource,
    methods: Sequence[LabelMethod],
    how: Scoring,
    asked: Asked,
    most: int,
    report: Report,
) -> Comparison:
    """Label features with every method and score the labels; Ctrl-C ends it without a result.

    Raises KeyboardInterrupt then: answers so far are kept, so that the same run goes on there.
    """
    prepared = choose_features(source, how, most)
    labelled = {}
    for method in methods:
        labelled[method.name] = label_features(prepared, method, asked.labeler, report)
        interrupted = asked.labeler is not None and asked.labeler.interrupted
        if labelled[method.name].stopped or interrupted:
            raise KeyboardInterrupt
    labels = {name: found.labels for name, found in labelled.items()}
    scores = compare_methods(prepared, labels, how.scorers, report, how.check_stopped)
    return Comparison(
        prepared,
        labels,
        {each.name: each.measure for each in how.scorers},
        scores,
        _facts(source, labels, how, asked),
        [_unlabelled(name, found) for name, found in labelled.items() if found.refused],
    )


def _facts(
    source: FeatureSource,
    labels: Mapping[str, Mapping[FeatureKey, str]],
    how: Scoring,
    asked: Asked,
) -> dict[str, str]:
    settings, whose = how.settings, source.transcoder_set
    return {
        "features of": str(whose) if whose and whose.model else source.kind,
        "label methods": ", ".join(
            f"{name} ({len(found)} labels)" for name, found in labels.items()
        ),
        **asked.facts,
        "texts": f"{settings.train} to learn from, {settings.test} others to be tested on and as "
        f"many on which the feature is silent; seed {settings.seed}",
    }


def _unlabelled(name: str, found: Labelled) -> str:
    reasons = ", ".join(f"{count} × {kind}" for kind, count in found.refused.items())
    return f"{name} gave no label to {sum(found.refused.values())} features: {reasons}"

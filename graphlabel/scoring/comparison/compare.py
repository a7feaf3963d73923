"""Running every scorer on the labels of every method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from graphlabel.graph import FeatureKey
from graphlabel.scoring.intervals import Interval, Summary, paired_difference, summarize
from graphlabel.scoring.outcome import Score
from graphlabel.scoring.prepare import Prepared
from graphlabel.scoring.scorer import Scorer

LABEL_FREE = "(no label)"
"""Stands for the method where a scorer judges the features themselves."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Comparison:
    """What every scorer found of every method's labels."""

    prepared: Prepared
    labels: Mapping[str, Mapping[FeatureKey, str]]
    """By method; a feature the method had no label for is missing."""
    measures: Mapping[str, str]
    """What each scorer measures, in the order they ran."""
    scores: Mapping[str, Mapping[str, Sequence[Score]]]
    """By scorer, then by method."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What a reader must know of the run: source, model, settings, by name."""
    remarks: Sequence[str] = ()
    """What went wrong or limits the results, a sentence each."""

    def summaries(self, scorer: str) -> dict[str, Summary]:
        """By method, the mean over its labels."""
        return {name: summarize(found) for name, found in self.scores[scorer].items() if found}

    def differences(self, scorer: str) -> dict[tuple[str, str], Interval]:
        """For every two methods, the mean difference on the features both have a score for."""
        methods = list(self.scores[scorer])
        pairs = [(a, b) for i, a in enumerate(methods) for b in methods[i + 1 :]]
        found = {
            (a, b): paired_difference(self.scores[scorer][a], self.scores[scorer][b])
            for a, b in pairs
        }
        return {pair: interval for pair, interval in found.items() if interval is not None}


def compare_methods(
    prepared: Prepared,
    labels: Mapping[str, Mapping[FeatureKey, str]],
    scorers: Sequence[Scorer],
    report: Report = lambda *_: None,
    after_each: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, list[Score]]]:
    """The scores by scorer and method; label-free scorers run once, whatever the methods.

    ``after_each`` is called after every scorer and method, and may raise to end the work.
    """
    found: dict[str, dict[str, list[Score]]] = {}
    nameless = {LABEL_FREE: dict.fromkeys(prepared.splits, "")}
    for scorer in scorers:
        found[scorer.name] = {}
        for method, named in (nameless if scorer.label_free else labels).items():
            told = partial(report, f"{scorer.name}, {method}")
            found[scorer.name][method] = scorer.score(prepared.tests(named), told)
            after_each()
    return found

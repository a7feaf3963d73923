"""A comparison as JSON lines: one a feature, method and scorer, with everything measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from graphlabel.scoring.comparison.compare import Comparison
from graphlabel.scoring.outcome import Score


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """A line a score."""
    for methods in comparison.scores.values():
        for method, scores in methods.items():
            yield from score_lines(scores, method=method)


def score_lines(scores: Iterable[Score], **more: str) -> Iterator[str]:
    """A line a score, with more fields that all of them share."""
    for score in scores:
        yield msgspec.json.encode({**score_fields(score), **more}).decode()


def score_fields(score: Score) -> dict[str, Any]:
    """A score as plain JSON values."""
    return {
        "feature": f"{score.key.layer}/{score.key.feature}",
        "scorer": score.scorer,
        "label": score.label,
        "value": score.value,
        "chance": score.chance,
        "measures": dict(score.measures),
        "by_quantile": {str(number): each for number, each in score.by_quantile.items()},
        "judged": score.judged,
        "unparsed": score.unparsed,
        "failures": list(score.failures),
        "why": score.why,
    }

"""Scores of yes-or-no answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphlabel.scoring.outcome import LabelTest, Score
from graphlabel.scoring.split import TestText


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a text."""

    text: TestText
    said: bool | None
    """Whether the feature fires on it; None for an answer that could not be read, or none."""


def classification_score(
    test: LabelTest, scorer: str, verdicts: Sequence[Verdict], unparsed: int, failures: list[str]
) -> Score:
    """Balanced accuracy with precision, recall, F1 and counts, over the texts with an answer.

    The value is None where all positives or all negatives are without one.
    """
    read = [each for each in verdicts if each.said is not None]
    measures = _measures(read)
    value = measures.get("balanced_accuracy")
    return Score(
        test.record.key,
        scorer,
        test.label,
        value,
        0.5,
        measures,
        _by_quantile(read) if value is not None else {},
        len(read),
        unparsed,
        tuple(sorted(set(failures))),
        "" if value is not None else _why(test, failures),
    )


def _why(test: LabelTest, failures: Sequence[str]) -> str:
    if not test.positives or not test.negatives:
        side = "on which it fires" if not test.positives else "on which it is known to be silent"
        return f"there are no test texts {side}"
    return "no answer: " + ", ".join(sorted(set(failures))) if failures else "no readable answer"


def _measures(read: Sequence[Verdict]) -> Mapping[str, float]:
    from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

    truth = [each.text.fires for each in read]
    said = [bool(each.said) for each in read]
    pairs = list(zip(truth, said, strict=True))
    counts = {
        "true_positives": float(pairs.count((True, True))),
        "false_positives": float(pairs.count((False, True))),
        "true_negatives": float(pairs.count((False, False))),
        "false_negatives": float(pairs.count((True, False))),
    }
    if len(set(truth)) < 2:
        return counts
    return {
        "balanced_accuracy": float(balanced_accuracy_score(truth, said)),
        "precision": float(precision_score(truth, said, zero_division=0)),
        "recall": float(recall_score(truth, said)),
        "f1": float(f1_score(truth, said, zero_division=0)),
        **counts,
    }


def _by_quantile(read: Sequence[Verdict]) -> dict[int, float]:
    """Balanced accuracy with the positives of one quantile and all negatives."""
    silent = [not each.said for each in read if not each.text.fires]
    specificity = sum(silent) / len(silent)
    hits: dict[int, list[bool]] = {}
    for each in read:
        if each.text.quantile is not None:
            hits.setdefault(each.text.quantile, []).append(bool(each.said))
    return {
        number: (sum(found) / len(found) + specificity) / 2
        for number, found in sorted(hits.items(), reverse=True)
    }

"""Selectivity: where else the peak token stands, does the feature fire there as well?

Correlation alone cannot tell a feature of "on" from one that says a day of the week: in the
feature's examples both the token at the peak and the kind of token after it are alike. The rest of
the excerpts can. A feature of a token fires wherever the token stands; a feature of what comes next
fires wherever that comes next, and passes over the same token elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphlabel.protocol.decision import NO_CANDIDATE, SAME, Case, Opinion, reaches
from graphlabel.protocol.support import Places, says_what_follows, tokens_decide
from graphlabel.records import ActivationExample, FeatureRecord

STRONG = 0.5
"""Examples count as strong from this share of the largest activation."""
FIRES = 0.25
"""A token counts as fired on from this share of the largest activation."""
LEAST = 0.4
"""A side of which the feature fires on a smaller share of the places is no candidate."""
_AROUND = 3
"""Places with the same so many tokens on both sides are one place."""


@dataclass(frozen=True, slots=True)
class Selectivity:
    """Of the sides that are candidates, the more selective one stays.

    A side with a share below ``least`` is no candidate. Shares that are the same leave the
    decision to the scores. With the floor of the cross window, so under the calibrated rule, a
    feature that fires wherever it could is a candidate in spite of a small effect.
    """

    least: float = LEAST
    cross_floor: float | None = None

    def __call__(self, case: Case) -> Opinion:
        """What the sides are worth after a look at where else the feature fires."""
        found = selectivity(case.record)
        values = dict(case.values)
        if self.cross_floor is not None and says_what_follows(case, found):
            values["output"] = max(values["output"], case.threshold)
        for side, places in found.items():
            if places.share < self.least:
                values[side] = NO_CANDIDATE
        standing = [side for side in found if reaches(values[side], case.threshold)]
        if len(standing) == 2:
            input_share, output_share = found["input"].share, found["output"].share
            if abs(input_share - output_share) > SAME:
                values["output" if input_share > output_share else "input"] = NO_CANDIDATE
        floor = self.cross_floor
        if not standing and floor is not None and tokens_decide(case, found, floor):
            standing, values["input"] = ["input"], case.threshold
        return Opinion(values, _words(found) if standing or case.side else "")


def selectivity(record: FeatureRecord) -> dict[str, Places]:
    """By side: the places with a token that stands at (input) or after (output) a strong peak.

    Over every excerpt of the record, no place twice; special tokens are left out.
    """
    examples = [each for quantile in record.quantiles for each in quantile.examples]
    firing = [each for each in examples if len(each.special) < len(each.tokens)]
    highest = max((each.peak_activation for each in firing), default=0.0)
    if highest <= 0:
        return {"input": Places(0, 0), "output": Places(0, 0)}
    at, after, strong = set[str](), set[str](), 0
    for example in firing:
        place = example.peak if example.sampled is None else example.sampled
        if example.activations[place] >= STRONG * highest:
            strong += 1
            at.add(example.tokens[place])
            after.update(example.tokens[place + 1 : place + 2])
    counts = {"input": [0, 0], "output": [0, 0]}
    for token, following, activation in _places(firing):
        fired = activation >= FIRES * highest
        for side, alike in (("input", token in at), ("output", following in after)):
            counts[side][0] += alike and fired
            counts[side][1] += alike
    kinds = {"input": len(at) / max(strong, 1), "output": len(after) / max(strong, 1)}
    return {side: Places(fired, n, kinds[side]) for side, (fired, n) in counts.items()}


def _places(examples: list[ActivationExample]) -> Iterator[tuple[str, str | None, float]]:
    """Every place once: its token, the next, and the activation."""
    seen: set[tuple[int, tuple[str, ...]]] = set()
    for example in examples:
        tokens = example.tokens
        for place, token in enumerate(tokens):
            if place in example.special:
                continue
            first = max(place - _AROUND, 0)
            around = (place - first, tokens[first : place + _AROUND + 1])
            if around in seen:
                continue
            seen.add(around)
            following = tokens[place + 1] if place + 1 < len(tokens) else None
            yield token, following, example.activations[place]


def _words(found: dict[str, Places]) -> str:
    at, after = found["input"], found["output"]
    return (
        f"it fires on {at.fired} of {at.n} places with its peak tokens and on {after.fired} of "
        f"{after.n} before its next tokens"
    )

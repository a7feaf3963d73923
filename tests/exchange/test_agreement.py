"""Kappa and cosine against cases worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from jaxtyping import Float

from graphlabel.annotation import FeatureClass
from graphlabel.exchange import Judgement, agreement
from graphlabel.exchange.agreement import Estimate, cohen_kappa, fleiss_kappa

I, O, C, X = FeatureClass  # noqa: E741
NOTHING = Estimate(None, None, None)


def judged(
    who: str, classes: Sequence[FeatureClass | None], texts: Sequence[str] = ()
) -> list[Judgement]:
    texts = texts or [""] * len(classes)
    return [
        Judgement(str(n), who, c, t) for n, (c, t) in enumerate(zip(classes, texts, strict=True))
    ]


def vectors(texts: Sequence[str]) -> Float[np.ndarray, "texts width"]:
    """“x” and “y” are at right angles, “d” half way between."""
    known = {"x": (1.0, 0.0), "y": (0.0, 1.0), "d": (0.5**0.5, 0.5**0.5)}
    return np.array([known[text] for text in texts])


def test_cohen_s_kappa_by_hand() -> None:
    # 20 + 15 of 50 alike; by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5: (0.7 − 0.5) / 0.5
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4, abs=1e-12)
    pairs = [(I, I)] * 20 + [(I, O)] * 5 + [(O, I)] * 10 + [(O, O)] * 15
    one, two = zip(*pairs, strict=True)
    (pair,) = agreement([*judged("a", one), *judged("b", two)]).pairs
    assert pair.kappa.value == pytest.approx(0.4, abs=1e-12)
    assert pair.same == pytest.approx(0.7)
    assert (pair.confusion[0], pair.confusion[1]) == ((20, 5, 0, 0), (10, 15, 0, 0))
    # the large-sample standard error is √(0.7 · 0.3 / 50) / 0.5 = 0.13
    assert pair.kappa.low == pytest.approx(0.4 - 1.96 * 0.13, abs=0.06)
    assert pair.kappa.high == pytest.approx(0.4 + 1.96 * 0.13, abs=0.06)


def test_fleiss_kappa_by_hand() -> None:
    # agreement within items (1 + 1/3 + 1/3 + 1) / 4 = 2/3; both classes have half of all votes
    counts = np.array([[3, 0], [2, 1], [1, 2], [0, 3]])
    assert fleiss_kappa(counts) == pytest.approx((2 / 3 - 1 / 2) / (1 / 2), abs=1e-12)


def test_fleiss_counts_what_everybody_judged() -> None:
    found = agreement(
        [
            *judged("a", [I, I, O, O, I]),
            *judged("b", [I, I, O, O, O]),
            *judged("c", [I, O, I, O, None]),
        ]
    )
    assert found.n_fleiss == 4
    assert found.fleiss is not None
    assert found.fleiss.value == pytest.approx(1 / 3, abs=1e-12)
    assert len(found.pairs) == 3
    assert found.differences == ("1", "2", "4")


def test_kappa_of_one_class_alone_is_not_defined() -> None:
    (pair,) = agreement([*judged("a", [I, I, I]), *judged("b", [I, I, I])]).pairs
    assert (pair.same, pair.kappa, pair.n_classes) == (1.0, NOTHING, 3)
    three = agreement([each for who in "abc" for each in judged(who, [X, X])])
    assert (three.fleiss, three.n_fleiss) == (NOTHING, 2)


def test_labels_are_compared_with_chance() -> None:
    one, two = judged("a", [None] * 3, ["x", "y", "d"]), judged("b", [None] * 3, ["x", "x", "y"])
    (pair,) = agreement([*one, *two], vectors).pairs
    half = 0.5**0.5
    assert pair.cosine.value == pytest.approx((1 + 0 + half) / 3, abs=1e-7)
    # x with x and y, y with x and y, d with x and x: labels of other features
    assert pair.chance == pytest.approx((1 + 0 + 0 + 1 + half + half) / 6, abs=1e-7)
    assert (pair.kappa, pair.n_classes, pair.n_labels) == (NOTHING, 0, 3)
    assert agreement([*one, *two]).pairs[0].cosine == NOTHING


def test_only_common_features_count_and_the_last_word() -> None:
    found = agreement([
        Judgement("1", "a", I), Judgement("1", "a", O), Judgement("2", "a", I),
        Judgement("1", "b", O), Judgement("3", "b", O),
    ])  # fmt: skip
    (pair,) = found.pairs
    assert (pair.n_classes, pair.same) == (1, 1.0)
    assert found.annotators == {"a": 2, "b": 2}


def test_the_seed_decides_the_interval() -> None:
    rng = np.random.default_rng(0)
    said = [[FeatureClass(c) for c in rng.choice(list(FeatureClass), 40)] for _ in range(2)]
    both = [*judged("a", said[0]), *judged("b", said[1])]
    first, again, other = (agreement(both, seed=seed).pairs[0].kappa for seed in (1, 1, 2))
    assert first == again != other
    assert first.value == other.value

"""The protocol against an independent, slow reference (float64; 1e-6, encoders give float32)."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_features import HashEncoder, record, world

from graphlabel.protocol import CalibratedSettings, RawSettings, Window, calibrate, route_raw
from graphlabel.protocol.correlation import prefix_correlations
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.pool import Pool
from graphlabel.protocol.scoring import score_features
from graphlabel.protocol.settings import ExampleSettings
from graphlabel.records import ActivationExample

WORDS = st.sampled_from(["a", "b", "☃", "漢", "\n", "", "<bos>", "c", "d"])


@st.composite
def examples(draw: st.DrawFn) -> ActivationExample:
    size = draw(st.integers(1, 6))
    tokens = ("start", *(draw(WORDS) for _ in range(size)))
    acts = tuple(float(draw(st.integers(0, 3))) for _ in tokens)
    return ActivationExample.of(tokens, acts)


def slow_cosine(one: str, other: str) -> float:
    def literal(text: str) -> bool:
        return not text.strip() or "☃" in text or "漢" in text

    if literal(one) or literal(other):
        return float(one == other)
    vectors = [
        np.random.default_rng(list(text.encode())).normal(size=16).astype(np.float32)
        for text in (one, other)
    ]
    a, b = (v.astype(np.float64) / np.linalg.norm(v.astype(np.float64)) for v in vectors)
    return float(a @ b)


def slow_peak(example: ActivationExample) -> int:
    usable = [i for i, token in enumerate(example.tokens) if token != "<bos>"]
    return min(usable, key=lambda i: (-example.activations[i], i))


def slow_score(
    found: list[ActivationExample], n: int, window: tuple[int, int], weighted: bool
) -> float | None:
    """S(f, W) by its definition."""
    kept: list[tuple[str, float]] = []
    seen: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for each in sorted(found, key=lambda e: -e.activations[slow_peak(e)]):
        p = slow_peak(each)
        if each.activations[p] <= 0 or len(seen) == n:
            continue

        def piece(first: int, last: int, each: ActivationExample = each) -> tuple[str, ...]:
            return tuple(
                each.tokens[i]
                for i in range(first, last + 1)
                if 0 <= i < len(each.tokens) and each.tokens[i] != "<bos>"
            )

        around = (piece(p - 8, p - 1), piece(p, p + 8))
        if around in seen:
            continue
        seen.append(around)
        text = "".join(piece(p + window[0], p + window[1]))
        if text:
            kept.append((text, each.activations[p]))
    if len(kept) < 2:
        return None
    top = norm = 0.0
    for (one, a), (other, b) in itertools.combinations(kept, 2):
        weight = a * b if weighted else 1.0
        top += weight * slow_cosine(one, other)
        norm += weight
    return top / norm


@given(st.lists(examples(), max_size=8), st.integers(2, 6), st.integers(-3, 2), st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_scores_are_those_of_the_definition(
    found: list[ActivationExample], n: int, start: int, length: int
) -> None:
    window = Window(start, start + length)
    scored = score_features([record(found)], [window], HashEncoder(), ExampleSettings(n=n))
    (score,) = (each.scores[window] for each in scored.values())
    plain = slow_score(found, n, window[:2], weighted=False)
    weighted = slow_score(found, n, window[:2], weighted=True)
    assert (score is None) == (plain is None)
    if score is not None and plain is not None and weighted is not None:
        assert score.s == pytest.approx(plain, abs=1e-6)
        assert score.weighted == pytest.approx(weighted, abs=1e-6)
        assert -1 / (score.n - 1) <= score.s <= 1
        assert score.weighted <= 1


@given(st.lists(examples(), max_size=6), st.floats(-0.2, 1.0))
@settings(max_examples=100, deadline=None)
def test_the_raw_rule_is_that_of_the_definition(found: list[ActivationExample], tau: float) -> None:
    rule = RawSettings(tau=tau, n=5)
    s_in, s_out, s_cross = (
        slow_score(found, 5, window[:2], weighted=False)
        for window in (rule.input, rule.output, rule.cross)
    )
    best = max(s_in if s_in is not None else -math.inf, s_out if s_out is not None else -math.inf)
    clear = [s for s in (best, s_cross) if s is not None and math.isfinite(s)]
    if any(abs(s - tau) < 1e-5 for s in clear):
        return  # within rounding of the threshold
    if best >= tau:
        tie = s_in is not None and s_in >= best - 1e-6
        expected = "input" if tie else "output"
    else:
        expected = "cross" if s_cross is not None and s_cross >= tau else "obscure"
    (routing,) = route_raw([record(found)], HashEncoder(), rule).values()
    assert routing.feature_class.value == expected
    for name, value in (("input", s_in), ("output", s_out)):
        score = routing.scores[name]
        assert (score is None) == (value is None)
    if best >= tau:
        assert routing.scores["cross"] is None


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_scores_stay_within_their_bounds(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(1, n, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    if seed % 2:
        vectors[:] = vectors[:, :1]  # all the same: S is 1, whatever rounding says
    found = prefix_correlations(vectors, np.full((1, n), -1), np.ones((1, n)))[0]
    for m in range(2, n + 1):
        assert -1 / (m - 1) <= found[m - 1] <= 1


def test_a_text_of_weight_zero_takes_no_part() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(1, 4, 3))
    literals = np.full((1, 4), -1)
    weights = np.array([[1.0, 0.0, 2.0, 1.5]])
    kept = [0, 2, 3]
    found = prefix_correlations(vectors, literals, weights)[0, -1]
    alone = prefix_correlations(vectors[:, kept], literals[:, kept], weights[:, kept])[0, -1]
    assert found == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_null_is_that_of_different_features(weighted: bool) -> None:
    """P against every draw scored by the definition; 1e-6 is the rounding of float32."""
    encoder, n = HashEncoder(), 4
    windows = (Window(0, 0), Window(-1, 0))
    found = [judged_examples(each, ExampleSettings(n=n)) for each in world(12, 4)]
    pool = Pool(found, windows, np.random.default_rng(1))
    drawn = pool.draw(np.random.default_rng(2), 150, n)
    of_row = [number for number, each in enumerate(found) for _ in each.chosen]
    texts = [text for each in found for text in each.texts(windows[1])]
    weights = [weight for each in found for weight in each.weights]
    fast = pool.scores(pool.gram(windows[1], encoder), drawn, weighted=weighted)
    slow = np.zeros((150, n))
    for row, places in enumerate(drawn.tolist()):
        assert len({of_row[place] for place in places}) == n  # n different features
        for m in range(2, n + 1):
            top = norm = 0.0
            for i, j in itertools.combinations(places[:m], 2):
                weight = weights[i] * weights[j] if weighted else 1.0
                one, other = texts[i], texts[j]
                assert one is not None
                assert other is not None
                top += weight * slow_cosine(one, other)
                norm += weight
            slow[row, m - 1] = top / norm
    np.testing.assert_allclose(fast[:, 1:], slow[:, 1:], atol=1e-6)
    table = NullTable.of(fast[:, -1])
    for score in (-0.5, 0.0, 0.1, float(np.sort(fast[:, -1])[100]), 1.0):
        exact = (1 + (slow[:, -1] >= score - 2e-6).sum()) / 151
        assert table.p_value(score) == pytest.approx(exact, abs=1e-9)
    assert table.quantile(0.95) == pytest.approx(float(np.quantile(fast[:, -1], 0.95)), abs=1e-3)


def test_the_effect_and_the_joint_p_are_those_of_the_definition() -> None:
    encoder = HashEncoder()
    rule = CalibratedSettings(
        draws=1_500, n=4, min_features=20, input=(Window(0, 0), Window(-1, 0))
    )
    records = world(30, 4)
    made = calibrate(records, encoder, rule)
    for feature in score_features(records, rule.windows, encoder, rule).values():
        score = made.side_score("input", feature.scores)
        assert score is not None
        p_of = {}
        for window in rule.input:
            found = feature.scores[window]
            assert found is not None
            null = made.nulls[window, found.n]
            assert len(null.tail) == 1_500  # few draws are all kept
            p_of[window] = (1 + (null.tail >= found.s - 1e-6).sum()) / 1_501
            if window == score.window:
                effect = (found.s - null.mean) / (made.q95[window] - null.mean)
                assert score.effect == pytest.approx(effect, abs=1e-6)
        assert p_of[Window(*score.window)] == pytest.approx(min(p_of.values()), abs=1e-9)
        joint = made.min_p["input", score.n].tail
        expected = (1 + (joint >= -np.log10(min(p_of.values())) - 1e-6).sum()) / 1_501
        assert score.p == pytest.approx(expected, abs=1e-9)
        assert score.p >= min(p_of.values()) - 1e-9  # choosing the best window has its price

"""Tables are pure functions of what they are offered, in whatever order and parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.errors import EvidenceError, UsageError
from graphlabel.evidence.building import IndexSettings, Shard
from graphlabel.evidence.building.choosing import quantile_numbers
from graphlabel.evidence.building.examples import Examples, ExampleTable, joined
from graphlabel.evidence.building.hashing import feature_hashes, token_hashes, window_keys
from graphlabel.evidence.building.histograms import BINS, Histograms
from graphlabel.evidence.building.layer import LayerTables, top_scores

N_FEATURES = 4


def candidates(seed: int, count: int) -> Examples:
    """Candidates whose keys often agree, with scores that all differ."""
    random = np.random.default_rng(seed)
    return Examples(
        feature=random.integers(0, N_FEATURES, count),
        score=random.permutation(count).astype(np.int64) - count // 2,
        key=random.integers(0, 12, count),
        place=np.arange(count),
        ids=random.integers(0, 9, (count, 3)).astype(np.int32),
        acts=random.random((count, 3)).astype(np.float32),
    )


def brute_force(offered: Examples, size: int, distinct: bool) -> list[tuple[int, int]]:
    kept = []
    for feature in range(N_FEATURES):
        mine = sorted((-int(s), int(k)) for f, s, k in zip(offered.feature, offered.score, offered.key, strict=True) if f == feature)  # fmt: skip
        seen: set[int] = set()
        best = [
            (feature, -score)
            for score, key in mine
            if not distinct or not (key in seen or seen.add(key))
        ]
        kept += best[:size]
    return kept


@given(
    seed=st.integers(0, 2**16),
    count=st.integers(1, 120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
    shards=st.integers(1, 4),
    distinct=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_any_split_keeps_the_same_examples(
    seed: int, count: int, cuts: list[int], shards: int, distinct: bool
) -> None:
    offered = candidates(seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    parts = [part for part in np.split(order, sorted(min(c, count) for c in cuts)) if len(part)]
    tables = [ExampleTable(N_FEATURES, 5, 1, distinct=distinct) for _ in range(shards)]
    for number, part in enumerate(parts):
        table = tables[number % shards]
        table.offer(offered.take(part))
        if number % 2:
            table.kept()  # settle now and then
    whole = ExampleTable(N_FEATURES, 5, 1, distinct=distinct)
    for table in tables:
        whole.offer(table.kept())
    found = whole.kept()
    expected = brute_force(offered, 5, distinct)
    assert list(zip(found.feature.tolist(), found.score.tolist(), strict=True)) == expected
    by_score = {int(score): i for i, score in enumerate(offered.score)}
    rows = [by_score[score] for _, score in expected]
    np.testing.assert_array_equal(found.ids, offered.ids[rows])
    np.testing.assert_array_equal(found.acts, offered.acts[rows])
    np.testing.assert_array_equal(found.place, offered.place[rows])


@given(
    values=st.lists(
        st.floats(2.0**-90, 2.0**60, width=32, exclude_min=True), min_size=1, max_size=60
    ),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
@settings(deadline=None, max_examples=60)
def test_histograms_do_not_depend_on_the_order(values: list[float], cuts: list[int]) -> None:
    value = np.array(values, np.float32)
    whole, merged = Histograms(1), Histograms(1)
    whole.add(0, np.array([len(value)]), value)
    for part in np.split(value[::-1], sorted(min(cut, len(value)) for cut in cuts)):
        other = Histograms(1)
        other.add(0, np.array([len(part)]), np.ascontiguousarray(part))
        merged.merge(other)
    assert whole.high == merged.high
    np.testing.assert_array_equal(whole.counts, merged.counts)
    assert whole.largest == merged.largest == value.max()
    edges = whole.high[0] * np.arange(BINS + 1) / BINS
    above = [(value > edge).sum() for edge in edges]
    np.testing.assert_array_equal(whole.counts[0], -np.diff(above))


def test_infinite_activations_are_refused() -> None:
    with pytest.raises(EvidenceError, match="infinite"):
        Histograms(1).add(0, np.array([1]), np.array([np.inf], np.float32))


def test_priorities_are_uniform_and_differ_between_features() -> None:
    token = np.arange(20_000)
    one, two = (token_hashes(token, 1) ^ feature_hashes(0, 9, 1)[f] for f in (3, 4))
    assert len(np.unique(one)) == len(token)
    share = one.view(np.uint64) / 2**64
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert abs(np.corrcoef(share[:-1], share[1:])[0, 1]) < 0.03
    first, second = (set(np.argsort(-each)[:500].tolist()) for each in (one, two))
    assert len(first & second) < 60  # 12.5 are expected of independent draws
    assert (token_hashes(token, 2) != token_hashes(token, 1)).all()
    np.testing.assert_array_equal(token_hashes(token[7:9], 1), token_hashes(token, 1)[7:9])


def test_window_keys_compare_eight_tokens_to_either_side() -> None:
    ids = np.random.default_rng(0).integers(0, 50, (2, 40))
    ids[1, 5:22] = ids[0, 12:29]
    keys = window_keys(ids).reshape(2, 40)
    assert keys[0, 20] == keys[1, 13]
    assert keys[0, 19] != keys[1, 12]
    assert len(np.unique(keys)) == 79


def test_top_scores_rank_by_activation_then_by_the_earlier_sequence() -> None:
    value = np.array([1.0, 1.0, 0.5, 1.0 + 2**-23], np.float32)
    score = top_scores(value, np.array([9, 4, 0, 2**31]))
    assert np.argsort(-score).tolist() == [3, 1, 0, 2]


@given(count=st.integers(1, 200), quantiles=st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_quantiles_are_equal_shares_by_count(count: int, quantiles: int) -> None:
    value = np.random.default_rng(count).integers(0, 9, count).astype(np.float32)
    numbers = quantile_numbers(value, np.arange(count), quantiles)
    sizes = np.bincount(numbers, minlength=quantiles)
    assert sizes.max() - sizes.min() <= 1
    for quantile in range(1, quantiles):
        below, above = value[numbers < quantile], value[numbers >= quantile]
        assert not len(below) or not len(above) or below.max() <= above.min()


def test_sampled_quantiles_find_those_of_all_firings() -> None:
    """Of 100 drawn of 20,000 firings, each decile's true ranks are off by a few percent."""
    value = np.random.default_rng(0).gamma(1, 2, 20_000).astype(np.float32)
    priority = token_hashes(np.arange(20_000), 0) ^ feature_hashes(0, 1, 0)[0]
    drawn = np.argsort(-priority)[:100]
    numbers = quantile_numbers(value[drawn], drawn, 10)
    true_rank = np.argsort(np.argsort(value)) / len(value)
    for quantile in range(10):
        middle = true_rank[drawn[numbers == quantile]].mean()
        assert middle == pytest.approx((quantile + 0.5) / 10, abs=0.1)


def test_lists_of_examples_join_in_order() -> None:
    one, two = candidates(0, 5), candidates(1, 3)
    both = joined([one, two])
    assert len(both) == 8
    np.testing.assert_array_equal(both.take(np.arange(5, 8)).score, two.score)


def test_memory_does_not_grow_with_the_corpus() -> None:
    layer = LayerTables(0, N_FEATURES, IndexSettings(top=2, reservoir=10))
    sizes = []
    for seed in range(20):
        layer.sample.offer(candidates_wide(seed))
        sizes.append(sum(map(len, layer.sample._waiting)))
    assert max(sizes) <= layer.sample._patience
    assert len(layer.sample.kept()) == 10 * N_FEATURES


def candidates_wide(seed: int) -> Examples:
    found = candidates(seed, 3_000)
    width = 33
    return Examples(
        found.feature, found.score + seed * 3_000, found.key, found.place,
        np.zeros((3_000, width), np.int32), np.zeros((3_000, width), np.float32),
    )  # fmt: skip


def test_shards_have_every_block_once() -> None:
    shards = [Shard(number, 3) for number in range(3)]
    assert all(sum(shard.has(block) for shard in shards) == 1 for block in range(10))
    with pytest.raises(UsageError, match="no shard 3 of 3"):
        Shard(3, 3)

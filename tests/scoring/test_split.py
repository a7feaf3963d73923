"""What labels are made from and what they are tested on never overlap."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.evidence import open_source
from graphlabel.graph import FeatureKey
from graphlabel.records import ActivationExample, Explanation, FeatureRecord, Quantile
from graphlabel.scoring.excerpts import RUN, Excerpt, cut_excerpt, runs, without_overlap
from graphlabel.scoring.quantiles import excerpts_by_quantile
from graphlabel.scoring.split import Split, split_record
from tests.conftest import real
from tests.scoring.made_scoring import DAYS, example, record


def overlapping(one: Excerpt, other: Excerpt) -> bool:
    """The definition, by brute force: a common run of RUN tokens, or a short text within one."""
    a, b = ([token.strip().casefold() for token in each.tokens] for each in (one, other))
    length = min(RUN, len(a), len(b))
    if length < RUN:
        return a == b
    return any(
        a[i : i + RUN] == b[j : j + RUN]
        for i in range(len(a) - RUN + 1)
        for j in range(len(b) - RUN + 1)
    )


def check(split: Split) -> None:
    train = [cut_excerpt(each) for each in split.train.top_examples]
    test = [text.excerpt for text in split.test]
    every = [*train, *test]
    for i, one in enumerate(every):
        assert not any(overlapping(one, other) for other in every[:i])


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from([" a", " b", " A"]), min_size=1, max_size=30),
            st.floats(0.1, 9),
        ),
        max_size=12,
    ),
    st.integers(0, 4),
    st.integers(0, 8),
)
def test_train_and_test_share_no_run_of_tokens(
    texts: list[tuple[list[str], float]], train: int, test: int
) -> None:
    examples = [
        ActivationExample.of(tuple(tokens), (0.0,) * (len(tokens) - 1) + (value,))
        for tokens, value in texts
    ]
    half = len(examples) // 2
    stretches = (Quantile("top", tuple(examples[:half])), Quantile("q", tuple(examples[half:])))
    split = split_record(FeatureRecord(FeatureKey(0, 0), None, stretches), train, test)
    check(split)
    assert len(split.train.top_examples) <= train
    assert len(split.test) <= test


def test_the_strongest_are_seen_and_every_quantile_is_tested() -> None:
    found = split_record(replace(record(DAYS), explanations=(Explanation("days"),)), 5, 10)
    assert [each.peak_activation for each in found.train.top_examples] == [
        10.0,
        9.99,
        9.98,
        9.97,
        9.96,
    ]
    assert found.train.explanations == ()
    assert [text.quantile for text in found.test] == list(range(9, -1, -1))
    check(found)


def test_a_seed_fixes_the_draw_and_another_changes_it() -> None:
    one, same, other = (split_record(record(DAYS, count=80), 5, 10, seed) for seed in (1, 1, 2))
    assert one.test == same.test
    assert one.test != other.test


def test_a_stronger_token_beside_the_drawn_one_decides_the_quantile() -> None:
    strong = [example(day, i, 9.0) for i, day in enumerate(DAYS)]
    weak = example("Monday", 50, 1.0)
    both = replace(weak, activations=(9.5, *weak.activations[1:]), sampled=weak.peak)
    stretches = (
        Quantile("top", tuple(strong[:3])),
        Quantile("q1", tuple(strong[3:])),
        Quantile("q0", (weak, both)),
    )
    found = excerpts_by_quantile(FeatureRecord(FeatureKey(0, 0), None, stretches))
    assert [each.source for each in found[2]] == [weak]
    assert both in [each.source for each in found[7]]


def test_without_stretches_quantiles_are_tenths_of_the_examples() -> None:
    top = tuple(example(DAYS[i % 7], i, 20.0 - i) for i in range(20))
    found = excerpts_by_quantile(FeatureRecord(FeatureKey(0, 0), None, (Quantile("top", top),)))
    assert {number: len(held) for number, held in found.items()} == dict.fromkeys(range(10), 2)
    assert found[9][0].peak_activation == 20.0


def test_silent_examples_are_never_positives() -> None:
    silent = tuple(example(day, i, 0.0) for i, day in enumerate(DAYS))
    found = split_record(FeatureRecord(FeatureKey(0, 0), None, (Quantile("top", silent),)), 2, 2)
    assert found.test == ()
    assert found.train.top_examples == ()


def test_a_text_shorter_than_a_run_overlaps_its_copy_alone() -> None:
    short = cut_excerpt(ActivationExample.of((" a", " b"), (0.0, 1.0)))
    assert len(runs(short)) == 1
    assert without_overlap([short, short]) == [short]


@pytest.mark.parametrize("folder", ["delphi-gpt2", "feature-circuits"])
def test_real_features_split_without_overlap(folder: str) -> None:
    source = open_source(real(f"features/{folder}"))
    for key in list(source.keys())[:10]:
        found = source.get(key)
        assert found is not None
        split = split_record(found, 3, 5)
        check(split)
        assert len(split.test) == 5

"""Batches by length, one tokenisation, and the processor's abilities."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.embedding.batches import length_buckets
from graphlabel.embedding.precision import Precision, best_precision
from graphlabel.embedding.tokens import clean


@given(st.lists(st.integers(1, 300), max_size=200), st.integers(1, 4_000))
def test_every_text_is_in_one_batch_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(length_buckets(lengths, budget))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        held = [lengths[place] for place in batch]
        assert max(held) * len(held) <= budget or len(held) == 1


def test_little_is_padding() -> None:
    random = np.random.default_rng(0)
    lengths = [*random.integers(3, 8, 6_000), *random.integers(18, 40, 1_000)]
    batches = list(length_buckets([int(n) for n in lengths], 16_384))
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    assert padded <= 1.1 * sum(lengths)
    assert len(batches) < 20


@given(st.text(st.characters(), max_size=20))
def test_cleaned_text_can_be_written(text: str) -> None:
    assert clean(text).encode() or not text
    assert clean(text) == text or any("\ud800" <= c <= "\udfff" for c in text)


def test_lone_surrogates_become_replacement_characters() -> None:
    assert clean("a\ud800b\udfff") == "a\ufffdb\ufffd"
    assert clean("\U0001f642 é") == "\U0001f642 é"


def test_the_best_precision_is_one_that_runs() -> None:
    assert best_precision("cpu") in (Precision.FLOAT32, Precision.BFLOAT16)
    assert best_precision() is not Precision.AUTO

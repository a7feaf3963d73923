"""Negatives are other features' texts, checked."""

from __future__ import annotations

import numpy as np
import pytest

from graphlabel import atlas
from graphlabel.errors import TranscoderError
from graphlabel.evidence import open_source
from graphlabel.graph import FeatureKey
from graphlabel.models import load_language_model, load_transcoders
from graphlabel.records import FeatureRecord
from graphlabel.scoring.by_model import ByModel
from graphlabel.scoring.excerpts import cut_excerpt
from graphlabel.scoring.negatives import choose_negatives, text_pool
from graphlabel.scoring.prepare import SampleSettings, for_new_labels, prepare_features
from graphlabel.scoring.silence import ByRecords, expected_firing
from tests.scoring.made_scoring import COLOURS, DAYS, record


@pytest.fixture(scope="module")
def by_model() -> ByModel:
    return ByModel(
        load_language_model(str(atlas.MODEL_FOLDER)),
        load_transcoders(str(atlas.TRANSCODERS_FOLDER)),
    )


def atlas_records(count: int) -> list[FeatureRecord]:
    source = open_source(atlas.INDEX_FOLDER)
    keys = list(source.keys())[:: 3069 // count][:count]
    found = [source.get(key) for key in keys]
    return [each for each in found if each is not None]


def test_a_features_own_texts_are_no_negatives_of_it() -> None:
    days, colours = record(DAYS, 0), record(COLOURS, 1)
    pool = text_pool([days, colours])
    assert {text.owner for text in pool} == {days.key, colours.key}
    found = choose_negatives([days, colours], pool, ByRecords(), 10)
    for text in found[days.key].texts:
        assert any(colour in text.excerpt.text for colour in COLOURS)
        assert text.quantile is None
        assert not text.fires


def test_texts_shared_with_the_features_examples_are_rejected() -> None:
    days = record(DAYS, 0)
    copy = FeatureRecord(FeatureKey(0, 7), None, days.quantiles)
    found = choose_negatives([days], text_pool([copy]), ByRecords(), 10)
    assert found[days.key].texts == ()
    assert found[days.key].rejected == 3


def test_unmeasured_silence_says_how_often_density_alone_breaks_it() -> None:
    days, colours = record(DAYS, 0, density=0.1), record(COLOURS, 1)
    found = choose_negatives([days], text_pool([colours]), ByRecords(), 2)[days.key]
    lengths = [len(text.excerpt.tokens) for text in found.texts]
    assert found.expected_firing == pytest.approx(sum(1 - 0.9**n for n in lengths), abs=1e-12)
    assert expected_firing(record(DAYS, density=None), found.texts[0].excerpt) is None


def test_the_model_finds_what_the_index_says_and_more(by_model: ByModel) -> None:
    records = atlas_records(40)
    texts = [cut_excerpt(each.top_examples[0]) for each in records]
    silent = by_model.silent(records, texts)
    # a feature is never silent on its own strongest text
    assert not np.diag(silent).any()
    assert 0.3 < silent.mean() < 1.0


def test_negatives_by_the_model_are_silent_when_asked_again(by_model: ByModel) -> None:
    records = atlas_records(30)
    prepared = prepare_features(
        records,
        for_new_labels(SampleSettings(5, 10)),
        text_pool(records),
        by_model,
        SampleSettings(5, 10),
        6,
    )
    assert len(prepared.splits) == 6
    for key, negatives in prepared.negatives.items():
        assert negatives.expected_firing is None
        silent = by_model.silent([prepared.splits[key].train], [t.excerpt for t in negatives.texts])
        assert silent.all()


def test_a_feature_the_transcoders_lack_is_refused(by_model: ByModel) -> None:
    with pytest.raises(TranscoderError, match="has no feature L9 #0"):
        by_model.silent([FeatureRecord(FeatureKey(9, 0), None, ())], [])

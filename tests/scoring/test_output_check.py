"""`say X` labels are held against the logits the feature moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlabel import atlas
from graphlabel.evidence import open_source
from graphlabel.evidence.building.logits import LogitLens
from graphlabel.graph import FeatureKey
from graphlabel.models import LanguageModel, Transcoders, load_language_model, load_transcoders
from graphlabel.records import FeatureRecord
from graphlabel.scoring.by_model import token_ids
from graphlabel.scoring.model_lens import ModelLens
from graphlabel.scoring.outcome import LabelTest
from graphlabel.scoring.output_check import OutputCheck
from graphlabel.scoring.split import split_record
from tests.scoring.made_scoring import DAYS, record


def labelled(found: FeatureRecord, label: str) -> LabelTest:
    return LabelTest(found, label, split_record(found, 5, 5).test, ())


def test_listed_logits_decide_without_a_model() -> None:
    found = record(DAYS, logits=(" Austin", " Aus", " Texas"))
    scores = OutputCheck().score(
        [
            labelled(found, label)
            for label in ("say Austin", "say Texas / Boston", "Say Waco", "Austin")
        ]
    )
    assert [each.value for each in scores] == [1.0, 0.5, 0.0, None]
    assert scores[0].measures == {"in_top_10": 1.0, "rank": 1.0, "delta_logit": 2.0}
    assert scores[3].why == "the label does not say what comes next"


@pytest.mark.parametrize(
    "label", ["say a capital", "say an answer", "say the city asked for", "say a place: in, near",
              "Say names: Anna, John", "say what belongs to California", "say one of the days"],
)  # fmt: skip
def test_a_kind_is_no_token_and_is_not_judged(label: str) -> None:
    (found,) = OutputCheck().score([labelled(record(DAYS, logits=(" Austin", " a")), label)])
    assert found.value is None
    assert "a kind of token" in found.why


@pytest.mark.parametrize(
    ("label", "value"),
    [("say a", 1.0), ("say the / a", 0.5), ("say Austin or Waco", 0.5), ("say a city / Austin", 1.0)],
)  # fmt: skip
def test_texts_that_a_label_names(label: str, value: float) -> None:
    (found,) = OutputCheck().score([labelled(record(DAYS, logits=(" Austin", " a")), label)])
    assert found.value == value


def test_a_long_word_is_found_by_its_first_piece() -> None:
    (found,) = OutputCheck().score([labelled(record(DAYS, logits=(" Sacra",)), "say Sacramento")])
    assert found.value == 1.0


def test_without_any_logits_nothing_is_claimed() -> None:
    (found,) = OutputCheck().score([labelled(record(DAYS), "say Austin")])
    assert found.value is None
    assert "no logits are known" in found.why


@pytest.fixture(scope="module")
def atlas_model() -> tuple[LanguageModel, Transcoders]:
    return load_language_model(str(atlas.MODEL_FOLDER)), load_transcoders(
        str(atlas.TRANSCODERS_FOLDER)
    )


@pytest.fixture(scope="module")
def saying() -> FeatureRecord:
    """Of some features of the last layer the one with the strongest top logit."""
    source = open_source(atlas.INDEX_FOLDER)
    found = [source.get(key) for key in list(source.keys())[-40:]]
    kept = [each for each in found if each and each.top_logits and len(each.top_examples) > 8]
    return max(kept, key=lambda each: each.top_logits[0].value or 0.0)


def test_the_model_ranks_as_the_index_lists(
    saying: FeatureRecord, atlas_model: tuple[LanguageModel, Transcoders]
) -> None:
    found, lens = saying, ModelLens(*atlas_model)
    for rank, logit in enumerate(found.top_logits, start=1):
        raised = lens.raised(found, logit.token.strip(), ())
        assert raised is not None
        assert raised.rank is not None
        assert raised.rank <= rank
        if raised.rank == rank:
            assert logit.value is not None
            assert raised.delta_logit == pytest.approx(logit.value, rel=1e-4)  # float32


def test_taking_the_feature_out_lowers_what_it_says(
    saying: FeatureRecord, atlas_model: tuple[LanguageModel, Transcoders]
) -> None:
    found = saying
    check = OutputCheck(ModelLens(*atlas_model))
    top, bottom = found.top_logits[0].token.strip(), found.bottom_logits[0].token.strip()
    good, bad = check.score([labelled(found, f"say {top}"), labelled(found, f"say {bottom}")])
    assert (good.value, bad.value) == (1.0, 0.0)
    assert good.measures["ablation"] > 0 > bad.measures["ablation"]
    assert 0 < good.chance < 0.1


def test_ablation_equals_zeroing_the_feature_in_the_reconstruction(
    saying: FeatureRecord, atlas_model: tuple[LanguageModel, Transcoders]
) -> None:
    """Against a hook of its own, that adds decode(activations without it) − decode(activations)."""
    model, transcoders = atlas_model
    found = saying
    text = labelled(found, "").positives[0]
    token = found.top_logits[0].token.strip()
    raised = ModelLens(model, transcoders).raised(found, token, [text])
    assert raised is not None

    ids, layer = token_ids(model, text.excerpt), transcoders.layers[found.key.layer]
    from graphlabel.models.capture import transcoder_inputs

    with torch.no_grad():
        x = list(transcoder_inputs(model, transcoders, ids))[found.key.layer][0]
        acts = layer.encode(x)
        peak = 1 + int(acts[1:, found.key.feature].argmax())
        changed = acts.clone()
        changed[peak, found.key.feature] = 0.0
        rows = layer.decoder_rows(torch.arange(layer.n_features), found.key.layer).float()
        shift = (changed - acts) @ rows
        clean = model.model(input_ids=ids).logits[0, peak]
        block = model.block(found.key.layer).get_submodule(model.architecture.mlp)
        handle = block.register_forward_hook(lambda _m, _i, out: out + shift[None])
        without = model.model(input_ids=ids).logits[0, peak]
        handle.remove()
    spelled = [
        i
        for i in range(len(clean))
        if model.tokenizer.decode([i]).strip().casefold() == token.casefold()
    ]
    lens = LogitLens(model).moved(layer, found.key.feature)
    best = max(spelled, key=lambda i: float(lens[i]))
    assert raised.ablation == pytest.approx(float(clean[best] - without[best]), abs=1e-4)  # float32


def test_a_feature_or_word_the_model_lacks_is_not_judged(
    saying: FeatureRecord, atlas_model: tuple[LanguageModel, Transcoders]
) -> None:
    lens = ModelLens(*atlas_model)
    assert lens.raised(FeatureRecord(FeatureKey(9, 0), None, ()), "Austin", ()) is None
    assert lens.raised(saying, "zzzzqq", ()) is None
    assert np.isfinite(LogitLens(atlas_model[0]).moved(atlas_model[1].layers[0], 0).numpy()).all()

"""The local AV: that it reads what is injected, where the contract says, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlabel.annotation import Reading, Verbalization
from graphlabel.errors import GraphLabelError, VerbalizerError
from graphlabel.labeling.verbalizers import (
    Passage,
    ResidualVector,
    Sampling,
    Verbalizer,
    VerbalizerPlace,
    open_verbalizer,
)
from graphlabel.labeling.verbalizers.local import LocalVerbalizer
from graphlabel.labeling.verbalizers.reconstructor import load_reconstructor
from graphlabel.labeling.verbalizers.states import ModelStates
from graphlabel.models import load_language_model
from graphlabel.records import ActivationExample
from tests.labeling.verbalizers.nla import (
    LAYER,
    VOCABULARY,
    WIDTH,
    WORDS,
    Pair,
    sidecar,
    write_sidecar,
)

GREEDY = Sampling(temperature=0.0, max_tokens=8)


def place(pair: Pair, **options: object) -> VerbalizerPlace:
    return replace(
        VerbalizerPlace(str(pair.av), dtype="float32", device="cpu", sampling=GREEDY), **options
    )


def vectors(pair: Pair, size: float = 1.0) -> list[ResidualVector]:
    return [ResidualVector(size * row, LAYER, Reading.PROMPT) for row in pair.directions]


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e4])
def test_the_direction_alone_is_read_and_the_round_trip_holds(pair: Pair, size: float) -> None:
    verbalizer = open_verbalizer(place(pair, reconstructor=str(pair.ar)))
    assert isinstance(verbalizer, Verbalizer)
    told: list[int] = []
    texts = verbalizer.verbalize(vectors(pair, size), lambda at, _: told.append(at))
    assert [each.text for each in texts] == [f"the {word}" for word in WORDS]
    assert told == list(range(len(WORDS)))
    assert not any(each.truncated or each.out_of_distribution for each in texts)
    assert min(each.cosine or 0.0 for each in texts) > 0.95


def test_the_reconstruction_of_another_text_is_far_off(pair: Pair) -> None:
    reconstructor = load_reconstructor(str(pair.ar))
    own = [
        reconstructor.cosine(f"the {word}", row)
        for word, row in zip(WORDS, pair.directions, strict=True)
    ]
    shifted = np.roll(pair.directions, 1, axis=0)
    other = [
        reconstructor.cosine(f"the {word}", row) for word, row in zip(WORDS, shifted, strict=True)
    ]
    assert min(own) > 0.95
    assert max(other) < 0.5


def test_the_reconstruction_is_the_head_on_the_last_block_without_the_final_norm(
    pair: Pair,
) -> None:
    """Against transformers' own hidden states of the whole model; float32, tolerance 1e-4."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    reconstructor = load_reconstructor(str(pair.ar))
    ids = torch.tensor([reconstructor._ids("the code")])
    model = AutoModelForCausalLM.from_pretrained(pair.ar).eval()
    model.model.norm = torch.nn.Identity()
    with torch.no_grad():
        state = model.model(ids).last_hidden_state[0, -1]
    wanted = load_file(pair.ar / "value_head.safetensors")["weight"] @ state
    np.testing.assert_allclose(reconstructor.reconstruct("the code"), wanted.detach(), atol=1e-4)


def test_what_the_first_block_reads_is_the_contract_to_the_letter(pair: Pair) -> None:
    """√d for Gemma on every row but the vector's, whose norm is the scale; float32, 1e-4."""
    verbalizer = open_verbalizer(place(pair))
    assert isinstance(verbalizer, LocalVerbalizer)
    vector = vectors(pair)[0]
    embeddings = verbalizer._injected([vector])
    reads = verbalizer._first_block_reads(inputs_embeds=embeddings).numpy()
    table = verbalizer.model.module("model.embed_tokens").weight.detach().numpy()
    factor = WIDTH**0.5 if "gemma" in type(verbalizer._network).__name__.lower() else 1.0
    wanted = table[list(verbalizer._prompt.ids)] * factor
    wanted[verbalizer._prompt.place] = vector.values * verbalizer.contract.injection_scale
    np.testing.assert_allclose(reads, wanted, atol=1e-4)
    assert verbalizer._prompt.ids[verbalizer._prompt.place] == VOCABULARY["㈎"]


def test_a_passage_is_read_at_its_last_token_in_the_trained_layer(pair: Pair) -> None:
    """Against transformers' hidden_states[K+1], the output of block K; float32, tolerance 1e-5."""
    source = load_language_model(str(pair.source))
    state = ModelStates(source).last_state("the rivers of Dallas", LAYER)
    ids = torch.tensor([source.tokenizer("the rivers of Dallas")["input_ids"]])
    with torch.no_grad():
        wanted = source.model(input_ids=ids, output_hidden_states=True).hidden_states[LAYER + 1]
    np.testing.assert_allclose(state, wanted[0, -1], atol=1e-5)
    verbalizer = open_verbalizer(place(pair, model=str(pair.source)))
    [text] = verbalizer.verbalize([Passage("the rivers of Dallas", Reading.PROMPT)])
    assert (text.layer, text.passage, text.out_of_distribution) == (
        LAYER,
        "the rivers of Dallas",
        "",
    )


def test_an_example_is_cut_at_its_peak() -> None:
    example = ActivationExample.of(
        ("<bos>", "the", " cat", " sat", " down"), (9.0, 0.0, 1.0, 3.0, 2.0)
    )
    assert Passage.of_example(example) == Passage("the cat sat", Reading.EXAMPLE)


def test_the_same_seed_draws_the_same_words(qwen: Pair) -> None:
    warm = Sampling(temperature=1.5, max_tokens=12, seed=7)
    first, again = (
        open_verbalizer(place(qwen, sampling=warm)).verbalize(vectors(qwen)) for _ in "ab"
    )
    assert [a.text for a in first] == [b.text for b in again]
    other = open_verbalizer(place(qwen, sampling=replace(warm, seed=8))).verbalize(vectors(qwen))
    assert [a.text for a in first] != [b.text for b in other]


def test_without_the_closing_tag_it_is_truncated(pair: Pair) -> None:
    short = replace(GREEDY, max_tokens=3)
    texts = open_verbalizer(place(pair, sampling=short)).verbalize(vectors(pair))
    assert all(each.truncated for each in texts)
    assert texts[0].text == f"the {WORDS[0]}"


def test_doubts_are_kept_with_the_text(pair: Pair) -> None:
    row = pair.directions[0]
    far, direction = open_verbalizer(place(pair)).verbalize(
        [ResidualVector(row, 0, Reading.PROMPT), ResidualVector(row, LAYER, Reading.DIRECTION)]
    )
    assert "it reads layer 1, this is layer 0" in far.out_of_distribution
    assert "no activation" in direction.out_of_distribution
    assert isinstance(far, Verbalization)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_vectors_without_a_direction_are_refused(qwen: Pair, bad: float) -> None:
    vector = ResidualVector(np.full(WIDTH, bad, dtype=np.float32), LAYER, Reading.PROMPT)
    with pytest.raises(VerbalizerError, match="zero, or has NaN"):
        open_verbalizer(place(qwen)).verbalize([vector])


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (ResidualVector(np.ones(7, dtype=np.float32), 1, Reading.PROMPT), "7 dimensions.*reads 32"),
        (Passage("the code", Reading.PROMPT), "--model"),
    ],
)
def test_what_cannot_be_read_is_refused(qwen: Pair, subject: object, message: str) -> None:
    with pytest.raises(VerbalizerError, match=message):
        open_verbalizer(place(qwen)).verbalize([subject])  # type: ignore[list-item]


BROKEN = {
    "no scale": ({"extraction": {"injection_scale": None}}, r"lacks extraction\.injection_scale"),
    "a scale of words": ({"extraction": {"injection_scale": "large"}}, "'large', not a positive"),
    "another token": ({"tokens": {"injection_token_id": 3}}, r"reads the injection character '㈎' as"),
    "another neighbour": ({"tokens": {"injection_left_neighbor_id": 3}}, "has 0 places"),
    "two places": ({"prompt_templates": {"av": "<concept> ㈎ </concept> <concept> {injection_char} </concept>"}}, "has 2 places"),
    "no field": ({"prompt_templates": {"av": "say it"}}, "exactly once"),
    "a field that looks inside": ({"prompt_templates": {"av": "{injection_char.__class__}"}}, "exactly once"),
    "no template": ({"prompt_templates": {"av": None}}, r"lacks prompt_templates\.av"),
    "a width of words": ({"d_model": "wide"}, r"breaks the NLA contract.*d_model"),
    "another width": ({"d_model": 64}, "do not belong together"),
    "an AR": ({"role": "critic"}, "the role “critic”"),
    "a data set": ({"kind": "nla_dataset"}, "breaks the NLA contract"),
    "whitened": ({"extraction": {"norm": "zca"}}, "whitened"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_contracts_are_refused_in_one_line(qwen: Pair, tmp_path: Path, name: str) -> None:
    changes, message = BROKEN[name]
    av = tmp_path / "av"
    shutil.copytree(qwen.av, av)
    write_sidecar(av, sidecar("qwen2", **changes))
    with pytest.raises(VerbalizerError, match=message) as refusal:
        open_verbalizer(place(replace(qwen, av=av)))
    assert "\n" not in str(refusal.value)


def test_the_older_names_of_templates_are_read(qwen: Pair, tmp_path: Path) -> None:
    av = tmp_path / "av"
    shutil.copytree(qwen.av, av)
    content = sidecar("qwen2", extraction={"injection_scale": "sqrt_d_model", "layer_index": 4})
    content["prompt_templates"] = {"actor": content["prompt_templates"]["av"]}
    del content["extraction_layer_index"]
    write_sidecar(av, content)
    verbalizer = open_verbalizer(place(replace(qwen, av=av)))
    assert isinstance(verbalizer, LocalVerbalizer)
    assert verbalizer.layer == 4
    assert verbalizer.contract.injection_scale == pytest.approx(WIDTH**0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [("- a list", "holds no fields"), ("a: [", "cannot read"), (b"\xff\xfe", "cannot read")],
)
def test_sidecars_that_are_none(
    qwen: Pair, tmp_path: Path, content: str | bytes, message: str
) -> None:
    av = tmp_path / "av"
    shutil.copytree(qwen.av, av)
    (av / "nla_meta.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(VerbalizerError, match=message):
        open_verbalizer(place(replace(qwen, av=av)))


def test_folders_that_are_no_nla_are_refused(tmp_path: Path, qwen: Pair) -> None:
    for folder in (str(tmp_path), str(tmp_path / "absent"), str(qwen.source)):
        with pytest.raises(GraphLabelError) as refusal:
            open_verbalizer(VerbalizerPlace(folder))
        assert "\n" not in str(refusal.value)


def test_files_of_the_hubs_cache_are_found_without_a_network(
    qwen: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    from graphlabel.labeling.verbalizers.places import checkpoint_file, find_file

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "a" * 40
    snapshot = tmp_path / "models--kitft--nla-tiny-av" / "snapshots" / commit
    shutil.copytree(qwen.av, snapshot)
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path))
    assert checkpoint_file("kitft/nla-tiny-av", "nla_meta.yaml").parent == snapshot
    assert find_file("kitft/nla-tiny-av", "adapter_config.json") is None
    with pytest.raises(VerbalizerError, match="there is no checkpoint “kitft/other”"):
        find_file("kitft/other", "nla_meta.yaml")
    with pytest.raises(VerbalizerError, match="holds no adapter_config"):
        checkpoint_file("kitft/nla-tiny-av", "adapter_config.json")


def test_a_model_that_scales_what_is_injected_is_refused(
    qwen: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Qwen2Model

    plain = Qwen2Model.forward

    def scaled(self: Qwen2Model, *args: object, **kwargs: object) -> object:
        if kwargs.get("inputs_embeds") is not None:
            kwargs["inputs_embeds"] = kwargs["inputs_embeds"] * 3  # type: ignore[operator]
        return plain(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Qwen2Model, "forward", scaled)
    with pytest.raises(VerbalizerError, match="would reach the first block"):
        open_verbalizer(place(qwen))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": {"critic_suffix_ids": [1, 2]}}, "ends with the tokens"),
        ({"critic": {"extraction_layer_index": 7}}, "ends after layer 7"),
        ({"role": "actor"}, "the role “actor”"),
        ({"prompt_templates": {}}, r"lacks prompt_templates\.ar"),
    ],
)
def test_broken_reconstructors_are_refused(
    qwen: Pair, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    import yaml

    ar = tmp_path / "ar"
    shutil.copytree(qwen.ar, ar)
    write_sidecar(ar, {**yaml.safe_load((ar / "nla_meta.yaml").read_text("utf-8")), **change})
    with pytest.raises(VerbalizerError, match=message) as refusal:
        load_reconstructor(str(ar))
    assert "\n" not in str(refusal.value)


def test_a_reconstructor_may_come_without_norm_and_unembedding(qwen: Pair, tmp_path: Path) -> None:
    """As released ones do; everything else must be there."""
    from safetensors.torch import load_file, save_file

    ar = tmp_path / "ar"
    shutil.copytree(qwen.ar, ar)
    weights = load_file(ar / "model.safetensors")
    row = qwen.directions[0]
    whole = load_reconstructor(str(ar)).cosine("the code", row)
    del weights["model.norm.weight"]
    save_file(weights, ar / "model.safetensors", metadata={"format": "pt"})
    assert load_reconstructor(str(ar)).cosine("the code", row) == pytest.approx(whole, abs=1e-6)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, ar / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(GraphLabelError, match="lacks weights"):
        load_reconstructor(str(ar))

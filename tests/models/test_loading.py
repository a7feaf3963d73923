"""Loading models and prompts; what cannot be used gets one clear line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import save_model, save_transcoders

from graphlabel.errors import (  # fmt: skip
    ModelError,
    PromptError,
    TranscoderError,
    UnsupportedArchitectureError,
    UsageError,
)
from graphlabel.models import (  # fmt: skip
    LanguageModel,
    device_of,
    dtype_of,
    load_language_model,
    load_transcoders,
    prompt_of_ids,
    read_prompt,
)
from graphlabel.revision import folder_revision


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(save_model(tmp_path_factory.mktemp("m") / "tiny", "llama")))


def test_a_special_token_is_put_first_once(model: LanguageModel) -> None:
    assert read_prompt(model, "w0 w1").ids == (1, 4, 5)
    assert read_prompt(model, "w0 w1").tokens == ("<bos>", "w0", "w1")
    assert read_prompt(model, "<bos> w0").ids[0] == 1
    assert read_prompt(model, "<bos> w0").ids.count(1) == 1
    assert prompt_of_ids(model, [4, 5]).ids == (4, 5)  # used as given


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("w0 Quux w1 Foo", "“Quux”, “Foo”"),
        ("w0 " * 80, "81 tokens"),
    ],
)
def test_prompts_the_model_cannot_read(model: LanguageModel, prompt: str, message: str) -> None:
    with pytest.raises(PromptError, match=message) as caught:
        read_prompt(model, prompt)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ids", [[], [1], [1, 60], [1, -3]])
def test_token_ids_that_do_not_fit(model: LanguageModel, ids: list[int]) -> None:
    with pytest.raises(PromptError):
        prompt_of_ids(model, ids)


def test_models_that_are_not_there(tmp_path: Path) -> None:
    for name, message in (
        (str(tmp_path / "nowhere"), "no model folder"),
        ("nobody/no-such-model", "no model “nobody/no-such-model”"),
        ("no-such-model", "no model “no-such-model”"),
        (str(tmp_path), "cannot load the model"),
    ):
        with pytest.raises(ModelError, match=message) as caught:
            load_language_model(name)
        assert "\n" not in str(caught.value)


def test_an_unknown_architecture_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bloom"}))
    with pytest.raises(UnsupportedArchitectureError, match=r"bloom.*gemma2.*llama"):
        load_language_model(str(tmp_path))


def test_transcoders_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(TranscoderError, match="no transcoder folder"):
        load_transcoders(str(tmp_path / "nowhere"))
    with pytest.raises(TranscoderError, match="cannot be reached"):
        load_transcoders("nobody/no-such-transcoders")


def test_names_of_dtypes_and_devices() -> None:
    with pytest.raises(UsageError, match="bfloat16"):
        dtype_of("fp8")
    with pytest.raises(UsageError, match="device"):
        device_of("abacus")
    assert device_of("cpu").type == "cpu"


def test_a_revision_changes_with_the_weights(tmp_path: Path) -> None:
    one = save_transcoders(tmp_path / "one", "relu", seed=1)
    same = save_transcoders(tmp_path / "same", "relu", seed=1)
    other = save_transcoders(tmp_path / "other", "relu", seed=2)
    assert folder_revision(one) == folder_revision(same) != folder_revision(other)


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_weights_that_are_missing_are_never_made_up(tmp_path: Path, family: str) -> None:
    folder = save_model(tmp_path / "tiny", family)
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "layers.1.mlp" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks weights.*layers\.1\.mlp\.down_proj.* 2 more"):
        load_language_model(str(folder))


def test_the_part_that_sees_images_may_be_missing(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", "gemma3")
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "vision" not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    assert load_language_model(str(folder)).n_layers == 3


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", "llama")
    config = json.loads((folder / "config.json").read_text())
    config["intermediate_size"] += 16
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"do not fit its config\.json: model\.layers\.0\.mlp"):
        load_language_model(str(folder))


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}),
        (
            "tokenizer_config.json",
            {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}},
        ),
    ],
)
def test_code_that_comes_with_a_model_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, changes: dict[str, object]
) -> None:
    """Nor is the person asked whether to run it."""
    folder, ran = save_model(tmp_path / "tiny", "llama"), tmp_path / "ran"
    (folder / "own.py").write_text(f"open({str(ran)!r}, 'w')")
    config = json.loads((folder / file).read_text()) | changes
    (folder / file).write_text(json.dumps(config))
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    with pytest.raises(ModelError, match="code of its own"):
        load_language_model(str(folder))
    assert not ran.exists()


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", "llama")
    for path in folder.glob("token*"):
        path.unlink()
    with pytest.raises(ModelError, match="holds no tokenizer"):
        load_language_model(str(folder))


def test_a_folder_of_gguf_files_says_how_to_choose_one(tmp_path: Path) -> None:
    (tmp_path / "tiny.Q4_1.gguf").write_bytes(b"GGUF nonsense")
    with pytest.raises(ModelError, match=r"add --gguf-file tiny\.Q4_1\.gguf"):
        load_language_model(str(tmp_path))


def test_an_unknown_token_that_is_written_out_is_meant(tmp_path: Path) -> None:
    """GPT-2 and Pythia have one special token, which texts also begin with."""
    folder = save_model(tmp_path / "tiny", "gpt2")
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"bos_token": "<unk>", "eos_token": "<unk>"}))
    model = load_language_model(str(folder))
    assert read_prompt(model, "<unk> w0").ids == (0, 4)
    assert read_prompt(model, "w0 <unk> w1").ids == (0, 4, 0, 5)
    with pytest.raises(PromptError, match="does not know “Quux”; use"):
        read_prompt(model, "<unk> Quux")


def test_a_gguf_file_that_cannot_be_read_gets_one_line(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", "llama")
    (folder / "tiny.gguf").write_bytes(b"GGUF nonsense")
    with pytest.raises(ModelError, match=r"cannot load .*tiny\.gguf: "):
        load_language_model(str(folder), gguf_file="tiny.gguf")


def test_a_space_that_is_unknown_is_shown() -> None:
    from graphlabel import atlas

    model = load_language_model(str(atlas.MODEL_FOLDER))
    with pytest.raises(PromptError, match="does not know “ ”; use"):
        read_prompt(model, "Fact: the capital of Texas ")

"""Training: what comes out loads, is sparsify's, and does not depend on interruptions."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import CONFIGS, N_LAYERS, save_model

from graphlabel.errors import EvidenceError, TranscoderError, UsageError
from graphlabel.models import LanguageModel, load_language_model, load_transcoders
from graphlabel.training import TrainingRequest, TrainingSettings, checkpoint, train_transcoders
from graphlabel.training.trainer import Training

pytest.importorskip("sparsify", reason="sparsify is an extra: pip install 'graphlabel[train]'")

SMALL: dict[str, Any] = {
    "width": 64,
    "k": 8,
    "tokens": 1600,
    "context_length": 16,
    "batch_size": 4,
    "held_out_tokens": 160,
    "splice_tokens": 64,
}
"""25 steps."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(save_model(tmp_path_factory.mktemp("m") / "tiny", "llama")))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    words = np.random.default_rng(0).integers(0, 56, 14_000)
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(" ".join(f"w{word}" for word in words))
    return str(path)


def asked(model: LanguageModel, text: str, *more: str, **changed: Any) -> TrainingRequest:
    return TrainingRequest(model, (text, *more), TrainingSettings(**SMALL | changed))


def weights(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.glob("*/sae.*"))}


def interrupted_at(tokens: int) -> Callable[[str, int, int], None]:
    def report(phase: str, done: int, _of: int) -> None:
        if phase == "training" and done >= tokens:
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize("changed", [{}, {"skip": True, "optimizer": "adam"}])
def test_an_interrupted_run_ends_with_the_same_weights(
    llama: LanguageModel, text: str, tmp_path: Path, changed: dict[str, Any]
) -> None:
    request = asked(llama, text, "self", **changed)
    whole = train_transcoders(request, tmp_path / "whole", checkpoint_every=320)
    for tokens in (400, 900, 960):  # between checkpoints, and at one
        with pytest.raises(KeyboardInterrupt):
            train_transcoders(
                request, tmp_path / "cut", checkpoint_every=320, report=interrupted_at(tokens)
            )
        assert not (tmp_path / "cut").exists()
    staging = checkpoint.staging_folder(tmp_path / "cut")
    assert checkpoint.steps_kept(staging) == 10
    assert train_transcoders(request, tmp_path / "cut", checkpoint_every=320) == whole
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")
    assert len(weights(tmp_path / "whole")) == N_LAYERS
    assert not staging.exists()


def test_a_run_that_ended_before_its_evaluation_trains_no_more(
    llama: LanguageModel, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(llama, text)
    whole = train_transcoders(request, tmp_path / "whole")

    def stop(phase: str, _done: int, _of: int) -> None:
        if phase == "evaluating":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_transcoders(request, tmp_path / "cut", report=stop)
    seen: list[int] = []
    again = train_transcoders(
        request,
        tmp_path / "cut",
        report=lambda phase, done, _: seen.append(done) if phase == "training" else None,
    )
    assert set(seen) == {1600}
    assert again == whole
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_a_half_written_checkpoint_is_none(
    llama: LanguageModel, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(llama, text)
    whole = train_transcoders(request, tmp_path / "whole", checkpoint_every=320)
    flush = checkpoint.flush

    def killed(folder: Path) -> None:
        if (checkpoint.latest(folder.parent) or Path()).name == "checkpoint.10":
            next(folder.glob("*/sae.safetensors")).write_bytes(b"half")
            raise KeyboardInterrupt
        flush(folder)

    monkeypatch.setattr(checkpoint, "flush", killed)
    with pytest.raises(KeyboardInterrupt):
        train_transcoders(request, tmp_path / "cut", checkpoint_every=320)
    monkeypatch.undo()
    assert checkpoint.steps_kept(checkpoint.staging_folder(tmp_path / "cut")) == 10
    assert train_transcoders(request, tmp_path / "cut", checkpoint_every=320) == whole
    assert weights(tmp_path / "cut") == weights(tmp_path / "whole")


def test_what_is_kept_must_be_of_the_same_run(
    llama: LanguageModel, text: str, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        train_transcoders(
            asked(llama, text), folder, checkpoint_every=64, report=interrupted_at(200)
        )
    with pytest.raises(TranscoderError, match=r"other settings \(k 4, not 8\); train with those"):
        train_transcoders(asked(llama, text, k=4), folder)
    broken = checkpoint.latest(checkpoint.staging_folder(folder))
    assert broken is not None
    (broken / "state.pt").write_bytes(b"junk")
    with pytest.raises(TranscoderError, match=r"cannot be read.*--force"):
        train_transcoders(asked(llama, text), folder)
    train_transcoders(asked(llama, text, k=4), folder, force=True)
    with pytest.raises(TranscoderError, match="holds a set already"):
        train_transcoders(asked(llama, text), folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    with pytest.raises(TranscoderError, match="no set of ours"):
        train_transcoders(asked(llama, text), tmp_path / "other", force=True)


def test_time_ends_training_and_the_set_says_so(
    llama: LanguageModel, text: str, tmp_path: Path
) -> None:
    train_transcoders(asked(llama, text), tmp_path / "set", seconds=0.0)
    config = json.loads((tmp_path / "set" / "config.json").read_text())
    assert (config["tokens"], config["settings"]["tokens"]) == (64, 1600)
    assert len(load_transcoders(str(tmp_path / "set")).layers) == N_LAYERS


def test_training_explains_more_and_more(llama: LanguageModel, text: str, tmp_path: Path) -> None:
    request = asked(llama, text, tokens=12_800, skip=True)
    before = train_transcoders(request, tmp_path / "before", seconds=0.0)
    after = train_transcoders(request, tmp_path / "after")
    for early, late in zip(before.layers, after.layers, strict=True):
        assert late.fvu < 0.8 < early.fvu
        assert 4 < late.l0 <= 8
    log = json.loads((tmp_path / "after" / "training.json").read_text())
    assert log[-1]["tokens"] == 12_800
    assert all(log[-1]["fvu"][name] < log[0]["fvu"][name] for name in log[0]["fvu"])


def test_our_loader_and_evaluation_agree_with_sparsify(
    llama: LanguageModel, text: str, tmp_path: Path
) -> None:
    from sparsify import SparseCoder

    found = train_transcoders(asked(llama, text, skip=True), tmp_path / "set")
    loaded = load_transcoders(str(tmp_path / "set"))
    assert loaded.model_name == "tiny"
    x = torch.randn(50, llama.d_model, generator=torch.Generator().manual_seed(0))
    for layer in loaded.layers:
        theirs = SparseCoder.load_from_disk(tmp_path / "set" / f"layers.{layer.layer}.mlp")
        skip = layer.skip()
        assert skip is not None
        rows = layer.decoder_rows(torch.arange(64), layer.layer)
        ours = layer.encode(x) @ rows + layer.decoder_bias() + x @ skip.T
        torch.testing.assert_close(ours, theirs(x).sae_out.detach(), rtol=1e-4, atol=1e-5)
    kept = json.loads((tmp_path / "set" / "evaluation.json").read_text())
    assert kept["layers"][0]["fvu"] == found.layers[0].fvu


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_is_trained(family: str, text: str, tmp_path: Path) -> None:
    model = load_language_model(str(save_model(tmp_path / "m", family)))
    request = asked(model, text, tokens=128, layers=(0, 2), splice_tokens=16)
    found = train_transcoders(request, tmp_path / "set")
    assert [layer.layer for layer in found.layers] == [0, 2]
    loaded = load_transcoders(str(tmp_path / "set"))
    assert loaded.missing_layers == (1,)
    assert found.cross_entropy_spliced != found.cross_entropy


def test_a_model_in_bfloat16_trains_transcoders_in_float32(text: str, tmp_path: Path) -> None:
    folder = str(save_model(tmp_path / "m", "llama"))
    model = load_language_model(folder, dtype=torch.bfloat16)
    found = train_transcoders(asked(model, text, dtype="bfloat16"), tmp_path / "set")
    assert load_transcoders(str(tmp_path / "set")).layers[0].encoder()[0].dtype == torch.float32
    assert all(0 < layer.fvu < 1.1 for layer in found.layers)


def test_special_tokens_teach_nothing(llama: LanguageModel, text: str, tmp_path: Path) -> None:
    rows = np.full((4, 16), 1)
    rows[:, 1:] = 10
    settings = TrainingSettings(**SMALL | {"tokens": 64})
    training = Training(llama, settings, rows, tmp_path)
    seen: list[torch.Tensor] = []
    for coder in training._trainer.saes.values():
        coder.register_forward_pre_hook(
            lambda _module, _inputs, options: seen.append(options["x"]), with_kwargs=True
        )
    training.run(10**6, lambda _: None)
    assert {len(x) for x in seen} == {60}


def test_what_cannot_be_trained_is_told(llama: LanguageModel, text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tiny has no layer 3; it has layers 0 to 2"):
        train_transcoders(asked(llama, text, layers=(3,)), tmp_path / "set")
    (tmp_path / "short.txt").write_text("w0 w1")
    with pytest.raises(EvidenceError, match="less than a batch"):
        train_transcoders(asked(llama, str(tmp_path / "short.txt")), tmp_path / "set", force=True)
    with pytest.raises(TranscoderError, match=r"the loss of .* is no number.*--learning-rate"):
        train_transcoders(asked(llama, text, learning_rate=1e38), tmp_path / "wild")


def test_without_the_extra_it_says_what_to_install(
    llama: LanguageModel, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sparsify", None)
    with pytest.raises(UsageError, match=r"pip install 'graphlabel\[train\]'"):
        train_transcoders(asked(llama, text), tmp_path / "set")
    assert list(tmp_path.iterdir()) == []

"""Sets and models on the hub, as its client keeps them in its cache; no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[2] / "tracing"))
from small_models import D_MODEL, WIDTH, save_model, save_transcoders

from graphlabel.errors import TranscoderError
from graphlabel.models import load_language_model, load_transcoders

COMMIT = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def snapshot(cache: Path, repository: str, revision: str = "main") -> Path:
    """An empty snapshot of a repository, at a revision."""
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / revision).write_text(COMMIT)
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder


def test_a_set_by_its_id(cache: Path) -> None:
    save_transcoders(snapshot(cache, "owner/name"), "topk")
    found = load_transcoders("owner/name")
    assert (found.name, found.revision, len(found.layers)) == ("tiny-topk", COMMIT, 3)


def test_a_set_in_a_folder_at_a_revision(cache: Path) -> None:
    folder = save_transcoders(snapshot(cache, "owner/name", "v2") / "width" / "small", "clt")
    configured = folder / "config.yaml"
    configured.write_text(configured.read_text().replace("scan: tiny-clt\n", ""))
    found = load_transcoders("owner/name/width/small@v2")
    assert found.name == "owner/name/width/small@v2"
    assert found.is_cross_layer
    with pytest.raises(TranscoderError, match="cannot be reached"):
        load_transcoders("owner/name/width/small@v3")


def test_a_set_that_lists_files_of_other_repositories(cache: Path, tmp_path: Path) -> None:
    """As the configuration for Gemma Scope does: archives elsewhere, one a layer."""
    made = save_transcoders(tmp_path / "made", "jump_relu")
    tensors = load_file(made / "layer_0.safetensors")
    archive = snapshot(cache, "google/scope") / "layer_0" / "params.npz"
    archive.parent.mkdir()
    np.savez(
        archive,
        W_enc=tensors["W_enc"].T.numpy(), b_enc=tensors["b_enc"].numpy(),
        W_dec=tensors["W_dec"].numpy(), b_dec=tensors["b_dec"].numpy(),
        threshold=tensors["activation_function.threshold"].numpy(),
    )  # fmt: skip
    listing = snapshot(cache, "owner/list")
    config = yaml.safe_load((made / "config.yaml").read_text())
    config["transcoders"] = ["hf://google/scope/layer_0/params.npz", None]
    (listing / "config.yaml").write_text(yaml.safe_dump(config))
    found = load_transcoders("owner/list")
    assert found.layers[0].n_features == WIDTH
    expected = load_transcoders(str(made)).layers[0]
    x = torch.randn(4, D_MODEL)
    torch.testing.assert_close(found.layers[0].encode(x), expected.encode(x))
    shutil.rmtree(archive.parent)
    with pytest.raises(TranscoderError, match="hf://google/scope"):
        load_transcoders("owner/list")


def test_a_release_of_sae_lens(cache: Path) -> None:
    """sae-lens finds the repository, converts its files, and knows the hook points."""
    folder = snapshot(cache, "mwhanna/qwen3-0.6b-transcoders-lowl0")
    values = {"d_model": D_MODEL, "d_feature": WIDTH, "batch_size": 8}
    (folder / "wandb-config.yaml").write_text(yaml.safe_dump({k: {"value": v} for k, v in values.items()}))  # fmt: skip
    (folder / "config.yaml").write_text("model_name: Qwen/Qwen3-0.6B\n")
    tensors = {
        "W_enc": torch.randn(WIDTH, D_MODEL), "b_enc": torch.randn(WIDTH),
        "W_dec": torch.randn(WIDTH, D_MODEL), "b_dec": torch.randn(D_MODEL),
    }  # fmt: skip
    for layer in (0, 2):
        save_file(tensors, folder / f"layer_{layer}.safetensors")
    found = load_transcoders("sae-lens:mwhanna-qwen3-0.6b-transcoders-lowl0:layer_0,layer_2")
    assert found.missing_layers == (1,)
    assert found.model_name == "Qwen/Qwen3-0.6B"
    layer = found.layers[2]
    assert (layer.read_point.value, layer.write_point.value) == ("mlp.hook_in", "hook_mlp_out")
    x = torch.randn(4, D_MODEL)
    expected = torch.relu(x @ tensors["W_enc"].T + tensors["b_enc"])
    torch.testing.assert_close(layer.encode(x), expected, atol=1e-5, rtol=0)
    with pytest.raises(TranscoderError, match="sae-lens cannot load"):
        load_transcoders("sae-lens:mwhanna-qwen3-0.6b-transcoders-lowl0")


def test_a_model_by_its_id(cache: Path) -> None:
    save_model(snapshot(cache, "owner/gemma-3-tiny-it"), "gemma3_text")
    model = load_language_model("owner/gemma-3-tiny-it")
    assert (model.name, model.revision) == ("owner/gemma-3-tiny-it", COMMIT)
    assert model.first_feature_position == 4


class _Gate(BaseHTTPRequestHandler):
    """A hub whose repositories are all gated."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def gated_hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gate)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("closed", ["model", "transcoders"])
def test_what_is_gated_says_what_to_do(gated_hub: str, tmp_path: Path, closed: str) -> None:
    """The hub's address is read once, so this needs a process of its own."""
    places = {
        "model": str(save_model(tmp_path / "tiny", "llama")),
        "transcoders": str(save_transcoders(tmp_path / "relu", "relu")),
    }
    places[closed] = "owner/closed"
    arguments = [part for name, place in places.items() for part in (f"--{name}", place)]
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-m", "graphlabel", "trace", "w1", *arguments, "-o", str(tmp_path / "g")],
        env=environment | {"HF_ENDPOINT": gated_hub, "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "“owner/closed” is gated: accept its terms" in done.stderr.splitlines()[-1]

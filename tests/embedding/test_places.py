"""Finding encoders: folders, the hub, and what is neither."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from graphlabel.embedding.places import DEFAULT_ENCODER, find_encoder
from graphlabel.errors import EmbedderError
from tests.embedding.small_encoders import save_encoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_encoder(tmp_path)


def test_a_folders_revision_follows_what_decides_the_vectors(folder: Path) -> None:
    found = find_encoder(str(folder))
    assert found.kinds == ("Transformer", "Pooling", "Normalize")
    assert found.revision.startswith("sha256:")
    moved = shutil.copytree(folder, folder.parent / "moved")
    (moved / "README.md").write_text("other words")
    assert find_encoder(str(moved)).revision == found.revision
    config = next(moved.glob("*_Pooling/config.json"))
    config.write_text(config.read_text().replace("mean", "cls"))
    assert find_encoder(str(moved)).revision != found.revision


def test_a_snapshots_revision_is_its_commit(folder: Path, tmp_path: Path) -> None:
    snapshot = shutil.copytree(folder, tmp_path / "snapshots" / COMMIT)
    assert find_encoder(str(snapshot)).revision == COMMIT


def test_a_model_of_the_hubs_cache_needs_no_network(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    kept = tmp_path / "hub" / "models--sentence-transformers--small"
    shutil.copytree(folder, kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("small", "sentence-transformers/small"):
        for revision in (None, "main", COMMIT):
            found = find_encoder(name, revision)
            assert (found.place, found.commit) == ("sentence-transformers/small", COMMIT)
            assert found.revision == COMMIT
    with pytest.raises(EmbedderError, match="no sentence encoder “small” at v9"):
        find_encoder("small", "v9")


@pytest.mark.parametrize(
    "name",
    ["no/such-encoder", "no-such-encoder", "a/b/c", "../nowhere", "", "x" * 300, "a b", "\0"],
)
def test_what_is_nowhere_is_one_line(name: str) -> None:
    with pytest.raises(EmbedderError, match="check --encoder") as caught:
        find_encoder(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("modules", [None, "", "{", "[1]", '[{"name": 1}]', "[" * 100_000])
def test_other_folders_are_one_line(tmp_path: Path, modules: str | None) -> None:
    (tmp_path / "config.json").write_text("{}")
    if modules is not None:
        (tmp_path / "modules.json").write_text(modules)
    with pytest.raises(EmbedderError, match=r"no sentence-transformers model.*another") as caught:
        find_encoder(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_folders_have_no_revisions(folder: Path) -> None:
    with pytest.raises(EmbedderError, match="is a folder, which has no revisions"):
        find_encoder(str(folder), "main")


def test_a_module_of_ones_own_is_not_run(folder: Path) -> None:
    """Code that came with a model is never imported."""
    from graphlabel.embedding import load_encoder

    modules = json.loads((folder / "modules.json").read_text())
    modules[2]["type"] = "evil.Normalize"
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass Normalize: pass\n")
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        load_encoder(str(folder), cache=False).encode(["the"])
    assert not (folder / "ran").exists()


def test_the_default_needs_no_hub() -> None:
    assert find_encoder().name == DEFAULT_ENCODER

"""Files people hand over by mistake are named in one line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlabel.errors import GraphFileError
from graphlabel.files import read_graph
from graphlabel.files.lint import lint_graph


def test_a_torch_file_of_the_old_form_says_how_to_write_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "g.pt"
    torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    for read in (read_graph, lint_graph):
        with pytest.raises(GraphFileError, match=r"before its zip format.*torch\.load\(old"):
            read(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\n<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"PAR1\0\0", "Parquet"),
        (b"SQLite format 3\0", "--store"),
        (b"\x89PNG\r\n", "picture"),
        (gzip.compress(b"<html>", mtime=0), "web page"),
    ],
)
def test_other_files_are_named(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_bytes(data)
    with pytest.raises(GraphFileError, match=words) as refused:
        read_graph(path)
    assert str(refused.value).startswith(f"{path} is a ")
    assert "\n" not in str(refused.value)


def test_a_link_is_no_file() -> None:
    with pytest.raises(GraphFileError, match=r"is a link; .*fetch"):
        read_graph(Path("https://www.neuronpedia.org/gemma-2-2b/graph?slug=x"))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_raw_trace_is_no_graph(save: object, tmp_path: Path) -> None:
    assert callable(save)
    save(tmp_path / "raw.npz", adjacency=np.zeros((2, 2)))
    with pytest.raises(GraphFileError, match="raw trace"):
        read_graph(tmp_path / "raw.npz")

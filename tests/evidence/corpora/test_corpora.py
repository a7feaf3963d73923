"""Corpora of every kind, and what is said when one cannot be read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphlabel.errors import EvidenceError
from graphlabel.evidence.corpora import files, open_corpus
from graphlabel.evidence.corpora.hub import HubCorpus

TEXTS = ["one ▲ two", "", "three\nfour"]


def write_jsonl(path: Path, field: str = "text") -> Path:
    lines = "".join(json.dumps({"id": i, field: text}) + "\n" for i, text in enumerate(TEXTS))
    data = lines.encode() + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def write_parquet(path: Path, field: str = "text") -> Path:
    pq.write_table(pa.table({"id": [0, 1, 2], field: TEXTS}), path)
    return path


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.jsonl", write_jsonl), ("a.jsonl.gz", write_jsonl), ("a.parquet", write_parquet)],
)
def test_records_are_read(name: str, write: object, tmp_path: Path) -> None:
    corpus = open_corpus(str(write(tmp_path / name)))  # type: ignore[operator]
    assert list(corpus.documents()) == TEXTS
    assert list(corpus.documents()) == TEXTS  # again, from the start
    other = open_corpus(str(write(tmp_path / f"b{name}", "body")), "body")  # type: ignore[operator]
    assert list(other.documents()) == TEXTS
    with pytest.raises(EvidenceError, match=r"no (column )?“text”.*body.*--text-field"):
        list(open_corpus(str(tmp_path / f"b{name}")).documents())
    with pytest.raises(EvidenceError, match="is no text but int"):
        list(open_corpus(str(tmp_path / name), "id").documents())


def test_texts_are_read_in_pieces_cut_at_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 50)
    text = "".join(f"line {i} of the bööks\n" for i in range(40))
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    pieces = list(open_corpus(str(tmp_path / "book.txt")).documents())
    assert "".join(pieces) == text
    assert len(pieces) > 5
    assert all(piece.endswith("\n") for piece in pieces)


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write_jsonl(tmp_path / "sub" / "z.jsonl")
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "ignored.png").write_bytes(b"\x89PNG")
    corpus = open_corpus(str(tmp_path))
    assert list(corpus.documents()) == ["first", *TEXTS]
    assert "a.txt and 1 more" in corpus.name
    before = corpus.name
    (tmp_path / "a.txt").write_text("other")
    assert open_corpus(str(tmp_path)).name != before


@pytest.mark.filterwarnings("ignore")  # of the package datasets
def test_data_sets_are_streamed(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    (tmp_path / "set").mkdir()
    write_parquet(tmp_path / "set" / "train.parquet")
    corpus = open_corpus(f"hub:{tmp_path / 'set'}:train")
    assert list(corpus.documents()) == TEXTS
    with pytest.raises(EvidenceError, match="no “body”"):
        list(open_corpus(f"hub:{tmp_path / 'set'}", "body").documents())
    with pytest.raises(EvidenceError, match="cannot be read"):
        list(open_corpus(f"hub:{tmp_path / 'nothing'}").documents())


def test_data_sets_are_named_with_configuration_and_split() -> None:
    for place, config, split in (
        ("hub:a/b", None, "train"),
        ("hub:a/b:validation", None, "validation"),
        ("hub:a/b:en", "en", "train"),
        ("hub:a/b:en:test", "en", "test"),
    ):
        found = HubCorpus.of(place, "text")
        assert (found.dataset, found.config, found.split) == ("a/b", config, split)
    with pytest.raises(EvidenceError, match="should read hub:NAME"):
        HubCorpus.of("hub:", "text")


def test_bad_corpora_get_one_line(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no corpus"):
        open_corpus(str(tmp_path / "nothing.txt"))
    with pytest.raises(EvidenceError, match="holds no file that ends in"):
        open_corpus(str(tmp_path))
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    with pytest.raises(EvidenceError, match="is not UTF-8 text"):
        list(open_corpus(str(tmp_path / "latin.txt")).documents())
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    with pytest.raises(EvidenceError, match="line 2 is no JSON"):
        list(open_corpus(str(tmp_path / "broken.jsonl")).documents())
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(EvidenceError, match="line 1 has no “text”"):
        list(open_corpus(str(tmp_path / "list.jsonl")).documents())
    for name in ("broken.parquet", "broken.jsonl.gz"):
        (tmp_path / name).write_bytes(b"PAR1 nonsense")
        with pytest.raises(EvidenceError, match="cannot be read"):
            list(open_corpus(str(tmp_path / name)).documents())

"""Rows of tokens: packing, taking turns, keeping; text that a model writes itself."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import save_model

from graphlabel.errors import EvidenceError, UsageError
from graphlabel.evidence.corpora import open_corpus
from graphlabel.models import LanguageModel, load_language_model
from graphlabel.training import TrainingSettings, read_rows
from graphlabel.training.rows import in_turn, keep_rows, kept_rows, packed, shuffled
from graphlabel.training.sampling import sampled_sequences
from graphlabel.training.settings import Identity

LENGTHS = st.lists(st.integers(1, 13), max_size=30)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(save_model(tmp_path_factory.mktemp("m") / "tiny", "llama")))


@given(LENGTHS, st.integers(2, 9))
def test_rows_are_full_and_begin_where_a_sequence_does(lengths: list[int], length: int) -> None:
    sequences = [[100 * number + place for place in range(n)] for number, n in enumerate(lengths)]
    left = iter(sequences)
    for row in packed(sequences, length):
        rebuilt: list[int] = []
        while len(rebuilt) < length:
            rebuilt += next(left)
        assert row == rebuilt[:length]
    assert sum(map(len, left)) < length


@given(st.lists(st.integers(0, 5), max_size=4))
def test_every_stream_has_its_turn_until_it_ends(lengths: list[int]) -> None:
    streams = [[[number, turn] for turn in range(n)] for number, n in enumerate(lengths)]
    found = list(in_turn(iter(stream) for stream in streams))
    rounds = range(max(map(len, streams), default=0))
    assert found == [each[turn] for turn in rounds for each in streams if turn < len(each)]


def test_rows_of_two_texts_alternate(llama: LanguageModel, tmp_path: Path) -> None:
    for name, word in (("a", "w0"), ("b", "w1")):
        (tmp_path / f"{name}.txt").write_text(f"{word} " * 40)
    corpora = [open_corpus(str(tmp_path / f"{name}.txt")) for name in "ab"]
    rows = read_rows(llama, corpora, 8, 6)
    assert rows.tolist() == [[1, *[4 + i % 2] * 7] for i in range(6)]
    assert len(read_rows(llama, corpora, 8, 1000)) == 10
    assert read_rows(llama, corpora, 64, 5).shape == (0, 64)


def test_rows_are_kept_as_they_are_and_shuffled_by_seed(tmp_path: Path) -> None:
    rows = np.arange(40).reshape(10, 4)
    assert kept_rows(tmp_path / "rows.npy") is None
    keep_rows(tmp_path / "rows.npy", shuffled(rows, 3))
    kept = kept_rows(tmp_path / "rows.npy")
    assert kept is not None
    assert kept.tolist() == shuffled(rows, 3).tolist() != shuffled(rows, 4).tolist()
    assert sorted(kept.tolist()) == rows.tolist()
    (tmp_path / "rows.npy").write_bytes(b"junk")
    with pytest.raises(EvidenceError, match="is broken"):
        kept_rows(tmp_path / "rows.npy")


def test_what_a_model_writes_is_its_own_and_sampled_once(
    llama: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(islice(sampled_sequences(llama, 16, 0, tmp_path / "a"), 80))
    again = list(islice(sampled_sequences(llama, 16, 0, tmp_path / "b"), 80))
    other = list(islice(sampled_sequences(llama, 16, 1, tmp_path / "c"), 80))
    assert first == again != other
    assert all(ids[0] == 1 and 2 not in ids and len(ids) <= 16 for ids in first)
    assert len({tuple(ids) for ids in first}) > 60
    monkeypatch.setattr(llama.model, "generate", None)
    assert list(islice(sampled_sequences(llama, 16, 0, tmp_path / "a"), 80)) == first


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 8, "k": 9}, "of 8 features 9 cannot fire"),
        ({"optimizer": "sgd"}, "no optimizer “sgd”"),
        ({"self_share": 0.0}, "--self-share is 0"),
        ({"tokens": 100}, "not one batch of 8,192"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: dict[str, float | str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        TrainingSettings(**settings)  # type: ignore[arg-type]


def test_runs_differ_in_what_they_say_they_do() -> None:
    one = Identity("m", "r", ("a",), TrainingSettings())
    assert one.difference(Identity("m", "r", ("a",), TrainingSettings())) == ""
    assert one.difference(Identity("m", "r", ("a",), TrainingSettings(k=8))) == "k 8, not 32"
    assert "corpora" in one.difference(Identity("m", "r", ("b",), TrainingSettings()))

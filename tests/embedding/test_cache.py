"""The embedding cache: what goes in comes out, whatever happens to the disk."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.embedding.cache import MERGE_COUNT, EmbeddingCache, segment_files, shrink
from graphlabel.embedding.segments import open_segment, text_hashes
from graphlabel.embedding.upkeep import clear_embeddings, kept_embeddings


def rows(texts: list[str], dtype: str = "float32") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes, unit vectors that depend on the text, and flags."""
    vectors = [np.random.default_rng(list(text.encode())).normal(size=8) for text in texts]
    units = np.array([v / np.linalg.norm(v) for v in vectors]).reshape(-1, 8).astype(dtype)
    return text_hashes(texts), units, np.array(["u" in text for text in texts], dtype=bool)


def fill(cache: EmbeddingCache, texts: list[str]) -> None:
    cache.put(*rows(texts))


def held(cache: EmbeddingCache, texts: list[str]) -> list[bool]:
    hits = cache.get(text_hashes(texts))
    _, vectors, unknown = rows(texts)
    np.testing.assert_array_equal(hits.vectors.reshape(-1, 8), vectors[hits.known])
    np.testing.assert_array_equal(hits.unknown, unknown[hits.known])
    return hits.known.tolist()


@given(st.lists(st.sets(st.text("abu", max_size=4), min_size=1, max_size=8), max_size=5))
@settings(max_examples=25, deadline=None)
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, parts: list[set[str]]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    for part in parts:
        fill(EmbeddingCache("e\nr\nfloat32", folder), sorted(part))
    known = set().union(*parts)
    texts = [*sorted(known), "never"]
    assert held(EmbeddingCache("e\nr\nfloat32", folder), texts) == [True] * len(known) + [False]
    assert not any(held(EmbeddingCache("e\nr2\nfloat32", folder), texts))


def test_an_empty_cache_holds_nothing(tmp_path: Path) -> None:
    cache = EmbeddingCache("e", tmp_path / "none")
    assert held(cache, ["a"]) == [False]
    assert held(cache, []) == []
    cache.put(*rows([]))
    assert not (tmp_path / "none").exists()


def test_small_segments_are_merged(tmp_path: Path) -> None:
    cache = EmbeddingCache("e", tmp_path)
    texts = [f"text {i}" for i in range(MERGE_COUNT + 3)]
    for text in texts:
        fill(cache, [text, "again"])
    assert len(segment_files(cache.folder)) == 4  # one merged, three since
    assert all(held(EmbeddingCache("e", tmp_path), [*texts, "again"]))
    assert len(open_segment(max(segment_files(cache.folder), key=lambda f: f[1])[0]).hashes) == 17


@pytest.mark.parametrize("damage", ["cut", "empty", "header", "hashes", "vectors", "noise", "huge"])
def test_a_broken_segment_is_set_aside(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache = EmbeddingCache("e", tmp_path)
    fill(cache, ["a", "b"])
    fill(cache, [f"c{i}" for i in range(1, 26)])
    path, size, _ = max(segment_files(cache.folder), key=lambda file: file[1])
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    segment = open_segment(path)
    offset = {
        "hashes": data.index(segment.hashes.tobytes()),
        "vectors": data.index(segment.vectors.tobytes()),
    }
    if damage in offset:
        data[offset[damage] : offset[damage] + 800] = b"\x7f" * 800
    elif damage == "header":
        data[8:start] = b"[" * (start - 8)
    elif damage == "huge":
        data[:8] = b"\xff" * 8
    else:
        data = {"cut": data[: size // 2], "empty": bytearray(), "noise": bytearray(b"\x99" * size)}[
            damage
        ]
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        again = EmbeddingCache("e", tmp_path)
        assert held(again, ["a", "b", "c1", "c2", "c3"]) == [True, True, False, False, False]
    assert [record.message.count("\n") for record in caplog.records] == [0]
    assert path.with_suffix(".broken").exists()
    fill(again, ["c1"])
    assert held(EmbeddingCache("e", tmp_path), ["a", "c1"]) == [True, True]


def test_a_place_that_cannot_be_written_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = EmbeddingCache("e", tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert held(cache, ["a"]) == [False]
            fill(cache, ["a"])
    assert [r.message.split(":")[0] for r in caplog.records] == [
        "going on without the embedding cache"
    ]


FULL_DISK = """
import resource, sys
from pathlib import Path
from tests.embedding.test_cache import EmbeddingCache, fill, held
cache = EmbeddingCache("e", Path(sys.argv[1]))
fill(cache, ["kept"])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
fill(cache, [f"text {i}" for i in range(5000)])
fill(cache, ["more"])
again = EmbeddingCache("e", Path(sys.argv[1]))
assert held(again, ["kept", "text 1", "more"]) == [True, False, False]
"""


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_is_one_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1
    assert "going on without the embedding cache" in done.stderr
    assert len(list(tmp_path.rglob("*.safetensors*"))) == 1


WRITER = """
import sys
from pathlib import Path
from tests.embedding.test_cache import EmbeddingCache, fill
cache = EmbeddingCache("e", Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    fill(cache, [f"{sys.argv[2]} {i}", "shared"])
    print(i, flush=True)
"""


def write_in_a_process(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_write_at_once(tmp_path: Path) -> None:
    writers = [write_in_a_process(tmp_path, name, 40) for name in "ab"]
    assert [writer.communicate()[0] and writer.returncode for writer in writers] == [0, 0]
    texts = [f"{name} {i}" for name in "ab" for i in range(40)]
    assert all(held(EmbeddingCache("e", tmp_path), [*texts, "shared"]))
    assert not list(tmp_path.rglob("*.broken"))


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for number in range(3):
        writer = write_in_a_process(tmp_path, f"w{number}", 100_000)
        assert writer.stdout is not None
        for _ in range(10 + 7 * number):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert all(held(EmbeddingCache("e", tmp_path), [f"w{number} {i}" for i in range(last + 1)]))
    assert not list(tmp_path.rglob("*.broken"))


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = EmbeddingCache("e", tmp_path)
    for number, text in enumerate(["old", "new", "older"]):
        fill(cache, [text])
        newest = max(segment_files(tmp_path), key=lambda file: file[2])[0]
        os.utime(newest, (1_000 - 10 * number * (number - 1.5),) * 2)
    size = segment_files(tmp_path)[0][1]
    half_written = cache.folder / f".{'0' * 32}.safetensors.x1"
    half_written.write_bytes(b"half")
    os.utime(half_written, (0, 0))
    other = tmp_path / "embeddings" / "thesis.txt"
    other.write_text("not ours")
    assert shrink(tmp_path / "embeddings", 2 * size) == size + 4
    assert held(EmbeddingCache("e", tmp_path), ["old", "new", "older"]) == [True, True, False]
    assert not half_written.exists()
    assert clear_embeddings(tmp_path) == 2 * size
    assert other.read_text() == "not ours"


def test_what_is_kept_is_told(tmp_path: Path) -> None:
    fill(EmbeddingCache("some/encoder\nabc\nfloat32", tmp_path), ["a", "b"])
    fill(EmbeddingCache("odd\nname\nabc\nfloat16", tmp_path), ["a"])
    root, kept = kept_embeddings(tmp_path)
    assert root == tmp_path / "embeddings"
    told = {(each.encoder, each.revision, each.precision, each.texts) for each in kept}
    assert told == {("some/encoder", "abc", "float32", 2), ("odd\nname", "abc", "float16", 1)}

"""Large files that hold no graph are refused soon, and leave nothing behind."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from graphlabel.errors import GraphFileError
from graphlabel.files import graph_from_bytes, read_graph
from graphlabel.files.lint import lint_graph


def _process_time(work: Callable[[], object]) -> float:
    started = time.process_time()
    with contextlib.suppress(GraphFileError):
        work()
    return time.process_time() - started


def test_a_large_file_that_is_no_graph_is_refused_soon(tmp_path: Path) -> None:
    """Millions of nested lists cost little more than a parser needs to step over them."""
    many = b", ".join([b"[" * 40 + b"1" + b"]" * 40] * 100_000)
    path = tmp_path / "g.json"
    path.write_bytes(b'{"metadata": 1, "nodes": [[%b]], "links": []}' % many)
    parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
    alone = _process_time(lambda: parts.decode(path.read_bytes()))
    assert _process_time(lambda: read_graph(path)) < 10 * alone + 0.1
    assert _process_time(lambda: lint_graph(path)) < 10 * alone + 0.1


def test_nothing_of_a_refused_file_stays_behind() -> None:
    """The collector is on again, and has nothing to walk through."""
    many = b", ".join([b"[[[[[1]]]]]"] * 50_000)
    data = b'{"nodes": [{"x": [%b]}], "links": [], "more": 1}' % many
    before = len(gc.get_objects())
    with pytest.raises(GraphFileError) as refused:
        graph_from_bytes(data, "test")
    assert gc.isenabled()
    assert len(gc.get_objects()) < before + 10_000
    assert "node_id" in str(refused.value)

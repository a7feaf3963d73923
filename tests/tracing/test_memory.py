"""Memory: chunks that fit, halving when they do not, cheaper products, rows checked anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlabel.errors import GraphError, UsageError
from graphlabel.models import LanguageModel, Transcoders, memory, prompt_of_ids
from graphlabel.models.memory import available_memory, is_out_of_memory
from graphlabel.tracing import TraceSettings, chunks, selection, trace, verify
from graphlabel.tracing.blocks import Blocks
from graphlabel.tracing.chunks import Chunks

IDS = [1, 10, 21, 5, 44, 10, 30]
Loader = Callable[..., tuple[LanguageModel, Transcoders]]
CPU = torch.device("cpu")
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
    RuntimeError("unable to mmap 5616 bytes from file <x>: Cannot allocate memory (12)"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_chunk_that_does_not_fit_is_halved(error: Exception) -> None:
    tried: list[int] = []

    def compute(piece: np.ndarray) -> torch.Tensor:
        tried.append(len(piece))
        if len(piece) > 3:
            raise error
        return torch.from_numpy(piece * 10)

    work = Chunks(16, CPU)
    done = list(work.run(np.arange(10), compute))
    assert [piece.tolist() for piece, _ in done] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    assert all((result.numpy() == piece * 10).all() for piece, result in done)
    assert tried[:3] == [10, 5, 2]
    assert work.size == 2


def test_what_else_goes_wrong_is_not_hidden() -> None:
    def fail(_piece: np.ndarray) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(Chunks(4, CPU).run(np.arange(3), fail))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_one_target_that_does_not_fit_is_one_line() -> None:
    def fail(_piece: np.ndarray) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory\nmore")

    with pytest.raises(GraphError, match="does not fit into memory") as caught:
        list(Chunks(4, CPU).run(np.arange(3), fail))
    assert "\n" not in str(caught.value)


def test_a_trace_goes_on_after_memory_ran_out(
    load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, transcoders = load("llama", "clt")
    prompt = prompt_of_ids(model, IDS)
    settings = TraceSettings(dtype="float64", max_feature_nodes=40, batch_size=8, update_interval=2)
    expected = trace(model, transcoders, prompt, settings)
    sweep, sizes = selection.sweep, []

    def small(frozen: object, sources: object, targets: object, allocate: object) -> Blocks:
        sizes.append(len(targets.layer))  # type: ignore[attr-defined]
        if sizes[-1] > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return sweep(frozen, sources, targets, allocate)  # type: ignore[arg-type]

    monkeypatch.setattr(selection, "sweep", small)
    found = trace(model, transcoders, prompt, settings)
    np.testing.assert_array_equal(found.selected_features, expected.selected_features)
    np.testing.assert_allclose(found.adjacency, expected.adjacency, atol=1e-12)
    assert max(sizes) > 3
    assert min(sizes) <= 3

    def nothing(*_: object) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("graphlabel.tracing.prepare.find_sources", lambda *_, **__: nothing())
    with pytest.raises(GraphError, match="memory ran out"):
        trace(model, transcoders, prompt, settings)


def test_chunks_follow_the_memory_that_is_there(
    load: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of chunks changes nothing: which features get a row depends on batch_size alone."""
    model, transcoders = load("llama", "relu")
    prompt = prompt_of_ids(model, IDS)
    settings = TraceSettings(dtype="float64", max_feature_nodes=30, batch_size=8, update_interval=2)
    whole = trace(model, transcoders, prompt, settings)
    for size in (0, 30_000, 10**12):
        monkeypatch.setattr(chunks, "available_memory", lambda _device, size=size: size)
        found = trace(model, transcoders, prompt, settings)
        np.testing.assert_array_equal(found.selected_features, whole.selected_features)
        np.testing.assert_allclose(found.adjacency, whole.adjacency, atol=1e-12)
    one = trace(model, transcoders, prompt, replace(settings, chunk_size=1))
    np.testing.assert_allclose(one.adjacency, whole.adjacency, atol=1e-12)


def test_memory_is_read_from_the_system(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    assert available_memory(CPU) > 10**6
    (folder / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:   50 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", folder / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", folder)
    assert available_memory(CPU) == 50 * 1024
    (folder / "memory.max").write_text("40000\n")
    (folder / "memory.current").write_text("10000\n")
    assert available_memory(CPU) == 30_000
    (folder / "memory.max").write_text("max\n")
    monkeypatch.setattr(memory, "_MEMINFO", folder / "nowhere")
    assert available_memory(CPU) > 10**6


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "gpt_neox"])
def test_verification_by_family(load: Loader, family: str) -> None:
    """max|dA| / max|A| of the worst row: float64 1e-12, float32 1e-5, bfloat16 products 5e-2."""
    worst = {}
    for name, dtype in (("float64", torch.float64), ("float32", torch.float32), ("bfloat16", torch.bfloat16)):  # fmt: skip
        model, transcoders = load(family, "clt_skip", dtype=dtype)
        settings = TraceSettings(dtype=name, max_feature_nodes=50)
        traced = trace(model, transcoders, prompt_of_ids(model, IDS), settings)
        assert traced.adjacency.dtype == (np.float64 if name == "float64" else np.float32)
        found = verify(model, transcoders, traced, settings, 25, seed=3)
        assert found.rows == 25
        assert found.median <= found.worst
        worst[name] = found.worst
    assert worst["float64"] <= 1e-12
    assert 1e-9 < worst["float32"] <= 1e-5
    assert 1e-4 < worst["bfloat16"] <= 5e-2


def test_verification_finds_a_wrong_row(load: Loader) -> None:
    model, transcoders = load("llama", "skip")
    settings = TraceSettings(dtype="float64", max_feature_nodes=20)
    traced = trace(model, transcoders, prompt_of_ids(model, IDS), settings)
    wrong = traced.adjacency.copy()
    wrong[3] *= 1.01
    found = verify(model, transcoders, replace(traced, adjacency=wrong), settings, 1000)
    assert found.rows == 20 + len(traced.logit_ids)
    assert found.worst == pytest.approx(0.01, rel=1e-6)
    assert found.median < 1e-12


def test_compat_repeats_what_circuit_tracer_gets_wrong(load: Loader) -> None:
    """Gemma 3's token columns lack √d_model there, nothing else differs."""
    model, transcoders = load("gemma3_text", "relu")
    prompt = prompt_of_ids(model, IDS)
    settings = TraceSettings(dtype="float64", max_feature_nodes=None)
    right = trace(model, transcoders, prompt, settings)
    theirs = trace(model, transcoders, prompt, replace(settings, compat="circuit-tracer"))
    tokens = right.order.tokens
    np.testing.assert_allclose(
        theirs.adjacency[:, tokens] * model.d_model**0.5, right.adjacency[:, tokens], atol=1e-10
    )
    rest = np.r_[0 : tokens.start, tokens.stop : len(right.order)]
    np.testing.assert_array_equal(theirs.adjacency[:, rest], right.adjacency[:, rest])
    llama, others = load("llama", "relu")
    same = [
        trace(llama, others, prompt_of_ids(llama, IDS), replace(settings, compat=name)).adjacency
        for name in ("", "circuit-tracer")
    ]
    np.testing.assert_array_equal(*same)
    with pytest.raises(UsageError, match="compat"):
        TraceSettings(compat="other")

"""Rows as blocks: nothing is lost, little is kept, and memory that runs short is made up for."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.errors import GraphError
from graphlabel.models import LanguageModel, Transcoders, prompt_of_ids
from graphlabel.tracing import TraceSettings, attention, blocks, trace
from graphlabel.tracing.blocks import RowStore, copied
from graphlabel.tracing.encoding import find_sources
from graphlabel.tracing.frozen import FrozenModel, freeze
from graphlabel.tracing.sources import Sources
from graphlabel.tracing.sweep import by_depth, direct_effects, feature_targets, sweep

Loader = Callable[..., tuple[LanguageModel, Transcoders]]
IDS = [1, 10, 21, 5, 44, 10, 30]
SETTINGS = TraceSettings(dtype="float64", max_feature_nodes=30, batch_size=8, update_interval=2)
FAMILIES = ["llama", "gemma3_text", "gpt2", "gpt_neox"]


def prepared(
    load: Loader, family: str, kind: str, dtype: torch.dtype = torch.float64
) -> tuple[FrozenModel, Sources]:
    model, transcoders = load(family, kind)
    frozen = freeze(model, prompt_of_ids(model, IDS), dtype)
    return frozen, find_sources(frozen, transcoders, first_position=1)


@pytest.mark.parametrize("kind", ["relu", "clt_skip"])
def test_rows_lie_in_their_blocks(load: Loader, kind: str) -> None:
    """Every column once; no effect outside a block; sums of float64 rows to 1e-12."""
    frozen, sources = prepared(load, "llama", kind)
    targets = feature_targets(sources, torch.arange(sources.n_features))
    falling = targets.part(by_depth(targets))
    found = sweep(frozen, sources, falling)
    columns = [column for block in found for column in range(sources.n_columns)[block.columns]]
    assert sorted(columns) == list(range(sources.n_columns))
    dense = found.dense(sources.n_columns)
    torch.testing.assert_close(found.row_sums(), dense.abs().sum(dim=1), rtol=1e-12, atol=0)
    for layer, block in enumerate(found.features):
        assert len(block.effects) == int((falling.layer > layer).sum())
        assert (block.effects != 0).any() == (len(block.effects) > 0)
    assert sum(block.effects.numel() for block in found) < 0.6 * dense.numel()


def test_fewer_positions_make_smaller_blocks(load: Loader) -> None:
    frozen, sources = prepared(load, "llama", "relu")
    near = torch.nonzero(sources.position <= 2)[:, 0]
    targets = feature_targets(sources, near)
    found = sweep(frozen, sources, targets.part(by_depth(targets)))
    for layer, block in enumerate(found.features):
        start, stop = block.columns.start, block.columns.stop
        assert (sources.layer[start:stop] == layer).all()
        assert (sources.position[start:stop] <= 2).all()
    assert found.tokens.effects.shape == (len(near), 3)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), family=st.sampled_from(FAMILIES), together=st.integers(1, 60))
def test_what_is_swept_together_changes_nothing(
    load: Loader, data: st.DataObject, family: str, together: int
) -> None:
    """Any targets in any order, any number at once through a layer; float64, 1e-12 of the largest."""
    frozen, sources = prepared(load, family, "skip")
    everything = direct_effects(
        frozen, sources, feature_targets(sources, torch.arange(sources.n_features))
    )
    numbers = st.integers(0, sources.n_features - 1)
    rows = torch.tensor(data.draw(st.lists(numbers, min_size=1, max_size=20)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "ROWS", together)
        found = direct_effects(frozen, sources, feature_targets(sources, rows))
    assert (found - everything[rows]).abs().max() <= 1e-12 * everything.abs().max()


def test_rows_without_room_lie_in_a_file(load: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    model, transcoders = load("llama", "clt")
    prompt = prompt_of_ids(model, IDS)
    expected = trace(model, transcoders, prompt, SETTINGS)
    monkeypatch.setattr(blocks, "available_memory", lambda _device: 4_000)
    mapped = []
    memmap = np.memmap

    def noted(*given: object, **options: object) -> np.memmap:
        mapped.append(options["shape"])
        return memmap(*given, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(np, "memmap", noted)
    found = trace(model, transcoders, prompt, SETTINGS)
    np.testing.assert_array_equal(found.adjacency, expected.adjacency)
    assert len(mapped) > 2


def test_room_for_rows_is_zero_and_of_its_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "available_memory", lambda _device: 100)
    for dtype in (torch.float32, torch.float64):
        store = RowStore(torch.zeros(1, dtype=dtype))
        for count in (0, 5, 1_000):
            room = store.allocate(count)
            assert room.dtype == dtype
            assert room.tolist() == [0] * count
            room += 1


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "available_memory", lambda _device: 0)

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(GraphError, match="TMPDIR") as caught:
        RowStore(torch.zeros(1)).allocate(10)
    assert "\n" not in str(caught.value)


def test_blocks_are_copied_into_other_room(load: Loader) -> None:
    frozen, sources = prepared(load, "llama", "relu")
    targets = feature_targets(sources, torch.arange(12))
    found = sweep(frozen, sources, targets.part(by_depth(targets)))
    again = copied(found, RowStore(sources.tokens).allocate)
    for one, other in zip(found, again, strict=True):
        assert one.columns == other.columns
        assert torch.equal(one.effects, other.effects)
        assert not one.effects.numel() or one.effects.data_ptr() != other.effects.data_ptr()


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_encoders_that_are_kept_and_that_are_read_again(
    load: Loader, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that give no rows by themselves: rows are kept, and nothing changes."""
    model, transcoders = load(family, "skip")
    prompt = prompt_of_ids(model, IDS)
    read = trace(model, transcoders, prompt, SETTINGS)
    for layer in transcoders.layers:
        assert layer.reads_rows
        monkeypatch.setattr(layer, "reads_rows", False)
    frozen = freeze(model, prompt, torch.float64)
    assert all(each.kept for each in find_sources(frozen, transcoders, first_position=1).reading)
    kept = trace(model, transcoders, prompt, SETTINGS)
    np.testing.assert_array_equal(kept.adjacency, read.adjacency)


def test_effects_in_bfloat16_do_not_depend_on_what_is_filled_up(load: Loader) -> None:
    """The last targets that go through a layer are filled up with zeros; rows are the same."""
    model, transcoders = load("llama", "relu", dtype=torch.bfloat16)
    settings = TraceSettings(dtype="bfloat16", max_feature_nodes=None)
    prompt = prompt_of_ids(model, IDS)
    whole = trace(model, transcoders, prompt, settings)
    odd = trace(model, transcoders, prompt, TraceSettings(
        dtype="bfloat16", max_feature_nodes=None, chunk_size=7
    ))  # fmt: skip
    scale = np.abs(whole.adjacency).max()
    np.testing.assert_allclose(odd.adjacency, whole.adjacency, atol=2e-2 * scale)

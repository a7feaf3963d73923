"""Memory that is taken as it is written."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from graphlabel.models.memory import zeros_as_written

BYTES = 2**20


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("shape", [(0,), (3, 5)])
def test_they_are_zeros_to_write_on(shape: tuple[int, ...]) -> None:
    zeros = zeros_as_written(shape, np.dtype(np.float32))
    assert zeros.shape == shape
    assert not zeros.any()
    zeros += 1
    assert zeros.all()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_row_here_and_there_takes_its_own_pages_and_all_goes_back() -> None:
    before = resident()
    zeros = zeros_as_written((256, 256 * 1024), np.dtype(np.float32))  # 256 MiB, a row is 1 MiB
    zeros[::2, :1024] = 1
    taken = resident() - before
    del zeros
    assert taken < 32 * BYTES
    assert resident() - before < 16 * BYTES


def test_more_than_there_is_is_a_memory_error() -> None:
    with pytest.raises(MemoryError):
        zeros_as_written((2**56,), np.dtype(np.float32))

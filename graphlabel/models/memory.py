"""How much memory a device has left."""

from __future__ import annotations

import math
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from graphlabel.errors import GraphError

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if os.name == "posix" else {}
UNKNOWN = 4 * 2**30
"""What is assumed, in bytes, where the system does not say."""


def available_memory(device: torch.device) -> int:
    """Bytes that can be allocated on a device, as far as the system says."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + reserved
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return min(_system_memory(), _container_memory())


def zeros_as_written(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Zeros that take memory page by page as they are written, and give it back when freed.

    NumPy asks for huge pages, of which a row here and there takes all; and what the heap held stays
    with the process. Raises MemoryError when there is not so much.
    """
    count = math.prod(shape)
    try:
        room = mmap.mmap(-1, max(count * dtype.itemsize, 1), **_PRIVATE)
    except (OSError, OverflowError) as error:
        raise MemoryError(f"{count * dtype.itemsize:,} bytes") from error
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        room.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(room, dtype, count).reshape(shape)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, in the words of whichever allocator."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(
        re.search(
            r"out of memory|(can't|cannot) allocate memory|not enough memory", str(error), re.I
        )
    )


@contextmanager
def explained_memory() -> Iterator[None]:
    """Raise GraphError in one line when memory runs out inside."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise GraphError(
            "memory ran out; use a shorter prompt, fewer --max-feature-nodes, --device cpu or "
            "--dtype bfloat16"
        ) from error


def free_cached_memory(device: torch.device) -> None:
    """Give back what an allocator keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _system_memory() -> int:
    try:
        match = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        match = None
    if match:
        return int(match[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return UNKNOWN


def _container_memory() -> int:
    """What a container's limit leaves."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = (_CGROUP / "memory.current").read_text().strip()
        return int(limit) - int(used) if limit != "max" else 2**62
    except (OSError, ValueError):
        return 2**62

"""What the processor can do."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


@cache
def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices natively.

    torch also runs bfloat16 where it must emulate it, which is slower than float32.
    """
    return bool(processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What Linux says the processor can do and the kernel allows; elsewhere what torch says."""
    if platform.system() == "Linux":
        try:
            lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return frozenset()
        stated = [line for line in lines if line.lower().startswith(("flags", "features"))]
        return frozenset(stated[0].partition(":")[2].split()) if stated else frozenset()
    import torch

    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return frozenset(name for name, has in told.items() if has is True)

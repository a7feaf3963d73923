"""Which floating-point type an encoder runs in."""

from __future__ import annotations

import platform
from enum import StrEnum
from pathlib import Path


class Precision(StrEnum):
    """The type of an encoder's weights and activations."""

    AUTO = "auto"
    """The fastest that the hardware computes natively."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def best_precision(device: str | None = None) -> Precision:
    """The fastest type that a device computes natively; never AUTO.

    bfloat16 on CPUs with AVX512_BF16, AMX or Arm's BF16 and on NVIDIA GPUs from Ampere on, float16
    on NVIDIA GPUs from Volta on, else float32. ``device`` is torch's name of it; None is the GPU if
    there is one.
    """
    import torch

    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if torch.backends.mps.is_available():
            device = "mps"
    kind = torch.device(device)
    if kind.type == "cuda":
        major, _ = torch.cuda.get_device_capability(kind)
        if major >= 8:
            return Precision.BFLOAT16
        return Precision.FLOAT16 if major >= 7 else Precision.FLOAT32
    return Precision.BFLOAT16 if kind.type == "cpu" and cpu_has_bfloat16() else Precision.FLOAT32


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices natively.

    torch also runs bfloat16 where it must emulate it, which is slower than float32.
    """
    return bool(_processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def _processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
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

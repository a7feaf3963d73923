"""Which floating-point type an encoder runs in."""

from __future__ import annotations

from enum import StrEnum

from graphlabel.processor import cpu_has_bfloat16


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

"""Devices and dtypes by name."""

from __future__ import annotations

import torch

from graphlabel.errors import UsageError

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def dtype_of(name: str) -> torch.dtype:
    """The dtype of a name; raises UsageError listing the names."""
    if name not in DTYPES:
        raise UsageError(f"there is no dtype “{name}”; choose one of {', '.join(DTYPES)}")
    return DTYPES[name]


def device_of(name: str | None) -> torch.device:
    """The device of a name, or the best one there is; raises UsageError when it is absent."""
    if name is None or name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"there is no device “{name}”; choose cpu, cuda or mps") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("CUDA was asked for, but no GPU is there; use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("MPS was asked for, but it is not there; use --device cpu")
    return device


def check_dtype(dtype: torch.dtype, device: torch.device) -> None:
    """Raise UsageError for a dtype that the device does not have."""
    if device.type == "mps" and dtype is torch.float64:
        raise UsageError("MPS has no float64; use --dtype float32 or --device cpu")

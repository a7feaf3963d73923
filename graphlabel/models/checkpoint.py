"""A model's configuration, weights and tokenizer as transformers reads them, or why it cannot."""

from __future__ import annotations

import json
import struct
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from graphlabel.errors import ModelError
from graphlabel.hub import gated, only_local_files
from graphlabel.models.architectures import Architecture, architecture_of

_FAILURES = (
    OSError, ValueError, KeyError, IndexError, ImportError, struct.error,
)  # fmt: skip
"""What transformers raises about files that it cannot use."""
_TOKENIZER_FILES = ("*token*", "*vocab*", "*.model")


def read_checkpoint(
    name: str,
    dtype: torch.dtype,
    attention: str,
    gguf_file: str | None,
    *,
    headless: bool = False,
) -> tuple[Any, nn.Module, Any]:
    """Configuration, model and tokenizer of a folder or hub id.

    ``headless`` allows a checkpoint without final norm and unembedding. Raises ModelError when they
    cannot be had or when weights are missing, UnsupportedArchitectureError before weights are read.
    """
    try:
        return _read(name, dtype, attention, gguf_file, headless)
    except _FAILURES as error:
        raise ModelError(_why(name, error, gguf_file)) from error
    except Exception as error:
        if type(error).__module__.startswith(("safetensors", "huggingface_hub")):
            raise ModelError(_why(name, error, gguf_file)) from error
        raise


def _read(
    name: str, dtype: torch.dtype, attention: str, gguf_file: str | None, headless: bool
) -> tuple[Any, nn.Module, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM

    options: dict[str, Any] = {
        "local_files_only": Path(name).is_dir() or only_local_files(),
        "trust_remote_code": False,  # else transformers asks, and runs it
    }
    if gguf_file is not None:
        options["gguf_file"] = gguf_file
    config = AutoConfig.from_pretrained(name, **options)
    architecture = architecture_of(config.model_type)  # before gigabytes are read
    with redirect_stderr(StringIO()) if gguf_file else nullcontext():  # a bar of its own
        model, loaded = AutoModelForCausalLM.from_pretrained(
            name,
            config=config,
            dtype=dtype,
            attn_implementation=attention,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are refused below, by name
            **options,
        )
    _check_weights(name, loaded, architecture, headless=headless)
    return config, model, read_tokenizer(name, options)


def _check_weights(
    name: str, loaded: dict[str, Any], architecture: Architecture, *, headless: bool
) -> None:
    """Raise ModelError unless every weight of the text model came from the file.

    transformers makes up those that did not, at random.
    """
    for key, stored, expected in sorted(loaded["mismatched_keys"]):
        raise ModelError(
            f"the weights of {name} do not fit its config.json: {key} has the shape "
            f"{tuple(stored)}, the configuration asks for {tuple(expected)}; get both anew"
        )
    head = (architecture.final_norm, architecture.unembedding) if headless else ()
    absent = [key for key in loaded["missing_keys"] if not key.startswith(head)]
    missing = sorted(filter(architecture.is_used, absent))
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(
            f"{name} lacks weights that its config.json asks for: {missing[0]}{more}; get the "
            "whole causal language model"
        )


def read_tokenizer(name: str, options: dict[str, Any]) -> Any:
    """A checkpoint's tokenizer; raises ModelError when a folder holds none.

    ``options`` are transformers'; what it raises comes through.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    folder = Path(name)
    files = [path for pattern in _TOKENIZER_FILES for path in folder.glob(pattern)]
    if folder.is_dir() and "gguf_file" not in options and not files:
        raise ModelError(f"{name} holds no tokenizer; put its tokenizer.json there")
    if _states_plain_tokenizer(folder):
        return PreTrainedTokenizerFast.from_pretrained(name, **options)
    return AutoTokenizer.from_pretrained(name, **options)


def _states_plain_tokenizer(folder: Path) -> bool:
    """Whether a folder asks for its tokenizer.json as it stands.

    transformers gives some model types a tokenizer class of their own all the same, which puts
    other rules in the place of the file's.
    """
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    stated = config.get("tokenizer_class") if isinstance(config, dict) else None
    plain = stated in ("TokenizersBackend", "PreTrainedTokenizerFast")
    return plain and (folder / "tokenizer.json").is_file()


def _why(name: str, error: Exception, gguf_file: str | None) -> str:
    if isinstance(error, ImportError) and gguf_file is not None:
        return "GGUF files need the gguf package; install it with: pip install 'graphlabel[gguf]'"
    if Path(name).is_file():
        return f"{name} is a file; --model takes a model folder, a GGUF file or a Hugging Face id"
    if "trust_remote_code" in str(error):
        return f"{name} wants to run code of its own, which graphlabel never does"
    if Path(name).exists():
        return _why_not_this(Path(name), error, gguf_file)
    closed = gated(error, "model", name)
    if closed:
        return closed
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        return f"there is no model folder {name}; check --model"
    if not isinstance(error, OSError):
        return f"cannot load the model “{name}”: {_first_lines(error)}"
    return (
        f"there is no model “{name}”: it is no folder here, and the Hugging Face hub has no such "
        "model or cannot be reached; check --model"
    )


def _why_not_this(folder: Path, error: Exception, gguf_file: str | None) -> str:
    if gguf_file is not None:
        return f"cannot load {folder / gguf_file}: {_first_lines(error)}; get the file again"
    ggufs = sorted(path.name for path in folder.glob("*.gguf"))
    if ggufs and not (folder / "config.json").is_file():
        return f"{folder} holds GGUF files only; add --gguf-file {ggufs[0]}"
    return f"cannot load the model in {folder}: {_first_lines(error)}"


def _first_lines(error: Exception) -> str:
    """What an error says first; the line after a colon belongs to it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(lines[: 2 if lines[0].rstrip().endswith(":") else 1]).rstrip(". ")

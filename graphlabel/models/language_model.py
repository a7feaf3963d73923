"""Loading a language model with its tokenizer and architecture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from graphlabel.errors import ModelError
from graphlabel.hub import quiet_hub
from graphlabel.models.architectures import Architecture, architecture_of
from graphlabel.models.checkpoint import read_checkpoint
from graphlabel.revision import folder_revision

_CACHED = re.compile(r"/models--([^/]+)/snapshots/[0-9a-f]{40}$")


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model in evaluation mode, ready to be traced."""

    name: str
    revision: str
    model: nn.Module
    tokenizer: Any
    architecture: Architecture
    config: Any
    """The text model's configuration."""

    @property
    def n_layers(self) -> int:
        """How many blocks there are."""
        return int(self.config.num_hidden_layers)

    @property
    def d_model(self) -> int:
        """The width of the residual stream."""
        return int(self.config.hidden_size)

    @property
    def n_kv_heads(self) -> int:
        """How many heads keys and values have."""
        grouped = getattr(self.config, "num_key_value_heads", None)
        return int(grouped or self.config.num_attention_heads)

    @property
    def n_heads(self) -> int:
        """How many heads queries have."""
        return int(self.config.num_attention_heads)

    @property
    def is_parallel(self) -> bool:
        """Whether attention and MLP of a block both read its input."""
        return self.architecture.is_parallel(self.config)

    @property
    def first_feature_position(self) -> int:
        """Earlier positions carry neither features nor errors."""
        return self.architecture.first_feature_position(self.name)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def context_length(self) -> int:
        """The longest prompt the model takes, in tokens."""
        return int(getattr(self.config, "max_position_embeddings", 0) or 2**31)

    @property
    def logit_soft_cap(self) -> float | None:
        """The number c of c·tanh(logits / c), which Gemma 2 puts last."""
        cap = getattr(self.config, "final_logit_softcapping", None)
        return float(cap) if cap else None

    def module(self, name: str) -> nn.Module:
        """A module by its dotted name."""
        return self.model.get_submodule(name)

    def block(self, layer: int) -> nn.Module:
        """A block of the transformer."""
        return self.model.get_submodule(f"{self.architecture.blocks}.{layer}")


def load_language_model(
    name: str,
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
    gguf_file: str | None = None,
    attention: str = "eager",
    headless: bool = False,
) -> LanguageModel:
    """Load a model from a local folder or, by its id, from the Hugging Face hub.

    ``gguf_file`` names a GGUF file in there, whose weights are dequantised; ``name`` may also be
    such a file itself. Attention runs in eager mode where its patterns are read; ``sdpa`` is
    faster. ``headless`` allows a checkpoint without final norm and unembedding, whose logits mean
    nothing. Raises ModelError when the model cannot be had and UnsupportedArchitectureError when it
    cannot be traced.
    """
    quiet_hub()
    folder = Path(name)
    if gguf_file is None and folder.suffix == ".gguf" and folder.is_file():
        folder, gguf_file = folder.parent, folder.name
        name = str(folder)
    if folder.is_dir() and gguf_file is not None and not (folder / gguf_file).is_file():
        raise ModelError(f"{folder} holds no {gguf_file}; check --gguf-file")
    config, model, tokenizer = read_checkpoint(name, dtype, attention, gguf_file, headless=headless)
    model.requires_grad_(requires_grad=False)
    model.eval()
    return LanguageModel(
        name=_shown_name(folder, gguf_file) if folder.is_dir() else name,
        revision=folder_revision(folder) if folder.is_dir() else _hub_revision(name, gguf_file),
        model=model.to(device) if device else model,
        tokenizer=tokenizer,
        architecture=architecture_of(config.model_type),
        config=config.get_text_config(),
    )


def _hub_revision(name: str, gguf_file: str | None) -> str:
    """The commit that the hub's cache has of a model."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(name, gguf_file or "config.json")
    return folder_revision(Path(path).parent) if isinstance(path, str) else ""


def _shown_name(folder: Path, gguf_file: str | None) -> str:
    """A folder's name; of a snapshot in the hub's cache the model's id."""
    if gguf_file is not None:
        return Path(gguf_file).stem
    resolved = folder.resolve()
    cached = _CACHED.search(resolved.as_posix())
    return cached[1].replace("--", "/") if cached else resolved.name

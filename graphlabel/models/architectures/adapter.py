"""What tracing needs to know of an architecture, and the registry of known ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphlabel.errors import UnsupportedArchitectureError
from graphlabel.models.architectures.norms import Norm
from graphlabel.models.architectures.projections import ValueProjection


@dataclass(frozen=True, slots=True)
class Architecture:
    """A decoder-only transformer, by the names of its modules.

    Names are relative to the block, except the first four, which are relative to the model.
    """

    model_types: tuple[str, ...]
    """``config.model_type`` of the models this describes."""
    blocks: str = "model.layers"
    embedding: str = "model.embed_tokens"
    final_norm: str = "model.norm"
    unembedding: str = "lm_head"
    attention_norm: str | None = "input_layernorm"
    """The norm before attention; OLMo 2 has none."""
    value: ValueProjection = field(default_factory=ValueProjection)
    output: str = "self_attn.o_proj"
    mlp_norm: str | None = "post_attention_layernorm"
    """The norm before the MLP; OLMo 2 has none."""
    mlp: str = "mlp"
    post_attention_norm: str | None = None
    """A norm on the attention's output, before it is added to the residual stream."""
    post_mlp_norm: str | None = None
    norm: Norm = field(default_factory=Norm)
    parallel_flag: str | None = None
    """The configuration's flag that says attention and MLP both read the block's input."""
    embedding_scale: Callable[[int], float] = lambda _: 1.0
    """By how much the embedding row is multiplied, given d_model."""
    unscaled_in_circuit_tracer: bool = False
    """circuit-tracer takes the embedding row without that scale (its nnsight path, Gemma 3)."""
    instruction_header: tuple[str, int] | None = None
    """A piece of the names of models whose instruction-tuned versions ("…-it") carry no features
    at the first so many positions, the chat template's header."""

    def is_parallel(self, config: Any) -> bool:
        """Whether attention and MLP of a block read the same input."""
        return self.parallel_flag is not None and bool(getattr(config, self.parallel_flag))

    def is_used(self, weight: str) -> bool:
        """Whether a weight, by its name in the model, belongs to what is traced."""
        parts = (self.blocks, self.embedding, self.final_norm, self.unembedding)
        return weight.startswith(tuple(f"{part}." for part in parts))

    def first_feature_position(self, model_name: str) -> int:
        """The first position that carries features and errors; circuit-tracer's rule."""
        if self.instruction_header is not None:
            piece, header = self.instruction_header
            if piece in model_name and model_name.endswith("-it"):
                return header
        return 1


def architecture_of(model_type: str) -> Architecture:
    """The adapter of a model type; raises UnsupportedArchitectureError listing the known ones."""
    from graphlabel.models.architectures.known import ARCHITECTURES

    for architecture in ARCHITECTURES:
        if model_type in architecture.model_types:
            return architecture
    known = sorted(name for each in ARCHITECTURES for name in each.model_types)
    raise UnsupportedArchitectureError(
        f"graphlabel cannot trace the architecture “{model_type}”; it knows {', '.join(known)}"
    )

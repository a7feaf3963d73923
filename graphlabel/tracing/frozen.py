"""The local replacement model: one forward pass with everything nonlinear frozen.

Ameisen et al. 2025, "Circuit Tracing": with attention patterns and norm scales held fixed and each
MLP replaced by its transcoder plus an error, the residual stream is linear in its sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphlabel.errors import ModelError
from graphlabel.models import LanguageModel, Prompt
from graphlabel.models.architectures.adapter import norm_epsilon
from graphlabel.models.capture import capturing
from graphlabel.models.transcoders import ReadPoint, WritePoint


@dataclass(frozen=True, eq=False)
class FrozenLayer:
    """One block as a linear map. Vectors are in the dtype of the trace."""

    attention_scale: Float[Tensor, "positions d"]
    """The pre-attention norm."""
    pattern: Float[Tensor, "heads positions positions"]
    """Attention pattern: rows are queries, columns keys."""
    value: Float[Tensor, "kv_heads d_head d"]
    output: Float[Tensor, "heads d d_head"]
    post_attention_scale: Float[Tensor, "positions d"] | None
    """The norm on the attention's output, where the family has one."""
    residual_mid: Float[Tensor, "positions d"]
    """The residual stream between attention and MLP."""
    mlp_norm_scale: Float[Tensor, "positions 1"]
    mlp_norm_weight: Float[Tensor, " d"]
    mlp_output: Float[Tensor, "positions d"]
    """The MLP's output before any norm that follows it."""
    post_mlp_scale: Float[Tensor, "positions d"] | None
    """The norm on the MLP's output, where the family has one."""

    def read_scale(self, point: ReadPoint) -> Float[Tensor, "positions d"]:
        """What multiplies the mid residual stream on its way into a transcoder."""
        if point is ReadPoint.RESIDUAL:
            return torch.ones_like(self.residual_mid)
        if point is ReadPoint.NORMALIZED:
            return self.mlp_norm_scale.expand_as(self.residual_mid)
        return self.mlp_norm_scale * self.mlp_norm_weight

    def write_scale(self, point: WritePoint) -> Float[Tensor, "positions d"] | None:
        """What multiplies a transcoder's output on its way into the residual stream."""
        return self.post_mlp_scale if point is WritePoint.MLP_OUTPUT else None

    def written(self, point: WritePoint) -> Float[Tensor, "positions d"]:
        """What the MLP wrote at a write point."""
        if point is WritePoint.MLP_OUTPUT or self.post_mlp_scale is None:
            return self.mlp_output
        return self.mlp_output * self.post_mlp_scale


@dataclass(frozen=True, eq=False)
class FrozenModel:
    """The model's own pass over one prompt, as linear maps."""

    layers: tuple[FrozenLayer, ...]
    token_vectors: Float[Tensor, "positions d"]
    """Embedding rows as they enter the residual stream."""
    final_scale: Float[Tensor, " d"]
    """The final norm at the last position."""
    logits: Float[Tensor, " vocabulary"]
    """The model's real logits at the last position, soft-capped where the family does so."""

    @property
    def n_positions(self) -> int:
        """How many tokens the prompt has."""
        return int(self.token_vectors.shape[0])


@torch.no_grad()
def freeze(model: LanguageModel, prompt: Prompt, dtype: torch.dtype) -> FrozenModel:
    """Run the prompt once and keep every map the sweep needs, in ``dtype``."""
    names = _captured(model)
    with capturing(names) as captured:
        ids = torch.tensor([prompt.ids], device=model.device)
        answer = model.model(input_ids=ids, output_attentions=True, use_cache=False)
    if not answer.attentions or answer.attentions[0] is None:
        raise ModelError(
            f"{model.name} does not give its attention patterns; load it in eager mode"
        )
    patterns = [pattern[0].to(dtype) for pattern in answer.attentions]
    layers = tuple(
        _freeze_layer(model, layer, captured, patterns[layer], dtype)
        for layer in range(model.n_layers)
    )
    architecture = model.architecture
    final = model.module(architecture.final_norm)
    last = captured["final"][0, -1:].to(dtype)
    embedding = model.module(architecture.embedding).get_parameter("weight").detach()
    rows = embedding[ids[0]].to(dtype) * architecture.embedding_scale(model.d_model)
    return FrozenModel(
        layers=layers,
        token_vectors=rows,
        final_scale=architecture.norm.multiplier(final, last)[0],
        logits=answer.logits[0, -1].float(),
    )


def _captured(model: LanguageModel) -> dict[str, tuple[nn.Module, bool]]:
    """Modules to listen to, by name; True where the output is wanted and not the input."""
    architecture = model.architecture
    wanted: dict[str, tuple[nn.Module, bool]] = {
        "final": (model.module(architecture.final_norm), False)
    }
    for layer in range(model.n_layers):
        block = model.block(layer)
        for name, output in (
            (architecture.attention_norm, False),
            (architecture.mlp_norm, False),
            (architecture.mlp, True),
            (architecture.post_attention_norm, False),
            (architecture.post_mlp_norm, False),
        ):
            if name is not None:
                wanted[f"{layer}.{name}"] = (block.get_submodule(name), output)
    return wanted


def _freeze_layer(
    model: LanguageModel,
    layer: int,
    captured: dict[str, Tensor],
    pattern: Tensor,
    dtype: torch.dtype,
) -> FrozenLayer:
    architecture, block = model.architecture, model.block(layer)

    def at(name: str) -> Tensor:
        return captured[f"{layer}.{name}"][0].to(dtype)

    def frozen(name: str) -> Tensor:
        return architecture.norm.multiplier(block.get_submodule(name), at(name))

    after_attention, after_mlp = architecture.post_attention_norm, architecture.post_mlp_norm

    n_heads, d_model = pattern.shape[0], model.d_model
    value = block.get_submodule(architecture.value).get_parameter("weight").detach().to(dtype)
    output = block.get_submodule(architecture.output).get_parameter("weight").detach().to(dtype)
    d_head = output.shape[1] // n_heads
    mlp_norm = block.get_submodule(architecture.mlp_norm)
    residual_mid = at(architecture.mlp_norm)
    return FrozenLayer(
        attention_scale=frozen(architecture.attention_norm),
        pattern=pattern,
        value=value.view(-1, d_head, d_model),
        output=output.view(d_model, n_heads, d_head).transpose(0, 1),
        post_attention_scale=frozen(after_attention) if after_attention else None,
        residual_mid=residual_mid,
        mlp_norm_scale=architecture.norm.scale(residual_mid, norm_epsilon(mlp_norm)),
        mlp_norm_weight=architecture.norm.weight(mlp_norm, dtype),
        mlp_output=at(architecture.mlp),
        post_mlp_scale=frozen(after_mlp) if after_mlp else None,
    )

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
from graphlabel.models.architectures import FrozenNorm
from graphlabel.models.architectures.projections import linear_bias, linear_weight
from graphlabel.models.capture import capturing, mlp_inputs, mlp_norm
from graphlabel.models.transcoders import ReadPoint, WritePoint


@dataclass(frozen=True, eq=False)
class FrozenLayer:
    """One block as a linear map. Vectors are in the dtype of the trace."""

    attention_norm: FrozenNorm | None
    """The pre-attention norm."""
    pattern: Float[Tensor, "heads positions positions"]
    """Attention pattern: rows are queries, columns keys."""
    value: Float[Tensor, "kv_heads d_head d"]
    """Like ``output`` in the dtype of matrix products."""
    output: Float[Tensor, "heads d d_head"]
    attention_bias: Float[Tensor, " d"] | None
    """What attention writes whatever its input, before any norm on its output: biases of values,
    of the output and of the norm before it. No node; patterns sum to one, so positions agree."""
    post_attention_norm: FrozenNorm | None
    """The norm on the attention's output, where the family has one."""
    residual: Float[Tensor, "positions d"]
    """The residual stream that the MLP reads: after attention, or the block's input (parallel)."""
    mlp_norm: FrozenNorm | None
    unweighted_mlp_norm: FrozenNorm | None
    """``mlp_norm`` without weight and bias."""
    mlp_output: Float[Tensor, "positions d"]
    """The MLP's output before any norm that follows it."""
    post_mlp_norm: FrozenNorm | None
    """The norm on the MLP's output, where the family has one."""

    def attend(self, x: Float[Tensor, "positions d"]) -> Float[Tensor, "positions d"]:
        """What attention writes for a residual stream, biases left out: linear."""
        entering = x if self.attention_norm is None else self.attention_norm.linear(x)
        values = torch.einsum("pd,gkd->gpk", entering, self.value)
        values = values.repeat_interleave(len(self.pattern) // len(values), dim=0)
        mixed = torch.einsum("hqp,hpk->hqk", self.pattern, values)
        out = torch.einsum("hqk,hdk->qd", mixed, self.output)
        return out if self.post_attention_norm is None else self.post_attention_norm.linear(out)

    def reading(self, point: ReadPoint) -> FrozenNorm | None:
        """The map from the residual stream to a read point; None: the stream itself."""
        if point is ReadPoint.RESIDUAL:
            return None
        return self.unweighted_mlp_norm if point is ReadPoint.NORMALIZED else self.mlp_norm

    def read(self, point: ReadPoint) -> Float[Tensor, "positions d"]:
        """What a transcoder reads."""
        norm = self.reading(point)
        return self.residual if norm is None else norm(self.residual)

    def writing(self, point: WritePoint) -> FrozenNorm | None:
        """The map from a write point to the residual stream; None: the stream itself."""
        return self.post_mlp_norm if point is WritePoint.MLP_OUTPUT else None

    def written(self, point: WritePoint) -> Float[Tensor, "positions d"]:
        """What the MLP wrote at a write point."""
        if point is WritePoint.MLP_OUTPUT or self.post_mlp_norm is None:
            return self.mlp_output
        return self.post_mlp_norm(self.mlp_output)


@dataclass(frozen=True, eq=False)
class FrozenModel:
    """The model's own pass over one prompt, as linear maps."""

    layers: tuple[FrozenLayer, ...]
    is_parallel: bool
    """Whether the MLP of a block reads what its attention reads."""
    token_vectors: Float[Tensor, "positions d"]
    """Embedding rows as they enter the residual stream."""
    embedded: Float[Tensor, "positions d"]
    """What enters the first block: token vectors and, where there are any, position embeddings."""
    final_norm: FrozenNorm
    final_residual: Float[Tensor, "positions d"]
    """What the final norm reads."""
    logits: Float[Tensor, " vocabulary"]
    """The model's real logits at the last position, soft-capped where the family does so."""

    @property
    def n_positions(self) -> int:
        """How many tokens the prompt has."""
        return int(self.token_vectors.shape[0])


@torch.no_grad()
def freeze(
    model: LanguageModel,
    prompt: Prompt,
    dtype: torch.dtype,
    *,
    matrix_dtype: torch.dtype | None = None,
    like_circuit_tracer: bool = False,
) -> FrozenModel:
    """Run the prompt once and keep every map the sweep needs, in ``dtype``.

    Patterns and attention weights are kept in ``matrix_dtype``. ``like_circuit_tracer`` leaves out
    the embedding scale where circuit-tracer does.
    """
    architecture = model.architecture
    with capturing(_captured(model)) as captured:
        ids = torch.tensor([prompt.ids], device=model.device)
        answer = model.model(input_ids=ids, output_attentions=True, use_cache=False)
    if not answer.attentions or answer.attentions[0] is None:
        raise ModelError(
            f"{model.name} does not give its attention patterns; load it in eager mode"
        )
    layers = tuple(
        _freeze_layer(model, layer, captured, pattern[0], dtype, matrix_dtype or dtype)
        for layer, pattern in enumerate(answer.attentions)
    )
    final_residual = captured["final"][0].to(dtype)
    embedding = model.module(architecture.embedding).get_parameter("weight").detach()
    rows = embedding[ids[0]].to(dtype)
    if not (like_circuit_tracer and architecture.unscaled_in_circuit_tracer):
        rows = rows * architecture.embedding_scale(model.d_model)
    return FrozenModel(
        layers=layers,
        is_parallel=model.is_parallel,
        token_vectors=rows,
        embedded=captured["embedded"][0].to(dtype),
        final_norm=architecture.norm.freeze(model.module(architecture.final_norm), final_residual),
        final_residual=final_residual,
        logits=answer.logits[0, -1].to(dtype),
    )


def _captured(model: LanguageModel) -> dict[str, tuple[nn.Module, bool]]:
    """Modules to listen to, by name; True where the output is wanted and not the input."""
    architecture = model.architecture
    wanted = {f"{layer}.read": module for layer, module in mlp_inputs(model).items()}
    wanted["final"] = (model.module(architecture.final_norm), False)
    wanted["embedded"] = (model.block(0), False)
    for layer in range(model.n_layers):
        block = model.block(layer)
        for name, output in (
            (architecture.attention_norm, False),
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
    matrix_dtype: torch.dtype,
) -> FrozenLayer:
    architecture, block = model.architecture, model.block(layer)

    def at(name: str) -> Tensor:
        return captured[f"{layer}.{name}"][0].to(dtype)

    def frozen(name: str | None) -> FrozenNorm | None:
        if name is None:
            return None
        return architecture.norm.freeze(block.get_submodule(name), at(name))

    residual, n_heads = at("read"), pattern.shape[0]
    before_mlp = mlp_norm(model, layer, ReadPoint.MLP_INPUT)
    output = linear_weight(block.get_submodule(architecture.output), matrix_dtype)
    d_head = output.shape[1] // n_heads
    attention_norm = frozen(architecture.attention_norm)
    return FrozenLayer(
        attention_norm=attention_norm,
        pattern=pattern.to(matrix_dtype),
        value=architecture.value.weight(block, model.n_kv_heads, d_head, matrix_dtype),
        output=output.reshape(model.d_model, n_heads, d_head).transpose(0, 1),
        attention_bias=_attention_bias(
            model, block, attention_norm.bias if attention_norm else None, n_heads, dtype
        ),
        post_attention_norm=frozen(architecture.post_attention_norm),
        residual=residual,
        mlp_norm=architecture.norm.freeze(before_mlp, residual) if before_mlp else None,
        unweighted_mlp_norm=(
            architecture.norm.freeze_unweighted(before_mlp, residual) if before_mlp else None
        ),
        mlp_output=at(architecture.mlp),
        post_mlp_norm=frozen(architecture.post_mlp_norm),
    )


def _attention_bias(
    model: LanguageModel,
    block: nn.Module,
    norm_bias: Tensor | None,
    n_heads: int,
    dtype: torch.dtype,
) -> Tensor | None:
    """Wᴼ(b_V + Wⱽ b_norm) + b_O; None when there are no biases."""
    projection, n_groups = model.architecture.value, model.n_kv_heads
    out = block.get_submodule(model.architecture.output)
    weight, bias = linear_weight(out, dtype), linear_bias(out, dtype)
    d_head = weight.shape[1] // n_heads
    values = projection.bias(block, n_groups, d_head, dtype)
    if norm_bias is not None:
        normed = projection.weight(block, n_groups, d_head, dtype) @ norm_bias
        values = normed if values is None else values + normed
    if values is None:
        return bias
    written = weight @ values.repeat_interleave(n_heads // n_groups, dim=0).flatten()
    return written if bias is None else written + bias

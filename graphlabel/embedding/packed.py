"""Linear layers in bfloat16 on the CPU with their weights laid out for oneDNN beforehand.

torch lays weights out anew at every call, copies the bias into the result before it multiplies, and
computes a GELU that follows in a pass of its own. It has operators that do none of that, which its
compiler uses, here called by name; where a release lacks them, layers stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def pack_linears(model: torch.nn.Module) -> None:
    """Let every linear layer run so, with the GELU after those that BERT's kin widen with."""
    import torch
    from transformers.activations import GELUActivation

    if not _has_operators():
        return
    for module in model.modules():
        activation = getattr(module, "intermediate_act_fn", None)
        is_gelu = isinstance(activation, GELUActivation)
        for name, layer in module.named_children():
            if type(layer) is torch.nn.Linear:
                _pack(layer, with_gelu=is_gelu and name == "dense")
        if is_gelu:
            module.intermediate_act_fn = torch.nn.Identity()


def _has_operators() -> bool:
    import torch

    backend: Any = torch.backends.mkldnn
    names = ("_linear_pointwise", "_reorder_linear_weight")
    return backend.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in names)


def _pack(layer: torch.nn.Linear, *, with_gelu: bool) -> None:
    import torch

    operators: Any = torch.ops.mkldnn
    weight, bias = operators._reorder_linear_weight(layer.weight.detach()), layer.bias
    after, how = ("gelu", "none") if with_gelu else ("none", "")

    def forward(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = operators._linear_pointwise(x, weight, bias, after, [], how)
        return result

    vars(layer)["forward"] = forward

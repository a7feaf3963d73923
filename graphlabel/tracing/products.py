"""Matrix products whose factors may be bfloat16 and whose sums are always float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.processor import cpu_has_bfloat16


def multiply(
    left: Float[Tensor, "*batch n d_in"],
    right: Float[Tensor, "*batch d_in d_out"],
    *,
    rounded: bool = False,
) -> Float[Tensor, "*batch n d_out"]:
    """A product in the factors' dtype; where one of them is bfloat16, both are rounded to it.

    The sums of such a product are kept and given back in float32, never rounded to bfloat16: by
    cuBLAS on a GPU, by oneDNN's implicit bfloat16 on a CPU. A CPU without bfloat16 multiplies in
    float32. ``rounded`` is for products that are factors of another and so will be rounded anyway:
    they are given back in bfloat16, which saves time and memory.
    """
    if torch.bfloat16 not in (left.dtype, right.dtype):
        return left @ right
    if rounded and (left.is_cuda or cpu_has_bfloat16()):
        return left.bfloat16() @ right.bfloat16()
    if left.device.type == "cpu":
        with _implicit_bfloat16():
            return left.float() @ right.float()
    left, right = left.bfloat16(), right.bfloat16()
    if left.is_cuda and hasattr(torch.ops.aten.mm, "dtype"):
        product = torch.bmm if left.dim() == 3 else torch.mm
        return product(left, right, out_dtype=torch.float32)
    return (left @ right).float()


def add_product(
    total: Float[Tensor, "n d_out"],
    left: Float[Tensor, "n d_in"],
    right: Float[Tensor, "d_in d_out"],
) -> None:
    """Add a product to a matrix in place.

    In bfloat16 on a CPU the product is rounded once before it is added; the sum is not.
    """
    if left.dtype == right.dtype == total.dtype:
        total.addmm_(left, right)
    else:
        total.add_(multiply(left, right, rounded=total.device.type == "cpu"))


@contextmanager
def _implicit_bfloat16() -> Iterator[None]:
    """Products of float32 matrices round their factors to bfloat16 where that is faster."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)

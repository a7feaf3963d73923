"""Products in bfloat16: factors are rounded, sums are not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlabel.tracing.products import add_product, multiply

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def off(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", [(64, 512, 96), (3, 64, 512, 96)], ids=["matrix", "batch"])
def test_sums_are_float32(device: str, shape: tuple[int, ...]) -> None:
    """Against float64 over the rounded factors: 1e-6, where a sum rounded to bfloat16 is 1e-3 off.

    A processor without bfloat16 multiplies in float32, which the other bound allows: 3e-3.
    """
    *batch, n, d_in, d_out = shape
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(*batch, n, d_in, generator=generator)
    right = torch.randn(*batch, d_in, d_out, generator=generator).bfloat16()
    exact = left.double() @ right.double()
    rounded = left.bfloat16().double() @ right.double()
    before = torch.get_float32_matmul_precision()
    for factors in ((left, right), (left.bfloat16(), right.float())):
        found = multiply(*(each.to(device) for each in factors)).cpu()
        assert found.dtype == torch.float32
        assert off(found, exact) <= 3e-3
        assert min(off(found, rounded), off(found, exact)) <= 1e-6
    assert off((left.bfloat16() @ right).float(), rounded) >= 1e-3
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_other_dtypes_are_left_alone(dtype: torch.dtype) -> None:
    left, right = torch.randn(4, 8, dtype=dtype), torch.randn(8, 5, dtype=dtype)
    assert torch.equal(multiply(left, right), left @ right)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_are_added_in_place(dtype: torch.dtype) -> None:
    """float32: 1e-6."""
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.randn(6, 6, generator=generator).to(dtype) for _ in range(2))
    total = torch.randn(6, 6, generator=generator).to(dtype)
    expected = total + left @ right
    add_product(total, left, right)
    torch.testing.assert_close(total, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_what_bfloat16_products_are_added_to_is_not_rounded(device: str) -> None:
    """The product is off by 2^-8 of itself at most; the sum keeps float32's digits."""
    generator = torch.Generator().manual_seed(1)
    left, right = (torch.randn(64, 64, generator=generator).bfloat16() for _ in range(2))
    before = 1_000 * torch.randn(64, 64, generator=generator)
    product = left.double() @ right.double()
    total = before.clone().to(device)
    add_product(total, left.to(device), right.to(device))
    assert total.dtype == torch.float32
    added = total.cpu().double() - before.double()
    assert off(added, product) <= 2**-8

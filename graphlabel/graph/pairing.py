"""The number circuit-tracer gives a feature of a layer."""

from __future__ import annotations

from math import isqrt


def cantor(layer: int, feature: int) -> int:
    """The Cantor pairing of layer and feature index that circuit-tracer's files use."""
    total = layer + feature
    return total * (total + 1) // 2 + feature


def cantor_inverse(code: int) -> tuple[int, int]:
    """The layer and feature index of a Cantor pairing."""
    diagonal = (isqrt(8 * code + 1) - 1) // 2
    feature = code - diagonal * (diagonal + 1) // 2
    return diagonal - feature, feature

"""Hashed priorities and window keys: the same for a token wherever and whenever it is seen.

The mixing function is the finaliser of SplitMix64 (Steele, Lea & Flood 2014), a bijection of 64-bit
words.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt64

REACH = 8
"""Examples whose tokens agree this far to either side of their peaks are one example."""
POSITION_BITS = 20
"""A token's place in the corpus is its sequence's number, then its position in so many bits."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mix(words: UInt64[np.ndarray, "*n"]) -> UInt64[np.ndarray, "*n"]:
    """SplitMix64's output function."""
    words = words + _GAMMA
    words = (words ^ (words >> _30)) * _FIRST
    words = (words ^ (words >> _27)) * _SECOND
    words ^= words >> _31
    return words


def places(sequence: Int[np.ndarray, " batch"], length: int) -> Int[np.ndarray, " tokens"]:
    """The place in the corpus of every token of a batch."""
    return ((sequence[:, None] << POSITION_BITS) + np.arange(length)).ravel()


def token_hashes(place: Int[np.ndarray, " n"], seed: int) -> Int[np.ndarray, " n"]:
    """One word a token. A firing's priority is its token's word xor its feature's.

    Both words are hashes, so a feature's priorities are a uniform order of its tokens, and since
    the mixing is a bijection no two of them are equal.
    """
    salt = mix(np.array([seed], np.int64).view(np.uint64))
    return mix(place.view(np.uint64) ^ salt).view(np.int64)


def feature_hashes(layer: int, n_features: int, seed: int) -> Int[np.ndarray, " n_features"]:
    """One word a feature."""
    salt = mix(np.array([~seed], np.int64).view(np.uint64))
    key = (np.int64(layer + 1) << np.int64(40)) + np.arange(n_features, dtype=np.int64)
    return mix(mix(key.view(np.uint64)) ^ salt).view(np.int64)


def window_keys(ids: Int[np.ndarray, "batch positions"]) -> Int[np.ndarray, " tokens"]:
    """A word for the tokens from 8 before to 8 after every place; ids below 0 are no tokens."""
    length = ids.shape[1]
    tokens = np.zeros((len(ids), length + 2 * REACH), np.uint64)
    tokens[:, REACH:-REACH] = (ids.astype(np.int64) + 1).view(np.uint64)
    word = np.zeros((len(ids), length), np.uint64)
    for start in range(2 * REACH + 1):
        word = mix(word ^ tokens[:, start : start + length])
    return word.view(np.int64).ravel()

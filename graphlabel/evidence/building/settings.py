"""What is kept of every feature, and how the corpus is read."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from graphlabel.errors import UsageError
from graphlabel.records import TranscoderSet

BLOCK_TOKENS = 16_384
"""Shards and checkpoints are cut at blocks of about so many tokens."""


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an index keeps of every feature. All of it is part of the index's identity."""

    top: int = 20
    """Examples with the largest activations: peaks of different sequences, no two the same."""
    quantiles: int = 10
    """Stretches of the distribution of positive activations, equal in count."""
    per_quantile: int = 3
    """Examples of each stretch."""
    reservoir: int = 100
    """Firing tokens drawn per feature; their ranks say where the quantiles lie."""
    radius: int = 16
    """Tokens kept on either side of the token an example is for."""
    batch_size: int = 32
    """Sequences that go through the model together."""
    seed: int = 0
    context_length: int = 128
    """Tokens of a sequence, its first special token included."""
    layers: tuple[int, ...] | None = None
    """The layers whose features are indexed; None: every layer that has a transcoder."""
    max_features_per_layer: int = 0
    """Index only so many features of a layer, the first ones; 0: all."""
    dtype: str = "float32"
    """What the model and the encoders compute in."""

    def __post_init__(self) -> None:
        """Refuse settings that make no sense."""
        least = {"top": 1, "quantiles": 1, "per_quantile": 1, "radius": 1, "batch_size": 1}
        least |= {"reservoir": self.quantiles, "context_length": 2, "max_features_per_layer": 0}
        for name, minimum in least.items():
            if getattr(self, name) < minimum:
                raise UsageError(f"{name} is {getattr(self, name)}; it should be {minimum} or more")

    @property
    def block_sequences(self) -> int:
        """How many sequences make a block."""
        return max(1, BLOCK_TOKENS // self.context_length)


@dataclass(frozen=True, slots=True)
class Identity:
    """What an index is of: two runs of one identity make the same index, byte for byte."""

    transcoder_set: TranscoderSet
    model_revision: str
    corpus: str
    n_tokens: int
    """The most tokens to read, special ones not counted; 0: the whole corpus."""
    settings: IndexSettings

    def difference(self, other: Identity) -> str:
        """The parts in which two identities differ, by name; empty when they are the same."""
        mine, theirs = msgspec.to_builtins(self), msgspec.to_builtins(other)
        flat = [{**each.pop("settings"), **each} for each in (mine, theirs)]
        return ", ".join(name for name in flat[0] if flat[0][name] != flat[1][name])


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of a corpus: every ``of``-th block from ``number`` on."""

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        """Refuse a part that is not one of them."""
        if not 0 <= self.number < self.of:
            raise UsageError(
                f"there is no shard {self.number} of {self.of}; count from 0 to {self.of - 1}"
            )

    def has(self, block: int) -> bool:
        """Whether a block belongs to this shard."""
        return block % self.of == self.number

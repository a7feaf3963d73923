"""What a training run does, and what makes two runs the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from graphlabel.errors import UsageError

Report = Callable[[str, int, int], None]
"""Told the phase, how much of it is done, and how much there is to do."""
OPTIMIZERS = ("signum", "adam")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What decides the weights that come out."""

    width: int = 4096
    """Features of each layer's transcoder."""
    k: int = 32
    """Features that may fire at a token."""
    tokens: int = 10_000_000
    """Tokens to train on, special ones counted."""
    context_length: int = 256
    batch_size: int = 32
    """Sequences of a step."""
    seed: int = 0
    layers: tuple[int, ...] | None = None
    """Blocks whose MLPs get a transcoder; None: all."""
    skip: bool = False
    """Whether a linear map goes beside the features (Paulo et al. 2025)."""
    optimizer: str = "signum"
    learning_rate: float = 0.0
    """0: sparsify's own choice, from the width."""
    self_share: float = 0.1
    """How much of the text the model writes itself, where there is other text beside it."""
    held_out_tokens: int = 16_384
    """Tokens that are not trained on but evaluated."""
    splice_tokens: int = 4096
    """Of those, on how many the cross-entropy is taken; 0: not at all."""
    dtype: str = "float32"
    """What the language model runs in; the transcoders' weights are float32."""

    def __post_init__(self) -> None:
        """Raise UsageError for settings that make no sense."""
        if self.k > self.width:
            raise UsageError(f"of {self.width} features {self.k} cannot fire; choose a smaller --k")
        if self.optimizer not in OPTIMIZERS:
            known = " or ".join(OPTIMIZERS)
            raise UsageError(f"there is no optimizer “{self.optimizer}”; choose {known}")
        if not 0 < self.self_share <= 1:
            raise UsageError(
                f"--self-share is {self.self_share}; choose a share above 0, at most 1"
            )
        if self.n_held_out < 1 or self.n_steps < 1:
            raise UsageError(
                f"--tokens and --held-out-tokens hold not one batch of {self.tokens_of_step:,}; "
                "choose more of them, or a smaller --batch-size"
            )

    @property
    def tokens_of_step(self) -> int:
        """Tokens of an optimisation step."""
        return self.batch_size * self.context_length

    @property
    def n_steps(self) -> int:
        """Steps of the whole run."""
        return self.tokens // self.tokens_of_step

    @property
    def n_held_out(self) -> int:
        """Sequences to evaluate."""
        return -(-self.held_out_tokens // self.context_length)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a training run is of: equal ones may go on with each other's checkpoints."""

    model: str
    model_revision: str
    corpora: tuple[str, ...]
    settings: TrainingSettings
    version: int = 1

    def difference(self, other: Identity) -> str:
        """The first thing in which two differ, in words; empty when they are equal."""
        mine, theirs = (asdict(each.settings) | asdict(each) for each in (self, other))
        mine.pop("settings")
        for name, value in mine.items():
            if value != theirs[name]:
                return f"{name.replace('_', ' ')} {theirs[name]}, not {value}"
        return ""

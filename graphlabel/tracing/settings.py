"""How a graph is traced and pruned."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from graphlabel.errors import UsageError


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """How a graph is traced and pruned; defaults are circuit-tracer's."""

    max_n_logits: int = 10
    desired_logit_prob: float = 0.95
    max_feature_nodes: int | None = 7500
    """At most so many features get a row; None: all active ones."""
    batch_size: int = 256
    """Targets swept together."""
    update_interval: int = 4
    """Batches between two rankings of what is left."""
    node_threshold: float = 0.8
    edge_threshold: float = 0.98
    dtype: str = "float32"
    """Of the model's weights. bfloat16 also makes the sweep multiply in it, accumulating in
    float32; float64 computes everything in it, the others in float32."""
    chunk_size: int | None = None
    """Targets swept together; None: up to ``batch_size``, as memory allows."""
    targets: tuple[str, ...] = ()
    """What to explain, as ``chosen_targets`` reads it; none: the salient logits."""
    position: int | None = None
    """Whose next token to explain; None: the last one's. What follows it is left out."""
    compat: str = ""
    """``circuit-tracer`` repeats what that tool gets wrong: Gemma 3's token vectors lack their
    scale."""
    partial: bool = False
    """Accept transcoders for the first layers only."""

    def __post_init__(self) -> None:
        """Raise UsageError for a compat that is not known."""
        if self.compat not in ("", "circuit-tracer"):
            raise UsageError(
                f"there is no --compat “{self.compat}”; the only one is circuit-tracer"
            )

    @property
    def compute_dtype(self) -> torch.dtype:
        """In what vectors are kept."""
        return torch.float64 if self.dtype == "float64" else torch.float32

    @property
    def matrix_dtype(self) -> torch.dtype:
        """In what matrices are multiplied."""
        return torch.bfloat16 if self.dtype == "bfloat16" else self.compute_dtype

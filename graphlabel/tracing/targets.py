"""Which outputs a graph explains."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.models import LanguageModel
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sweep import Targets


@dataclass(frozen=True, eq=False)
class LogitTargets:
    """The next tokens a graph explains, most probable first."""

    ids: tuple[int, ...]
    probabilities: Float[Tensor, " logits"]
    """The model's own probabilities, float32."""
    covectors: Float[Tensor, "logits d"]
    """W_U[:, t] minus its mean over the vocabulary, pulled back through the frozen final norm."""

    def as_targets(self, frozen: FrozenModel) -> Targets:
        """Where their covectors enter the sweep: on top, at the last position."""
        count = len(self.ids)
        return Targets(
            layer=torch.full((count,), len(frozen.layers)),
            position=torch.full((count,), frozen.n_positions - 1),
            vector=self.covectors,
        )


@torch.no_grad()
def salient_logits(
    model: LanguageModel,
    frozen: FrozenModel,
    *,
    max_n_logits: int = 10,
    desired_logit_prob: float = 0.95,
) -> LogitTargets:
    """The smallest set of top logits with the desired probability, at most ``max_n_logits``."""
    probabilities = torch.softmax(frozen.logits, dim=-1)
    top, ids = probabilities.topk(min(max_n_logits, len(probabilities)))
    wanted = torch.tensor(desired_logit_prob, device=top.device)
    count = int(torch.searchsorted(top.cumsum(0), wanted)) + 1
    top, ids = top[:count], ids[:count]
    unembedding = model.module(model.architecture.unembedding).get_parameter("weight").detach()
    dtype = frozen.token_vectors.dtype
    centred = unembedding[ids].to(dtype) - unembedding.to(dtype).mean(dim=0)
    return LogitTargets(tuple(ids.tolist()), top, centred * frozen.final_scale)

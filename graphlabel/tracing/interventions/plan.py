"""The interventions on one layer's features, ready to be applied to its activations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.models.transcoders import TranscoderLayer
from graphlabel.tracing.interventions.intervention import Action, Intervention


class LayerPlan:
    """What happens to the features of a layer, and what that writes."""

    def __init__(
        self,
        interventions: Sequence[Intervention],
        transcoder: TranscoderLayer,
        first_position: int,
        original: Float[Tensor, "positions d_transcoder"],
    ) -> None:
        """``original``: the activations on the unchanged prompt, which factors multiply."""
        self._interventions, self._first, self._original = interventions, first_position, original
        features = torch.tensor([each.feature for each in interventions])
        self._decoders = {
            layer: transcoder.decoder_rows(features, layer).to(original)
            for layer in transcoder.write_layers
        }
        self._feature = features.to(original.device)
        self._amount = original.new_tensor([each.amount for each in interventions])
        self._scales = self._flags(each.action is Action.SCALE for each in interventions)
        self._conditional = self._flags(each.conditional for each in interventions)

    @property
    def write_layers(self) -> tuple[int, ...]:
        """The layers that are written to."""
        return tuple(self._decoders)

    def changes(
        self, current: Float[Tensor, "positions d_transcoder"], offset: int = 0
    ) -> Float[Tensor, "positions interventions"]:
        """By how much each intervention changes its feature at each position.

        ``current`` are the activations of the run that is changed, whose first position is number
        ``offset`` of the text.
        """
        now = current[:, self._feature]
        known = self._original[offset:, self._feature]
        base = torch.cat([known, now[len(known) :]])
        new = torch.where(self._scales, self._amount * base, self._amount)
        changes = torch.where(self._conditional & (now == 0), torch.zeros_like(now), new - now)
        return changes * self._places(len(now), offset)

    def written(
        self, changes: Float[Tensor, "positions interventions"]
    ) -> dict[int, Float[Tensor, "positions d"]]:
        """What the changes add at each layer that the transcoder writes to."""
        return {layer: changes @ rows for layer, rows in self._decoders.items()}

    def changed(
        self,
        current: Float[Tensor, "positions d_transcoder"],
        changes: Float[Tensor, "positions interventions"],
    ) -> Float[Tensor, "positions d_transcoder"]:
        """The activations with the changes in them."""
        return current.index_add(1, self._feature, changes)

    def _places(self, n_positions: int, offset: int) -> Tensor:
        """1 where an intervention acts, 0 elsewhere: positions by interventions."""
        places = self._amount.new_zeros(n_positions, len(self._interventions))
        for column, each in enumerate(self._interventions):
            if each.position is None:
                places[max(self._first - offset, 0) :, column] = 1
            elif 0 <= each.position - offset < n_positions:
                places[each.position - offset, column] = 1
        return places

    def _flags(self, values: Iterable[bool]) -> Tensor:
        return torch.tensor(list(values), dtype=torch.bool, device=self._original.device)

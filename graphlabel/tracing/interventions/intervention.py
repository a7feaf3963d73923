"""What is done to which features where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from graphlabel.errors import UsageError
from graphlabel.models import LanguageModel, Prompt, Transcoders

LARGEST_AMOUNT = 1e9
"""No change is meant to be larger; far beyond it the squares that norms take leave float32, and
logits would be finite and wrong."""


class Action(StrEnum):
    """How a feature's new activation is found."""

    SET = "set"
    """It is the amount."""
    SCALE = "scale"
    """It is the amount times the activation on the unchanged prompt; of a token that is only
    generated, times the activation there."""


class Regime(StrEnum):
    """What may react to an intervention."""

    CONSTRAINED = "constrained"
    """Nothing: attention patterns, norm scales and all other features are held. The change of a
    logit is then the sum of the graph's edges (circuit-tracer: ``constrained_layers`` over all
    layers)."""
    PATTERNS = "patterns"
    """Everything but attention patterns (circuit-tracer's default: ``freeze_attention``)."""
    FREE = "free"
    """Everything."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """A feature's activation becomes another one."""

    layer: int
    feature: int
    position: int | None
    """None: every position that carries features, tokens that are generated included."""
    amount: float
    action: Action = Action.SCALE
    conditional: bool = False
    """Only where the feature fires at that moment, in the changed run."""

    def __str__(self) -> str:
        place = "everywhere" if self.position is None else f"@{self.position}"
        return f"L{self.layer} #{self.feature} {place}"


def check(
    interventions: Sequence[Intervention],
    model: LanguageModel,
    transcoders: Transcoders,
    prompt: Prompt,
) -> None:
    """Raise UsageError for a feature or position that is not there, or one changed twice.

    So are amounts that are no numbers or larger than ``LARGEST_AMOUNT`` either way.
    """
    first, n_positions = model.first_feature_position, len(prompt.ids)
    seen: dict[tuple[int, int], set[int | None]] = {}
    for each in interventions:
        if not abs(each.amount) <= LARGEST_AMOUNT:
            raise UsageError(
                f"{each} cannot be changed by {each.amount:g}; "
                f"give a number from {-LARGEST_AMOUNT:g} to {LARGEST_AMOUNT:g}"
            )
        layers = transcoders.layers
        if not 0 <= each.layer < len(layers):
            raise UsageError(
                f"there is no layer {each.layer}; the model has 0 to {len(layers) - 1}"
            )
        width = layers[each.layer].n_features
        if not 0 <= each.feature < width:
            raise UsageError(
                f"layer {each.layer} has no feature {each.feature}; its transcoder has {width}"
            )
        if each.position is not None and not first <= each.position < n_positions:
            raise UsageError(
                f"{each} cannot be changed: positions {first} to {n_positions - 1} carry features"
            )
        places = seen.setdefault((each.layer, each.feature), set())
        if places and (each.position in places or None in (each.position, *places)):
            raise UsageError(f"{each} is changed twice; leave one out")
        places.add(each.position)

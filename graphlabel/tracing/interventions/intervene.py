"""Changing features and seeing what the model then says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.errors import UsageError
from graphlabel.graph import NodeKey
from graphlabel.models import LanguageModel, Prompt, Transcoders, fitted
from graphlabel.models.capture import capturing
from graphlabel.tracing.frozen import FrozenModel, freeze
from graphlabel.tracing.interventions.constrained import constrained_logits
from graphlabel.tracing.interventions.intervention import Intervention, Regime, check
from graphlabel.tracing.interventions.plan import LayerPlan
from graphlabel.tracing.interventions.running import Changing, pattern_modules, patterns_held


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run said at the last position, and how strongly watched features fired."""

    logits: Float[Tensor, " vocabulary"]
    """The model's real logits, soft-capped where the family does so; float64 for such weights,
    else float32."""
    activations: Float[Tensor, " watched"]
    """Of the watched features, the changes included."""


@dataclass(frozen=True, eq=False)
class Intervened:
    """A prompt's outcome before and after some features were changed."""

    before: Outcome
    after: Mapping[Regime, Outcome]


class Experiment:
    """One prompt's unchanged run, to which any number of interventions can be compared."""

    def __init__(
        self,
        model: LanguageModel,
        transcoders: Transcoders,
        prompt: Prompt,
        *,
        partial: bool = False,
    ) -> None:
        """Run the prompt; raises TranscoderError when the transcoders do not fit the model."""
        self.model, self.prompt = model, prompt
        self.transcoders = fitted(model, transcoders, partial=partial)
        exact = next(model.model.parameters()).dtype is torch.float64
        with capturing(pattern_modules(model)) as self._projections:
            self.frozen: FrozenModel = freeze(
                model, prompt, torch.float64 if exact else torch.float32
            )
        self._activations: dict[int, Tensor] = {}

    @torch.no_grad()
    def activations(self, layer: int) -> Float[Tensor, "positions d_transcoder"]:
        """How strongly a layer's features fire on the unchanged prompt; nowhere before the first
        position that carries features.
        """
        if layer not in self._activations:
            transcoder = self.transcoders.layers[layer]
            found = transcoder.encode(self.frozen.layers[layer].read(transcoder.read_point))
            found[: self.model.first_feature_position] = 0
            transcoder.release()
            self._activations[layer] = found
        return self._activations[layer]

    @torch.no_grad()
    def run(
        self,
        interventions: Sequence[Intervention],
        *,
        regimes: Sequence[Regime] = tuple(Regime),
        watched: Sequence[NodeKey] = (),
    ) -> Intervened:
        """What the model says when features are changed, whatever else may react.

        ``watched``: feature nodes whose activations are wanted. Raises UsageError for features or
        positions that are not there, and for changes under which the model gives NaN.
        """
        plans = self.plans(interventions)
        before = Outcome(self.frozen.logits, _pick(self.activations, watched, self.frozen))
        after = {regime: self._outcome(plans, regime, watched) for regime in regimes}
        if not all(bool(outcome.logits.isfinite().all()) for outcome in after.values()):
            raise UsageError("the model breaks down: NaN or infinite logits; make smaller changes")
        return Intervened(before, after)

    def plans(self, interventions: Sequence[Intervention]) -> dict[int, LayerPlan]:
        """The interventions by layer; raises UsageError for those that cannot be done."""
        check(interventions, self.model, self.transcoders, self.prompt)
        by_layer: dict[int, list[Intervention]] = defaultdict(list)
        for each in interventions:
            by_layer[each.layer].append(each)
        first, layers = self.model.first_feature_position, self.transcoders.layers
        return {
            layer: LayerPlan(group, layers[layer], first, self.activations(layer))
            for layer, group in sorted(by_layer.items())
        }

    def _outcome(
        self, plans: Mapping[int, LayerPlan], regime: Regime, watched: Sequence[NodeKey]
    ) -> Outcome:
        if regime is Regime.CONSTRAINED:
            return self._constrained(plans, watched)
        changing = Changing(self.model, self.transcoders, plans, {key.layer for key in watched})
        held = self._projections if regime is Regime.PATTERNS else {}
        ids = torch.tensor([self.prompt.ids], device=self.model.device)
        with changing.listening(), patterns_held(self.model, held):
            answer = self.model.model(input_ids=ids, use_cache=False, logits_to_keep=1)
        logits = answer.logits[0, -1].to(self.frozen.logits)
        return Outcome(logits, _pick(changing.activations.__getitem__, watched, self.frozen))

    def _constrained(self, plans: Mapping[int, LayerPlan], watched: Sequence[NodeKey]) -> Outcome:
        written = self.frozen.token_vectors.new_zeros(
            self.model.n_layers, *self.frozen.token_vectors.shape
        )
        changed = {}
        for layer, plan in plans.items():
            original = self.activations(layer)
            changes = plan.changes(original)
            changed[layer] = plan.changed(original, changes)
            for place, added in plan.written(changes).items():
                written[place] += added
        logits = constrained_logits(self.model, self.frozen, self.transcoders, written)

        def activations(layer: int) -> Tensor:
            return changed[layer] if layer in changed else self.activations(layer)

        return Outcome(logits, _pick(activations, watched, self.frozen))


def _pick(
    activations: Callable[[int], Tensor], watched: Sequence[NodeKey], frozen: FrozenModel
) -> Float[Tensor, " watched"]:
    values = [activations(key.layer)[key.position, key.feature] for key in watched]
    return torch.stack(values) if values else frozen.logits.new_zeros(0)

"""From a prompt to everything that rows are computed from."""

from __future__ import annotations

from dataclasses import dataclass

from graphlabel.models import LanguageModel, Prompt, Transcoders, cut_prompt, fitted
from graphlabel.tracing.encoding import find_sources
from graphlabel.tracing.frozen import FrozenModel, freeze
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.sources import Report, Sources
from graphlabel.tracing.targets import LogitTargets, chosen_targets, salient_logits


@dataclass(frozen=True, eq=False)
class Prepared:
    """A prompt's local replacement model, its sources and what is to be explained."""

    prompt: Prompt
    """Cut after the position that is explained."""
    transcoders: Transcoders
    """With a layer for each of the model's."""
    frozen: FrozenModel
    sources: Sources
    logits: LogitTargets


def prepare(
    model: LanguageModel,
    transcoders: Transcoders,
    prompt: Prompt,
    settings: TraceSettings,
    *,
    report: Report = lambda *_: None,
) -> Prepared:
    """Run the prompt, encode it and resolve the targets.

    Raises TranscoderError when the transcoders do not fit the model, PromptError and UsageError
    when there is no such position or target.
    """
    transcoders = fitted(model, transcoders, partial=settings.partial)
    if settings.position is not None:
        prompt = cut_prompt(model, prompt, settings.position)
    report("forward pass", 0, 1)
    frozen = freeze(
        model,
        prompt,
        settings.compute_dtype,
        matrix_dtype=settings.matrix_dtype,
        like_circuit_tracer=bool(settings.compat),
    )
    report("forward pass", 1, 1)
    logits = _targets(model, frozen, settings)
    sources = find_sources(
        frozen,
        transcoders,
        first_position=model.first_feature_position,
        matrix_dtype=settings.matrix_dtype,
        report=report,
    )
    return Prepared(prompt, transcoders, frozen, sources, logits)


def _targets(model: LanguageModel, frozen: FrozenModel, settings: TraceSettings) -> LogitTargets:
    if settings.targets:
        return chosen_targets(model, frozen, settings.targets)
    return salient_logits(
        model,
        frozen,
        max_n_logits=settings.max_n_logits,
        desired_logit_prob=settings.desired_logit_prob,
    )

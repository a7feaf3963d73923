"""Invented features that show a model what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphlabel.graph import FeatureKey
from graphlabel.labeling.evidence import Evidence
from graphlabel.llm import Role, Turn
from graphlabel.records import ActivationExample, FeatureRecord, LogitEffect, Quantile


def _example(marked: str) -> ActivationExample:
    """An example of words, each with its activation after a slash where it has one."""
    tokens, activations = [], []
    for place, word in enumerate(marked.split()):
        text, _, activation = word.partition("/")
        tokens.append(text if place == 0 else f" {text}")
        activations.append(float(activation or 0))
    return ActivationExample.of(tuple(tokens), tuple(activations))


def _record(examples: Sequence[str], logits: Sequence[str] = ()) -> Evidence:
    top = Quantile("top", tuple(map(_example, examples)))
    effects = tuple(LogitEffect(f" {token}", 1.0) for token in logits)
    return Evidence(FeatureRecord(FeatureKey(0, 0), None, (top,), effects))


SHADES = _record(
    (
        "She painted the garden door a pale lilac/8 before winter",
        "The old boat was mauve/7.2 and full of nets",
        "a violet/6.9 hill behind the farm",
    ),
    ("paint", "hue", "coloured"),
)
"""Peaks that share a kind."""

MOONS = _record(
    (
        "The probe sent its pictures while it flew past/6 Titan at night",
        "Seen through the lens a storm hung over/5.5 Rhea for days",
        "They plan to land close to/5 Titan in winter",
    ),
    ("Titan", "Rhea", "Dione"),
)
"""Peaks that share nothing, before tokens of one kind."""

BEES = _record(
    (
        "The smoke calmed/6 the hive and he lifted out the heavy combs",
        "She had/5 forgotten her veil so the swarm chased her home",
        "Her father gave/5 the queen a new frame before the drones flew",
    ),
    ("very", "of", "7"),
)
"""Passages with one theme."""

KNOTS = _record(
    (
        "He tied a reef knot/7 twice",
        "no knot/6.5 will hold",
        "the Knot/6 came loose",
    ),
    ("knot", "Knot", "knots"),
)
"""Peaks that are one token."""

TEA = _record(
    (
        "would you like some/7 tea with it",
        "she poured me a cup of/6 tea and left",
        "we drank/5 tea until noon",
    ),
    ("tea", "Tea", "coffee"),
)
"""Peaks that share nothing, before one token."""


def few_shot_turns(
    shown: Callable[[Evidence], str], answers: Sequence[tuple[Evidence, str]]
) -> tuple[Turn, ...]:
    """Earlier turns of the conversation: invented evidence, shown as the real one is, answered."""
    turns = []
    for evidence, answer in answers:
        turns += [Turn(Role.USER, shown(evidence)), Turn(Role.ASSISTANT, answer)]
    return tuple(turns)

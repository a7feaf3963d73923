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


COLOURS = _record(
    (
        "She painted the door a bright red/8 before winter",
        "The old boat was blue/7.2 and full of nets",
        "a green/6.9 hill behind the farm",
    ),
    ("paint", "hue", "coloured"),
)
"""Peaks that share a kind."""

RIVERS = _record(
    (
        "We crossed the bridge/3 over/6 the Danube at night",
        "Barges wait at the dock/2 along/5.5 the Rhine for days",
        "Houses were built close/1 to/5 the Danube in rows",
    ),
    ("Danube", "Rhine", "Elbe"),
)
"""Peaks that share nothing, before tokens of one kind."""

WEDDINGS = _record(
    (
        "The bride was/6 late and the guests waited outside the church",
        "He had/5 forgotten the rings so the priest began without him",
        "Her father gave/5 a long toast before the newlyweds danced",
    ),
    ("very", "of", "7"),
)
"""Passages with one theme."""


def few_shot_turns(
    shown: Callable[[Evidence], str], answers: Sequence[tuple[Evidence, str]]
) -> tuple[Turn, ...]:
    """Earlier turns of the conversation: invented evidence, shown as the real one is, answered."""
    turns = []
    for evidence, answer in answers:
        turns += [Turn(Role.USER, shown(evidence)), Turn(Role.ASSISTANT, answer)]
    return tuple(turns)

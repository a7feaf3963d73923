"""What a person can choose about an export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphlabel.evidence import FeatureSource


def silent(phase: str, done: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Choices beyond the format; each format takes what concerns it."""

    features: FeatureSource | None = None
    """Evidence to hand on: feature JSON beside graph JSON, examples within a page."""
    features_url: str = ""
    """Where the feature JSON will be served, for Neuronpedia."""
    dark: bool = False
    """Light text on a dark ground in pictures."""
    report: Callable[[str, int, int], None] = silent
    """Told (phase, done, total) while evidence is read."""

"""How a verbalizer's words are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sampling:
    """Settings of a verbalizer's answer; the defaults are those NLAs were trained with."""

    temperature: float = 1.0
    """0 takes the likeliest token every time."""
    max_tokens: int = 200
    seed: int = 0
    """What is drawn follows from it alone, where the verbalizer runs here."""

"""The lists that Neuronpedia's methods show of a feature."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.excerpts import Excerpt, numbered, raised_logits, top_excerpts
from graphlabel.llm.quoting import fenced

RADIUS = 24
"""Texts are shown with so many tokens before and after the peak."""
LOGITS = 10
"""So many raised logits are shown."""
MARKER = "Explanation:"


def shown_excerpts(evidence: Evidence, count: int) -> tuple[Excerpt, ...]:
    """The strongest examples as far as texts are shown; raises EvidenceError without any."""
    return top_excerpts(evidence.record, count, before=RADIUS, after=RADIUS)


def peaks_block(excerpts: Sequence[Excerpt]) -> str:
    """The tokens on which the feature fires most."""
    return fenced("peak_tokens", numbered([each.peak_token for each in excerpts]))


def nexts_block(excerpts: Sequence[Excerpt]) -> str:
    """The token after each peak."""
    nexts = [each.next_token or "(the text ends)" for each in excerpts]
    return fenced("next_tokens", numbered(nexts))


def logits_block(evidence: Evidence) -> str:
    """The tokens whose logits the feature raises most."""
    return fenced("raised_logits", numbered(raised_logits(evidence.record, LOGITS)))


def texts_block(excerpts: Sequence[Excerpt]) -> str:
    """The texts around the peaks."""
    return fenced("texts", numbered([each.text for each in excerpts]))

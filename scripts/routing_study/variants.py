"""The settings that are compared."""

from __future__ import annotations

from dataclasses import replace

from graphlabel.protocol import CalibratedSettings, RawSettings, Strategy, Window
from graphlabel.protocol.study import Settings

TAUS = tuple(round(0.1 + 0.1 * step, 1) for step in range(9))
THETAS = (0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8)
FLOORS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


def raw(*, weighted: bool) -> dict[float, Settings]:
    """The raw rule at every τ."""
    return {tau: RawSettings(tau=tau, weighted=weighted) for tau in TAUS}


def thetas(plain: CalibratedSettings) -> dict[float, Settings]:
    """The calibrated rule at every θ."""
    return {theta: replace(plain, theta=theta) for theta in THETAS}


def floors(plain: CalibratedSettings) -> dict[float, Settings]:
    """The calibrated rule at every cross floor."""
    return {floor: replace(plain, cross_floor=floor) for floor in FLOORS}


def specified(plain: CalibratedSettings) -> CalibratedSettings:
    """The calibrated rule before this study: the top ten examples, θ = 0.4, no extension."""
    return replace(plain, examples=Strategy.TOP, selectivity=False, theta=0.4)


def changes(plain: CalibratedSettings) -> dict[str, Settings]:
    """The default, and what differs from it in one setting."""
    return {
        "the default": plain,
        "top examples": replace(plain, examples=Strategy.TOP),
        "examples of every quantile": replace(plain, examples=Strategy.QUANTILES),
        "without selectivity": replace(plain, selectivity=False),
        "without support": replace(plain, support=False),
        "top examples, without selectivity": replace(
            plain, examples=Strategy.TOP, selectivity=False
        ),
        "weighted": replace(plain, weighted=True),
        "n = 5": replace(plain, n=5),
        "n = 15": replace(plain, n=15),
        "n = 20": replace(plain, n=20),
        "whole words": replace(plain, whole_words=True),
        "one window a side, [-1, 0] and [1, 2]": replace(
            plain, input=(Window(-1, 0),), output=(Window(1, 2),)
        ),
        "one window a side, [0, 0] and [1, 1]": replace(
            plain, input=(Window(0, 0),), output=(Window(1, 1),)
        ),
        "cross [-4, 4]": replace(plain, cross=(Window(-4, 4),)),
        "cross [-4, 4] or [-8, 8]": replace(plain, cross=(Window(-4, 4), Window(-8, 8))),
        "cross without the peak token": replace(plain, cross_without_peak=True),
        "with matched null": replace(plain, matched_null=True),
        "with logit agreement": replace(plain, logit_agreement=True),
    }

"""The settings that are compared."""

from __future__ import annotations

from dataclasses import replace

from graphlabel.protocol import CalibratedSettings, RawSettings, Settings, Strategy, Window

TAUS = tuple(round(0.1 + 0.05 * step, 2) for step in range(17))
THETAS = tuple(round(0.05 * step, 2) for step in range(1, 21))
FLOORS = tuple(round(0.05 * step, 2) for step in range(1, 17))

SINGLE = {
    "input": (Window(-1, 0),),
    "output": (Window(1, 2),),
}


def raw(*, weighted: bool) -> dict[float, RawSettings]:
    """The raw rule at every τ."""
    return {tau: RawSettings(tau=tau, weighted=weighted) for tau in TAUS}


def thresholds(plain: CalibratedSettings) -> dict[tuple[float, float], CalibratedSettings]:
    """The calibrated rule at every pair of θ and cross floor."""
    return {
        (theta, floor): replace(plain, theta=theta, cross_floor=floor)
        for theta in THETAS
        for floor in FLOORS
    }


def one_change(plain: CalibratedSettings) -> dict[str, Settings]:
    """The default and everything that differs from it in one setting."""
    narrow = tuple(Window(-4, 4) for _ in "1")
    return {
        "default": plain,
        "weighted": replace(plain, weighted=True),
        "n = 5": replace(plain, n=5),
        "n = 7": replace(plain, n=7),
        "n = 15": replace(plain, n=15),
        "n = 20": replace(plain, n=20),
        "examples from every quantile": replace(plain, examples=Strategy.QUANTILES),
        "whole words": replace(plain, whole_words=True),
        "one window a side: [-1, 0], [1, 2]": replace(plain, **SINGLE),
        "one window a side: [0, 0], [1, 1]": replace(
            plain, input=(Window(0, 0),), output=(Window(1, 1),)
        ),
        "cross [-4, 4]": replace(plain, cross=narrow),
        "cross [-12, 12]": replace(plain, cross=(Window(-12, 12),)),
        "cross [-4, 4], [-8, 8]": replace(plain, cross=(*narrow, Window(-8, 8))),
        "cross without the peak token": replace(plain, cross_without_peak=True),
        "matched null": replace(plain, matched_null=True),
        "logit agreement": replace(plain, logit_agreement=True),
        "effects not capped at 1": replace(plain, largest_effect=float("inf")),
    }

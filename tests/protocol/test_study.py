"""The study's bank gives the same classes as routing, and embeds each text once."""

from __future__ import annotations

import pytest
from made_features import HashEncoder, record, world

from graphlabel.protocol import (
    CalibratedSettings,
    LogitAgreement,
    RawSettings,
    Strategy,
    Window,
    calibrate,
    route_calibrated,
    route_raw,
)
from graphlabel.protocol.study import ScoreBank

RECORDS = world(45, 5)
FEW = {"draws": 500, "min_features": 40}


@pytest.mark.parametrize(
    "rule",
    [
        RawSettings(), RawSettings(tau=0.1, n=3, weighted=True), RawSettings(whole_words=True, n=4),
        RawSettings(examples=Strategy.QUANTILES, cross_without_peak=True, tau=0.2),
    ],
)  # fmt: skip
def test_raw_classes_are_those_of_routing(rule: RawSettings) -> None:
    expected = route_raw(RECORDS, HashEncoder(), rule)
    found = ScoreBank(RECORDS, HashEncoder()).classes(rule)
    assert found == {key: each.feature_class for key, each in expected.items()}


@pytest.mark.parametrize(
    "rule",
    [
        CalibratedSettings(n=5, **FEW), CalibratedSettings(n=3, weighted=True, theta=0.2, **FEW),
        CalibratedSettings(n=4, false_discovery_rate=0.2, output=(Window(1, 1),), **FEW),
    ],
)  # fmt: skip
def test_calibrated_classes_are_those_of_routing(rule: CalibratedSettings) -> None:
    encoder = HashEncoder()
    expected = route_calibrated(RECORDS, encoder, calibrate(RECORDS, encoder, rule))
    found = ScoreBank(RECORDS, HashEncoder()).classes(rule)
    assert found == {key: each.feature_class for key, each in expected.items()}


def test_no_text_is_embedded_twice() -> None:
    encoder = HashEncoder()
    bank = ScoreBank(RECORDS, encoder)
    for n in (3, 5):
        for weighted in (False, True):
            bank.classes(CalibratedSettings(n=n, weighted=weighted, **FEW))
            bank.classes(RawSettings(n=n, weighted=weighted))
    assert len(encoder.encoded) == len(set(encoder.encoded))
    seen = len(encoder.encoded)
    for theta in (0.1, 0.3, 0.5):
        bank.classes(CalibratedSettings(n=5, theta=theta, **FEW))
    assert len(encoder.encoded) == seen


def test_extensions_take_part() -> None:
    agreeing = [record(each.top_examples, each.key.feature, logits=(" next1",)) for each in RECORDS]
    rule = RawSettings(input=Window(1, 1), output=Window(1, 1), logit_agreement=True)
    bank = ScoreBank(
        agreeing,
        HashEncoder(),
        extensions=lambda s, _: [LogitAgreement()] if s.logit_agreement else [],
    )
    assert bank.classes(rule)[agreeing[1].key].value == "output"
    assert (
        bank.classes(RawSettings(input=Window(1, 1), output=Window(1, 1)))[agreeing[1].key].value
        == "input"
    )

"""Many features in batches, past those whose evidence is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_features import HashEncoder, example, record

from graphlabel.errors import CalibrationError, EvidenceError
from graphlabel.graph import FeatureKey
from graphlabel.protocol import CalibratedSettings, RawSettings, Window
from graphlabel.protocol.router import Routed, Router, Skipped, route_stream
from graphlabel.records import ActivationExample, FeatureRecord


def find(key: FeatureKey) -> FeatureRecord | None:
    if key.feature == 2:
        raise EvidenceError("an example has a NaN or infinite activation")
    if key.feature == 3:
        return None
    if key.feature == 5:
        return record([ActivationExample.of(("<bos>",), (1.0,))], 5)
    return record([example(f"a{i} x b{i}", "x", 1 + i) for i in range(4)], key.feature)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_broken_features_are_left_out_and_the_rest_goes_on(batch: int) -> None:
    keys = [FeatureKey(0, i) for i in range(8)]
    router = Router(HashEncoder(), RawSettings(input=Window(0, 0)))
    found = list(route_stream(router, keys, find, batch=batch))
    assert [each.key for each in found] == keys
    skipped = {each.key.feature: each for each in found if isinstance(each, Skipped)}
    assert skipped.keys() == {2, 3, 5}
    assert [skipped[i].broken for i in (2, 3, 5)] == [True, False, True]
    assert "NaN" in skipped[2].why
    assert "special" in skipped[5].why
    routed = [each for each in found if isinstance(each, Routed)]
    assert {each.routing.feature_class.value for each in routed} == {"input"}


def test_a_feature_whose_examples_are_all_broken_is_not_said_to_be_silent() -> None:
    sound = [example(f"a{i} x b{i}", "x", 1 + i) for i in range(4)]
    held = {
        0: replace(record([], 0), quantiles=(), dropped=3),
        1: replace(record(sound, 1), dropped=1),
        2: replace(record(sound[:1], 2), dropped=2),
    }
    router = Router(HashEncoder(), RawSettings(input=Window(0, 0)))
    all_broken, some, one = route_stream(
        router, [FeatureKey(0, i) for i in held], lambda key: held[key.feature]
    )
    assert isinstance(all_broken, Skipped)
    assert all_broken.broken
    assert all_broken.why == "all of its examples are broken (3)"
    assert isinstance(some, Routed)
    assert "1 broken example left out" in some.routing.notes
    assert isinstance(one, Routed)
    assert one.routing.reason.startswith("only one example (2 broken left out)")


def test_a_batch_is_read_only_when_it_is_needed() -> None:
    read: list[int] = []

    def counted(key: FeatureKey) -> FeatureRecord | None:
        read.append(key.feature)
        return None

    keys = (FeatureKey(0, i) for i in range(1_000))
    stream = route_stream(Router(HashEncoder(), RawSettings()), keys, counted, batch=10)
    next(stream)
    assert read == list(range(10))


def test_the_calibrated_rule_needs_a_calibration() -> None:
    with pytest.raises(CalibrationError, match="--rule raw"):
        Router(HashEncoder(), CalibratedSettings()).route([])

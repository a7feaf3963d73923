"""The layer profile, against scipy and against tables whose answer is plain."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from graphlabel.annotation import FeatureClass
from graphlabel.cli.profile_picture import bar_lines, interval_lines, shared_cells, svg
from graphlabel.errors import EvidenceError
from graphlabel.protocol.profile import layer_profile, wilson

IN, OUT, CROSS, OBSCURE = FeatureClass


def made(*rows: tuple[int, int, int, int]) -> list[tuple[int, FeatureClass]]:
    """Features with these counts of input, output, cross and obscure by layer."""
    return [
        (layer, each)
        for layer, row in enumerate(rows)
        for each, count in zip(FeatureClass, row, strict=True)
        for _ in range(count)
    ]


@given(st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_wilson_intervals_are_scipys(count: int, of: int) -> None:
    """To 1e-9 (float64)."""
    count = min(count, of)
    found = wilson(count, of)
    expected = binomtest(count, of).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_the_hypothesis_is_found_where_it_holds() -> None:
    found = layer_profile(made((40, 2, 5, 5), (20, 5, 30, 5), (5, 40, 5, 5)))
    assert found.layers == (0, 1, 2)
    assert [trend.p < 0.001 for trend in (*found.trends, found.joint)] == [True] * 4
    assert found.joint.z == pytest.approx(sum(trend.z for trend in found.trends))
    turned = layer_profile(made((5, 40, 5, 5), (20, 5, 0, 35), (40, 2, 5, 5)))
    assert turned.joint.z < 0
    assert turned.joint.p > 0.9


def test_no_trend_has_no_small_p() -> None:
    flat = layer_profile(made((10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 10, 10)))
    assert all(abs(trend.z) < 1e-9 and trend.p > 0.3 for trend in flat.trends)
    lone = layer_profile(made((3, 0, 0, 1)))
    assert [trend.p for trend in lone.trends] == [1, 1, 1]


def test_p_values_are_honest_under_the_null() -> None:
    """Classes dealt out at random: about 10 % of 60 p-values are below 0.1."""
    random = np.random.default_rng(0)
    small = 0
    for _ in range(60):
        classes = [list(FeatureClass)[i] for i in random.integers(0, 4, size=80)]
        layers = random.integers(0, 5, size=80).tolist()
        found = layer_profile(zip(layers, classes, strict=True), permutations=500)
        small += found.joint.p < 0.1
    assert 1 <= small <= 14


def test_the_z_of_cochran_and_armitage() -> None:
    """Against the correlation form of the test: z = r √N (float64, 1e-9)."""
    features = made((9, 1, 3, 2), (4, 4, 6, 1), (1, 8, 2, 4))
    layers = np.array([layer for layer, _ in features], dtype=float)
    output = np.array([each is OUT for _, each in features], dtype=float)
    expected = np.corrcoef(layers, output)[0, 1] * np.sqrt(len(features))
    assert layer_profile(features).trends[2].z == pytest.approx(expected, abs=1e-9)


def test_no_feature_makes_no_profile() -> None:
    with pytest.raises(EvidenceError, match="route first"):
        layer_profile([])


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.integers(1, 60))
def test_cells_fill_the_bar(counts: list[int], width: int) -> None:
    cells = shared_cells(counts, width)
    assert sum(cells) == (width if sum(counts) else 0)
    assert all(cell == 0 for cell, count in zip(cells, counts, strict=True) if not count)


def test_the_pictures() -> None:
    found = layer_profile(made((6, 2, 1, 1), (2, 6, 1, 1)))
    bars = [line.plain for line in bar_lines(found, 10)]
    assert bars[1:] == ["    L1  ▼▼▲▲▲▲▲▲◆○  n = 10", "    L0  ▼▼▼▼▼▼▲▲◆○  n = 10"]
    assert "60 % [31, 83]" in interval_lines(found)[-1].plain
    picture = svg(found, 'a & <b> "c" \x1b')
    assert picture == svg(found, 'a & <b> "c" \x1b')
    root = ElementTree.fromstring(picture)
    rects = [each for each in root.iter() if each.tag.endswith("rect")]
    assert len(rects) == 4 + 2 * 4
    assert sum(float(each.get("width", 0)) for each in rects[4:8]) == pytest.approx(420, abs=0.05)
    assert "prefers-color-scheme:dark" in picture

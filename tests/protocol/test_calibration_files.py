"""Calibrations as files, and what they may be used for."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from made_features import HashEncoder, world

from graphlabel import atlas
from graphlabel.errors import CalibrationError
from graphlabel.protocol import (
    CalibratedSettings,
    Calibration,
    Window,
    calibrate,
    read_calibration,
    write_calibration,
)
from graphlabel.protocol.calibration_file import read_settings

RULE = CalibratedSettings(
    draws=300, n=3, min_features=20, weighted=True, cross_without_peak=True, output=(Window(1, 1),)
)


@cache
def made() -> Calibration:
    return calibrate(world(30, 3), HashEncoder(), RULE, source="here")


def test_everything_is_kept(tmp_path: Path) -> None:
    write_calibration(made(), tmp_path / "c.npz")
    found = read_calibration(tmp_path / "c.npz")
    for name in ("encoder", "encoder_revision", "settings", "source", "n_features", "q95", "cutoffs",
                 "quantiles", "version", "time"):  # fmt: skip
        assert getattr(found, name) == getattr(made(), name), name
    assert found.nulls.keys() == made().nulls.keys()
    assert Window(-8, 8, True) in found.q95
    assert found.version
    assert found.time.endswith("Z")
    assert read_settings(tmp_path / "c.npz") == ("hash", "1", RULE, 30)
    assert all(len(quantiles) == 5 for quantiles in found.quantiles.values())
    assert found.settings.windows == RULE.windows


def test_the_calibration_of_the_embedded_index_is_read() -> None:
    (path, *_) = sorted(atlas.INDEX_FOLDER.glob("calibration_*.npz"))
    found = read_calibration(path)
    assert found.settings.draws >= 100_000
    assert all(null.draws >= 100_000 for null in found.nulls.values())
    assert {n for _, n in found.nulls} == set(range(2, 11))


def test_thresholds_may_differ_but_not_what_was_drawn() -> None:
    lower = replace(RULE, theta=0.1, cross_floor=0.2, matched_null=True)
    assert made().deciding(lower).settings.theta == 0.1
    for other in (
        replace(RULE, n=2),
        replace(RULE, weighted=False),
        replace(RULE, whole_words=True),
    ):
        with pytest.raises(CalibrationError, match="calibrate again"):
            made().deciding(other)


def test_weighted_scores_have_a_null_of_their_own() -> None:
    plain = calibrate(world(30, 3), HashEncoder(), replace(RULE, weighted=False))
    window = Window(0, 0)
    assert made().nulls[window, 3].mean != plain.nulls[window, 3].mean
    # two windows have one pair, whose weight does not matter
    np.testing.assert_allclose(made().nulls[window, 2].grid, plain.nulls[window, 2].grid, atol=1e-6)


def test_the_same_seed_makes_the_same_calibration() -> None:
    again = calibrate(world(30, 3), HashEncoder(), RULE, source="here")
    assert again.cutoffs == made().cutoffs
    other = calibrate(world(30, 3), HashEncoder(), replace(RULE, seed=1))
    assert other.nulls[Window(0, 0), 3].mean != made().nulls[Window(0, 0), 3].mean


def broken() -> dict[str, bytes]:
    whole = io.BytesIO()
    np.savez(whole, header=np.frombuffer(b"[1]", dtype=np.uint8), tails=np.zeros(1),
             tail_lengths=np.array([1]), grids=np.zeros((1, 1)))  # fmt: skip
    pickled = io.BytesIO()
    np.savez(pickled, header=np.array([{"a": 1}], dtype=object))
    return {
        "empty": b"", "text": b"hello", "cut": whole.getvalue()[:200], "list": whole.getvalue(),
        "pickle": pickled.getvalue(),
    }  # fmt: skip


@pytest.mark.parametrize("name", broken())
def test_a_broken_file_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    path.write_bytes(broken()[name])
    for read in (read_calibration, read_settings):
        with pytest.raises(CalibrationError, match=r"c\.npz") as refused:
            read(path)
        assert "\n" not in str(refused.value)


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.npz"
    write_calibration(made(), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(CalibrationError, match="No space left"):
        write_calibration(made(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

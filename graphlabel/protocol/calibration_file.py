"""Calibrations as files: one .npz of numbers with a JSON header, never a pickle."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from graphlabel.atomic import replacing
from graphlabel.errors import CalibrationError, UsageError
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.settings import CalibratedSettings
from graphlabel.protocol.windows import Window

VERSION = 1
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, UsageError,
           zipfile.BadZipFile, zlib.error)  # fmt: skip


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Write a calibration atomically; raises CalibrationError when it can't be written."""
    tables: list[tuple[dict[str, Any], NullTable]] = [
        ({"window": list(window), "n": n}, table)
        for (window, n), table in calibration.nulls.items()
    ] + [({"side": side, "n": n}, table) for (side, n), table in calibration.min_p.items()]
    header = {
        "version": VERSION,
        "encoder": calibration.encoder,
        "encoder_revision": calibration.encoder_revision,
        "settings": msgspec.to_builtins(calibration.settings),
        "source": calibration.source,
        "n_features": calibration.n_features,
        "q95": [[list(window), value] for window, value in calibration.q95.items()],
        "cutoffs": dict(calibration.cutoffs),
        "quantiles": [[list(window), value] for window, value in calibration.quantiles.items()],
        "graphlabel": calibration.version,
        "time": calibration.time,
        "tables": [
            {**key, "draws": t.draws, "mean": t.mean, "deviation": t.deviation} for key, t in tables
        ],
    }
    with replacing(path, CalibrationError) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            header=np.frombuffer(msgspec.json.encode(header), dtype=np.uint8),
            tails=np.concatenate([table.tail for _, table in tables]).astype(np.float32),
            tail_lengths=np.array([len(table.tail) for _, table in tables]),
            grids=np.stack([table.grid for _, table in tables]).astype(np.float32),
        )


def read_calibration(path: Path) -> Calibration:
    """Read a calibration; raises CalibrationError when it is missing or broken."""
    with _refusing(path):
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = msgspec.json.decode(stored["header"].tobytes(), type=dict[str, Any])
            lengths = stored["tail_lengths"]
            tails = np.split(stored["tails"], np.cumsum(lengths)[:-1])
            grids = stored["grids"]
        _check_version(header, path)
        return _calibration(header, tails, grids)


def read_settings(path: Path) -> tuple[str, str, CalibratedSettings, int]:
    """Encoder, its revision, settings and number of features, without reading the tables.

    Raises CalibrationError when the calibration is missing or broken.
    """
    with _refusing(path):
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            header = msgspec.json.decode(stored["header"].tobytes(), type=dict[str, Any])
        _check_version(header, path)
        settings = msgspec.convert(header["settings"], CalibratedSettings)
        return header["encoder"], header["encoder_revision"], settings, header["n_features"]


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise CalibrationError(f"there is no calibration at {path}") from error
    except (*_BROKEN, msgspec.DecodeError) as error:
        raise CalibrationError(
            f"{path} is no calibration; make one with graphlabel calibrate"
        ) from error


def _check_version(header: dict[str, Any], path: Path) -> None:
    if header.get("version") != VERSION:
        raise CalibrationError(f"{path} has another version; calibrate again")


def _calibration(header: dict[str, Any], tails: list[np.ndarray], grids: np.ndarray) -> Calibration:
    nulls: dict[tuple[Window, int], NullTable] = {}
    min_p: dict[tuple[str, int], NullTable] = {}
    for key, tail, grid in zip(header["tables"], tails, grids, strict=True):
        table = NullTable(key["draws"], key["mean"], key["deviation"], tail, grid)
        if "window" in key:
            nulls[Window(*key["window"]), key["n"]] = table
        else:
            min_p[key["side"], key["n"]] = table
    return Calibration(
        encoder=header["encoder"],
        encoder_revision=header["encoder_revision"],
        settings=msgspec.convert(header["settings"], CalibratedSettings),
        source=header["source"],
        n_features=header["n_features"],
        nulls=nulls,
        min_p=min_p,
        q95={Window(*window): value for window, value in header["q95"]},
        cutoffs=header["cutoffs"],
        quantiles={Window(*window): tuple(v) for window, v in header.get("quantiles", [])},
        version=header.get("graphlabel", ""),
        time=header.get("time", ""),
    )

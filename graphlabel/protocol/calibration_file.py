"""Calibrations as files: one .npz of numbers with a JSON header, never a pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from graphlabel.atomic import replacing
from graphlabel.errors import CalibrationError
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.settings import CalibratedSettings
from graphlabel.protocol.windows import Window

VERSION = 1


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
    try:
        with np.load(path, allow_pickle=False) as stored:
            header = msgspec.json.decode(stored["header"].tobytes())
            lengths = stored["tail_lengths"]
            tails = np.split(stored["tails"], np.cumsum(lengths)[:-1])
            grids = stored["grids"]
    except FileNotFoundError as error:
        raise CalibrationError(f"there is no calibration at {path}") from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise CalibrationError(f"{path} is no calibration ({error}); make it anew") from error
    if header.get("version") != VERSION:
        raise CalibrationError(f"{path} has another version; calibrate again")
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
    )

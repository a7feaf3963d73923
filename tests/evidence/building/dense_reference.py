"""What an index should hold, from all activations at once: dense, slow, float32, exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from graphlabel.evidence.building import IndexSettings
from graphlabel.evidence.building.hashing import feature_hashes, places, token_hashes
from graphlabel.models import LanguageModel, Transcoders
from graphlabel.models.capture import transcoder_inputs

Window = tuple[int, ...]


@dataclass(frozen=True)
class Expected:
    """What is expected of one feature; windows are the ±8 ids around, special ones left out."""

    top: list[tuple[float, Window]]
    quantiles: dict[str, list[float]]
    fired: int
    values: np.ndarray


def activations(
    model: LanguageModel, transcoders: Transcoders, sequences: list[list[int]]
) -> list[np.ndarray]:
    """Per layer (sequences, positions, features), zero at special tokens; equal lengths only."""
    ids = torch.tensor(sequences)
    special = torch.isin(ids, torch.tensor(model.tokenizer.all_special_ids))
    inputs = transcoder_inputs(
        model, transcoders, torch.nn.functional.pad(ids, (0, 32 - ids.shape[1]))
    )
    found = []
    for transcoder, x in zip(transcoders.layers, inputs, strict=True):
        acts = transcoder.encode(x[:, : ids.shape[1]]) * ~special[..., None]
        found.append(acts.clamp(min=0).numpy())
    return found


def window(ids: list[int], at: int, special: set[int], reach: int = 8) -> Window:
    """The ids around a place; -1 for what does not count."""
    return tuple(
        ids[p] if 0 <= p < len(ids) and ids[p] not in special else -1
        for p in range(at - reach, at + reach + 1)
    )


def expected(
    acts: np.ndarray,
    sequences: list[list[int]],
    layer: int,
    feature: int,
    settings: IndexSettings,
    special: set[int],
) -> Expected:
    """By sorting everything. ``acts`` is (sequences, positions)."""
    peaks = sorted(
        (
            (float(row.max()), -number, int(row.argmax()))
            for number, row in enumerate(acts)
            if row.max() > 0
        ),
        reverse=True,
    )
    top: list[tuple[float, Window]] = []
    for value, number, at in peaks:
        around = window(sequences[-number], at, special)
        if all(around != other for _, other in top) and len(top) < settings.top:
            top.append((value, around))
    sequence, at = np.nonzero(acts > 0)
    hashes = token_hashes(places(np.arange(len(acts)), acts.shape[1]), settings.seed)
    priority = (
        hashes[sequence * acts.shape[1] + at]
        ^ feature_hashes(layer, feature + 1, settings.seed)[feature]
    )
    drawn = np.argsort(-priority)[: settings.reservoir]
    ranked = sorted(drawn, key=lambda i: (-acts[sequence[i], at[i]], sequence[i], at[i]))
    by_quantile: dict[int, list[int]] = {}
    for rank, each in enumerate(ranked):
        share = (rank + 0.5) / len(ranked)
        by_quantile.setdefault(settings.quantiles - 1 - int(share * settings.quantiles), []).append(
            each
        )
    taken: list[int] = []
    quantiles: dict[str, list[float]] = {}
    for number in sorted(by_quantile, reverse=True):
        mine: list[int] = []
        for i in sorted(by_quantile[number], key=lambda i: -priority[i]):
            same = any(
                (sequence[i] == sequence[j] and abs(at[i] - at[j]) <= 8)
                or window(sequences[sequence[i]], at[i], special)
                == window(sequences[sequence[j]], at[j], special)
                for j in taken
            )
            if not same and len(mine) < settings.per_quantile:
                mine.append(i)
                taken.append(i)
        if mine:
            values = [float(acts[sequence[i], at[i]]) for i in mine]
            quantiles[f"q{number}"] = sorted(values, reverse=True)
    return Expected(top, quantiles, len(sequence), acts[sequence, at])

"""Feature evidence as the JSON that the frontends show, in circuit-tracer's two layouts.

``{number}.json`` is one file a feature, by its number in the graph file. ``index.json.gz`` leads to
``layer_{L}.bin``: record i lies at offsets[i] to offsets[i+1] and is a little-endian length of four
bytes with that many bytes of deflated JSON.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.evidence import FeatureSource
from graphlabel.files import GraphDocument
from graphlabel.files.node_ids import cantor
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import ActivationExample, FeatureRecord, Histogram


def feature_numbers(document: GraphDocument, *, as_read: bool) -> dict[FeatureKey, int]:
    """The number that names each feature of the graph: Cantor's, or the one its file gives it."""
    numbers: dict[FeatureKey, int] = {}
    for place in document.graph.places(NodeKind.FEATURE):
        key = document.graph.nodes[place].key.feature_key
        read = document.residue.nodes[place].get("feature") if document.residue.nodes else None
        if as_read and isinstance(read, int):
            numbers.setdefault(key, read)
        elif key.feature >= 0:
            numbers.setdefault(key, cantor(*key))
    return numbers


def write_feature_files(
    numbers: Mapping[FeatureKey, int],
    source: FeatureSource,
    folder: Path,
    report: Callable[[str, int, int], None],
) -> int:
    """Write the evidence of features into a folder; how many the source had.

    Files of other features in the folder stay; ``index.json.gz`` covers these features only.
    Raises ExportError when the folder cannot be written.
    """
    packed: dict[int, dict[int, bytes]] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for done, key in enumerate(sorted(numbers)):
            report("evidence", done, len(numbers))
            record = source.get(key)
            if record is None:
                continue
            data = msgspec.json.encode(feature_json(record))
            _replace(folder / f"{numbers[key]}.json", data)
            packed.setdefault(key.layer, {})[key.feature] = _packed(data)
        for layer, records in packed.items():
            ordered = b"".join(records[index] for index in sorted(records))
            _replace(folder / f"layer_{layer}.bin", ordered)
    except OSError as error:
        raise ExportError(
            f"cannot write {folder}: {error.strerror or error}; choose another place"
        ) from error
    index = {
        str(layer): {"filename": f"layer_{layer}.bin", "offsets": _offsets(records)}
        for layer, records in packed.items()
    }
    compressed = gzip.compress(msgspec.json.encode(index), mtime=0)
    write_bytes(folder / "index.json.gz", compressed, ExportError)
    return sum(map(len, packed.values()))


def _replace(path: Path, data: bytes) -> None:
    # thousands of small files: renamed into place, but not flushed one by one
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _packed(data: bytes) -> bytes:
    deflated = zlib.compress(data)
    return len(deflated).to_bytes(4, "little") + deflated


def _offsets(records: Mapping[int, bytes]) -> list[int]:
    """Where each record starts, for every index up to the last; absent ones are empty."""
    sizes = (len(records.get(index, b"")) for index in range(max(records) + 1))
    return list(accumulate(sizes, initial=0))


def feature_json(record: FeatureRecord) -> dict[str, Any]:
    """A record as the frontends read it (Anthropic's form with circuit-tracer's additions)."""
    made: dict[str, Any] = {
        "transcoder_id": str(record.transcoder_set or ""),
        "layer": record.key.layer,
        "index": record.key.feature,
        "examples_quantiles": [
            {"quantile_name": each.name, "examples": [_example(e) for e in each.examples]}
            for each in record.quantiles
        ],
        "top_logits": [effect.token for effect in record.top_logits],
        "bottom_logits": [effect.token for effect in record.bottom_logits],
        "act_min": 0.0,
        "act_max": _largest(record),
        "activation_frequency": record.density or 0.0,
    }
    if record.histogram and sum(record.histogram.counts):
        made["histogram"] = [float(count) for count in record.histogram.counts]
        made["quantile_values"] = _percentiles(record.histogram)
    return made


def _percentiles(histogram: Histogram) -> list[float]:
    """The activations that 1 %, 2 %, …, 100 % of the positive ones do not exceed."""
    borders = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    below = np.concatenate([[0], np.cumsum(histogram.counts)]) / sum(histogram.counts)
    return [float(value) for value in np.interp(np.arange(1, 101) / 100, below, borders)]


def _largest(record: FeatureRecord) -> float:
    if record.max_activation is not None:
        return record.max_activation
    shown = (e.activations for each in record.quantiles for e in each.examples)
    return max((max(values, default=0.0) for values in shown), default=0.0) or 1.0


def _example(example: ActivationExample) -> dict[str, Any]:
    ordinary = len(example.special) < len(example.tokens)
    return {
        "tokens": list(example.tokens),
        "tokens_acts_list": list(example.activations),
        "train_token_ind": example.peak if ordinary else 0,
        "is_repeated_datapoint": False,
    }

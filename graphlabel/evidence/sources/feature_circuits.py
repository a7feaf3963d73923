"""feature-circuits' contexts: ``contexts.json`` and, beside it, ``annotations.jsonl`` of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphlabel.errors import EvidenceError
from graphlabel.evidence.source import FeatureSource
from graphlabel.evidence.sources.hook_points import by_hook_point
from graphlabel.evidence.sources.loose import (
    Fields,
    RawExample,
    decode_json,
    fields,
    index,
    items,
    logit_effects,
    read_examples,
    read_file,
    text,
)
from graphlabel.graph import FeatureKey
from graphlabel.records import Explanation, FeatureRecord, Quantile, TranscoderSet

KIND = "feature-circuits contexts"
CONTEXTS, ANNOTATIONS = "contexts.json", "annotations.jsonl"


def looks_like_contexts(value: object) -> bool:
    """Whether a JSON value is the contexts of feature-circuits."""
    first = next(iter(value.values()), None) if isinstance(value, dict) else None
    return isinstance(first, dict) and {"component", "top_contexts"} <= first.keys()


def open_contexts(path: Path, identity: TranscoderSet | None) -> FeatureSource:
    """The features of a contexts file, a source for each hook point; raises EvidenceError."""
    found = fields(decode_json(read_file(path), str(path)), str(path))
    labels = _labels(path.parent / ANNOTATIONS)
    names: dict[str, dict[str, FeatureKey]] = {}
    values: dict[str, Fields] = {}
    for number, value in found.items():
        where = f"{path}: entry {number[:20]}"
        feature = fields(value, where)
        hook_point, key = _component(feature.get("component"), where)
        name = f"{hook_point}_{key.layer}/{key.feature}"
        names.setdefault(hook_point, {})[name] = key
        values[name] = feature
    if not names:
        raise EvidenceError(f"{path} holds no feature")

    def read(name: str, key: FeatureKey, owner: TranscoderSet) -> FeatureRecord:
        return _record(values[name], key, owner, labels.get(name, ()), f"{path}: {name}")

    return by_hook_point(str(path.parent), KIND, names, identity, read)


def _component(value: object, where: str) -> tuple[str, FeatureKey]:
    component = fields(value, f"{where}: component")
    hook_point = text(component.get("submodule_type"))
    layer, feature = index(component.get("layer_idx")), index(component.get("feature_idx"))
    if not hook_point or layer is None or feature is None:
        raise EvidenceError(
            f"{where} is broken: its component names no submodule, layer or feature"
        )
    return hook_point, FeatureKey(layer, feature)


def _labels(path: Path) -> dict[str, tuple[Explanation, ...]]:
    """What people called the features, by name; empty when there is no such file."""
    if not path.is_file():
        return {}
    labels: dict[str, tuple[Explanation, ...]] = {}
    for number, row in enumerate(read_file(path).splitlines(), 1):
        if not row.strip():
            continue
        value = fields(decode_json(row, f"{path}, line {number}"), f"{path}, line {number}")
        said, note = text(value.get("Annotation")).strip(), text(value.get("Notes")).strip()
        name = text(value.get("Name"))
        if said:
            whole = f"{said} ({note})" if note else said
            labels[name] = (*labels.get(name, ()), Explanation(whole, method="person"))
    return labels


def _record(
    feature: Fields,
    key: FeatureKey,
    owner: TranscoderSet,
    labels: tuple[Explanation, ...],
    where: str,
) -> FeatureRecord:
    contexts = items(feature.get("top_contexts"), f"{where}: top_contexts")
    examples, dropped = read_examples([_raw(each) for each in contexts])
    return FeatureRecord(
        key=key,
        transcoder_set=owner,
        quantiles=(Quantile("top", examples),) if examples else (),
        top_logits=logit_effects(feature.get("top_logit_diff")),
        bottom_logits=logit_effects(feature.get("bottom_logit_diff")),
        max_activation=max((example.peak_activation for example in examples), default=None),
        explanations=labels,
        dropped=dropped,
    )


def _raw(context: Any) -> RawExample:
    if isinstance(context, list) and len(context) >= 2:
        return RawExample(context[0], context[1])
    return RawExample(None, None)

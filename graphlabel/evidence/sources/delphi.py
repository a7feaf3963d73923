"""delphi-style records: a JSON file a feature, holding the prompt its explainer was shown."""

from __future__ import annotations

import re
from pathlib import Path

from graphlabel.errors import EvidenceError
from graphlabel.evidence.source import FeatureSource
from graphlabel.evidence.sources.delphi_marks import MarkedText, parse_marks, split_prompt
from graphlabel.evidence.sources.hook_points import by_hook_point
from graphlabel.evidence.sources.loose import decode_json, fields, read_file, text
from graphlabel.graph import FeatureKey
from graphlabel.records import (
    ActivationExample,
    Explanation,
    FeatureRecord,
    Quantile,
    TranscoderSet,
)

KIND = "delphi records"
SCALE = "activations are on a scale of 0 to 10, the feature's largest being 10"
_NAME = re.compile(r"^(.+?)_(?:feature|latent)_?(\d{1,12})$")
_LAYER = re.compile(r"(?<![0-9A-Za-z])\d{1,4}(?![0-9A-Za-z])")


def split_name(name: str) -> tuple[str, FeatureKey] | None:
    """Hook point and key of ``h.4_feature12``: ``h.*``, layer 4, feature 12; None if it is none."""
    match = _NAME.match(name)
    layer = _LAYER.search(match[1]) if match else None
    if match is None or layer is None:
        return None
    hook_point = match[1][: layer.start()] + "*" + match[1][layer.end() :]
    return hook_point, FeatureKey(int(layer[0]), int(match[2]))


def looks_like_delphi(value: object) -> bool:
    """Whether a JSON value is a delphi record."""
    return isinstance(value, dict) and "generation_prompt" in value


def open_delphi(folder: Path, identity: TranscoderSet | None) -> FeatureSource:
    """The records in a folder, a source for each hook point."""
    names: dict[str, dict[str, FeatureKey]] = {}
    for path in folder.glob("*.json"):
        found = split_name(path.stem)
        if found is not None:
            names.setdefault(found[0], {})[path.stem] = found[1]
    if not names:
        raise EvidenceError(f"{folder} holds no file named like h.4_feature12.json")

    def read(name: str, key: FeatureKey, owner: TranscoderSet) -> FeatureRecord:
        path = folder / f"{name}.json"
        return read_delphi(decode_json(read_file(path), str(path)), key, owner, str(path))

    return by_hook_point(str(folder), KIND, names, identity, read)


def read_delphi(value: object, key: FeatureKey, owner: TranscoderSet, where: str) -> FeatureRecord:
    """A delphi record; raises EvidenceError when it holds no prompt."""
    found = fields(value, where)
    prompt = _prompt(found.get("generation_prompt"))
    if prompt is None:
        raise EvidenceError(f"{where} is no delphi record: it has no “generation_prompt”")
    marked = split_prompt(prompt)
    examples = [example for each in marked if (example := _example(each)) is not None]
    said = text(found.get("explanation")).strip()
    return FeatureRecord(
        key=key,
        transcoder_set=owner,
        quantiles=(Quantile("top", tuple(examples)),) if examples else (),
        explanations=(Explanation(said, method="delphi"),) if said else (),
        dropped=len(marked) - len(examples),
        remarks=(SCALE,),
    )


def _prompt(value: object) -> str | None:
    """The prompt, or the last message of one that is a conversation."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content")
    return text(value) if isinstance(value, str) else None


def _example(marked: MarkedText) -> ActivationExample | None:
    """The tokens of a marked text; None when nothing in it fires."""
    tokens = parse_marks(marked)
    example = ActivationExample.of(
        tuple(token.text for token in tokens), tuple(token.activation for token in tokens)
    )
    quiet = len(example.special) == len(tokens) or example.peak_activation <= 0
    return None if quiet else example

"""What features mean, as far as labels, evidence, decoders and classes tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float64

from graphlabel.annotation import Annotations
from graphlabel.graph import NodeKey, NodeKind
from graphlabel.grouping.effects import cosines
from graphlabel.grouping.suggestion import Known
from graphlabel.records import FeatureRecord

Voice = tuple[Float64[np.ndarray, "n n"], Bool[np.ndarray, "n n"]]
"""A likeness of every pair, and of which pairs it is known."""

_EXAMPLES = 10
_AROUND = 8
_LOGITS = 10


def meanings(keys: Sequence[NodeKey], annotations: Annotations, known: Known) -> dict[str, Voice]:
    """Likeness of nodes by meaning, one voice a source that says something of any pair."""
    records = [known.records.get(key.feature_key) if _is_feature(key) else None for key in keys]
    labels = [label.text if (label := annotations.label_of(key)) else "" for key in keys]
    labels = [text if _is_feature(key) else "" for key, text in zip(keys, labels, strict=True)]
    voices = {
        "labels": _texts(labels, known),
        "examples": _examples(records, known),
        "peak tokens": _tokens([peak_tokens(record) for record in records]),
        "output tokens": _tokens([output_tokens(record) for record in records]),
        "decoders": _directions(keys, known),
        "class": _classes(keys, annotations),
    }
    return {name: voice for name, voice in voices.items() if voice and voice[1].any()}


def peak_tokens(record: FeatureRecord | None) -> Counter[str]:
    """The tokens at which a feature's strongest examples peak, case and space folded."""
    examples = record.top_examples[:_EXAMPLES] if record else ()
    tokens = (each.tokens[each.peak].strip().casefold() for each in examples)
    return Counter(token for token in tokens if token)


def output_tokens(record: FeatureRecord | None) -> Counter[str]:
    """The tokens a feature raises most, case and space folded."""
    effects = record.top_logits[:_LOGITS] if record else ()
    tokens = (effect.token.strip().casefold() for effect in effects)
    return Counter(dict.fromkeys((token for token in tokens if token), 1))


def _is_feature(key: NodeKey) -> bool:
    return key.kind is NodeKind.FEATURE


def pairs(has: Iterable[bool]) -> Bool[np.ndarray, "n n"]:
    there = np.array(list(has), dtype=bool)
    both: Bool[np.ndarray, "n n"] = there[:, None] & there[None]
    return both


def _texts(texts: Sequence[str], known: Known) -> Voice:
    """Texts by their embeddings; without an encoder equal ones are alike, others not."""
    folded = [text.strip().casefold() for text in texts]
    there = pairs(bool(text) for text in folded)
    if known.encoder is None:
        names = np.array(folded)
        return (names[:, None] == names[None]).astype(np.float64), there
    written = [place for place, text in enumerate(folded) if text]
    if not written:
        return np.zeros(there.shape), there
    vectors = known.encoder.encode([texts[place].strip() for place in written])
    whole = np.zeros((len(texts), vectors.shape[1]))
    whole[written] = vectors
    return cosines(whole), there


def _examples(records: Sequence[FeatureRecord | None], known: Known) -> Voice | None:
    """Features by the mean embedding of the text around their examples' peaks."""
    if known.encoder is None or not any(records):
        return None
    stretches = [_stretches(record) for record in records]
    distinct = list(dict.fromkeys(text for texts in stretches for text in texts))
    if not distinct:
        return None
    vectors = dict(zip(distinct, known.encoder.encode(distinct), strict=True))
    width = len(next(iter(vectors.values())))
    means = [
        np.mean([vectors[text] for text in texts], axis=0) if texts else np.zeros(width)
        for texts in stretches
    ]
    return cosines(np.array(means, dtype=np.float64)), pairs(map(bool, stretches))


def _stretches(record: FeatureRecord | None) -> list[str]:
    found = []
    for each in record.top_examples[:_EXAMPLES] if record else ():
        around = range(max(0, each.peak - _AROUND), min(len(each.tokens), each.peak + _AROUND + 1))
        text = "".join(each.tokens[at] for at in around if at not in each.special).strip()
        found += [text] if text else []
    return found


def _tokens(bags: Sequence[Mapping[str, int]]) -> Voice | None:
    """Bags of tokens by the cosine of their counts."""
    vocabulary = {token: at for at, token in enumerate(dict.fromkeys(t for b in bags for t in b))}
    if not vocabulary:
        return None
    counts = np.zeros((len(bags), len(vocabulary)))
    for row, bag in enumerate(bags):
        for token, count in bag.items():
            counts[row, vocabulary[token]] = count
    return cosines(counts), pairs(map(bool, bags))


def _directions(keys: Sequence[NodeKey], known: Known) -> Voice | None:
    found = [known.directions.get(key.feature_key) if _is_feature(key) else None for key in keys]
    first = next((each for each in found if each is not None), None)
    if first is None:
        return None
    rows = [np.zeros(len(first)) if each is None else each for each in found]
    return cosines(np.array(rows, dtype=np.float64)), pairs(each is not None for each in found)


def _classes(keys: Sequence[NodeKey], annotations: Annotations) -> Voice:
    """Whether both were routed to the same class, and so to the same tier."""
    routings = [annotations.routing_of(key) if _is_feature(key) else None for key in keys]
    names = np.array([each.feature_class.value if each else "" for each in routings])
    return (names[:, None] == names[None]).astype(np.float64), pairs(map(bool, routings))

"""Features as SAEDashboard computes them and Neuronpedia serves them, made into records.

Both use the same fields: Neuronpedia's ``binMin``, ``qualifyingTokenIndex`` … are SAEDashboard's
``bin_min``, ``qualifying_token_index`` ….
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from graphlabel.evidence.sources.loose import (
    Fields,
    RawExample,
    histogram_of_centres,
    index,
    logit_effects,
    number,
    read_examples,
    share,
    text,
)
from graphlabel.graph import FeatureKey
from graphlabel.records import Explanation, FeatureRecord, Quantile, TranscoderSet

TOP = "top"
_SOURCE_ID = re.compile(r"^(\d{1,4})-(.+)$")
_Bin = tuple[float, float]


def split_source_id(source_id: str) -> tuple[int, str] | None:
    """Layer and source set of a source id such as ``20-gemmascope-res-16k``; None if it is none."""
    match = _SOURCE_ID.match(source_id)
    return (int(match[1]), match[2]) if match else None


def source_name(owner: TranscoderSet, key: FeatureKey) -> str:
    """What Neuronpedia calls a feature: ``20-gemmascope-res-16k/123``."""
    return f"{key.layer}-{owner.name}/{key.feature}"


def key_of_source_name(owner: TranscoderSet, name: str) -> FeatureKey | None:
    """The feature of such a name, the model in front or not; None if it is of another set."""
    source_id, _, number = name.removeprefix(f"{owner.model}/").rpartition("/")
    split, feature = split_source_id(source_id), index(number)
    if split is None or feature is None or split[1] != owner.name:
        return None
    return FeatureKey(split[0], feature)


def dashboard_record(
    key: FeatureKey,
    identity: TranscoderSet | None,
    feature: Fields,
    activations: Iterable[object],
    explanations: Iterable[object] = (),
) -> FeatureRecord:
    """A feature with its activations and explanations; broken activations are counted."""
    quantiles, dropped = _quantiles(activations)
    highest = number(feature.get("maxActApprox"))
    peaks = [example.peak_activation for part in quantiles for example in part.examples]
    return FeatureRecord(
        key=key,
        transcoder_set=identity,
        quantiles=quantiles,
        top_logits=logit_effects(feature.get("pos_str"), feature.get("pos_values")),
        bottom_logits=logit_effects(feature.get("neg_str"), feature.get("neg_values")),
        density=share(feature.get("frac_nonzero")),
        max_activation=highest or max(peaks, default=highest),
        histogram=histogram_of_centres(
            feature.get("freq_hist_data_bar_heights"), feature.get("freq_hist_data_bar_values")
        ),
        explanations=tuple(
            found for each in explanations if (found := explanation_of(each)) is not None
        ),
        dropped=dropped,
    )


def _quantiles(activations: Iterable[object]) -> tuple[tuple[Quantile, ...], int]:
    bins: dict[_Bin | None, list[RawExample]] = {}
    broken = 0
    for each in activations:
        if not isinstance(each, Mapping) or not _peak_is_inside(each):
            broken += 1
            continue
        bins.setdefault(_bin(each), []).append(
            RawExample(each.get("tokens"), each.get("values"), _sampled(each))
        )
    ranked = sorted(bins, key=lambda found: float("-inf") if found is None else -found[1])
    quantiles = []
    for found in ranked:
        examples, dropped = read_examples(bins[found])
        broken += dropped
        if examples:
            name = TOP if found is None else f"{found[0]:g}–{found[1]:g}"
            quantiles.append(Quantile(name, examples))
    return tuple(quantiles), broken


def _either(each: Mapping[str, object], camel: str) -> object:
    snake = re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), camel)
    return each.get(camel, each.get(snake))


def _bin(each: Mapping[str, object]) -> _Bin | None:
    """The stretch of activations an example was drawn from; None for the top ones."""
    low, high = number(_either(each, "binMin")), number(_either(each, "binMax"))
    contains = number(_either(each, "binContains"))
    if low is None or high is None or contains is None or low < 0 or contains < 0:
        return None
    return low, high


def _sampled(each: Mapping[str, object]) -> object:
    place = _either(each, "qualifyingTokenIndex")
    stated = number(place)
    return None if stated is not None and stated < 0 else place


def _peak_is_inside(each: Mapping[str, object]) -> bool:
    stated, tokens = each.get("maxValueTokenIndex"), each.get("tokens")
    if stated is None or not isinstance(tokens, list):
        return True
    place = index(stated)
    return place is not None and place < len(tokens)


def explanation_of(value: object) -> Explanation | None:
    """The explanation in a row of Neuronpedia's; None when it describes nothing."""
    if not isinstance(value, Mapping) or not text(value.get("description")).strip():
        return None
    scores = value.get("scores")
    numbers = [
        score
        for each in (scores if isinstance(scores, list) else ())
        if isinstance(each, Mapping) and (score := number(each.get("value"))) is not None
    ]
    return Explanation(
        text(value.get("description")).strip(),
        method=text(value.get("typeName")),
        model=text(value.get("explanationModelName")),
        score=max(numbers, default=None),
    )

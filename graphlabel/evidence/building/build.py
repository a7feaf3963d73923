"""Building a feature index from a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.logits import logit_rows
from graphlabel.evidence.building.tables import ExampleTable, Firings, Histograms, priorities
from graphlabel.evidence.index.format import TOP, Manifest
from graphlabel.evidence.index.writer import write_layer, write_manifest, write_vocabulary
from graphlabel.models import LanguageModel, Transcoders, check_fit
from graphlabel.models.capture import transcoder_inputs
from graphlabel.records import TranscoderSet


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What an index keeps of every feature."""

    top: int = 20
    """Examples with the largest activations, at most one a sequence."""
    quantiles: int = 10
    """Stretches of the distribution of positive activations, equal in count."""
    per_quantile: int = 3
    reservoir: int = 200
    """Positive activations sampled to find the quantiles."""
    radius: int = 16
    """Tokens kept on either side of a peak."""
    batch_size: int = 64
    seed: int = 0


class _Layer:
    def __init__(self, n_features: int, settings: IndexSettings) -> None:
        self.top = ExampleTable(n_features, settings.top, settings.radius)
        self.sample = ExampleTable(n_features, settings.reservoir, settings.radius)
        self.histograms = Histograms(n_features)
        self.fired = torch.zeros(n_features, dtype=torch.int64)


def build_index(
    model: LanguageModel,
    transcoders: Transcoders,
    sequences: Iterable[Sequence[int]],
    folder: Path,
    settings: IndexSettings | None = None,
    *,
    corpus: str = "",
    report: Callable[[int], None] = lambda _: None,
) -> Manifest:
    """Run the corpus through the model and write what makes each feature fire.

    ``sequences`` are token ids that begin with a special token; ``report`` is told the tokens seen.
    Raises EvidenceError when the corpus is empty and TranscoderError when the set does not fit.
    """
    settings = settings or IndexSettings()
    check_fit(model, transcoders)
    layers = [_Layer(transcoder.n_features, settings) for transcoder in transcoders.layers]
    special = torch.tensor(sorted(set(model.tokenizer.all_special_ids)))
    seen, longest = 0, 0
    for ids in _batches(sequences, settings.batch_size, _padding(model)):
        longest = max(longest, ids.shape[1])
        usable = ~torch.isin(ids, special)
        inputs = transcoder_inputs(model, transcoders, ids)
        for layer, transcoder, x in zip(layers, transcoders.layers, inputs, strict=True):
            activations = transcoder.encode(x).cpu() * usable[..., None]
            _accumulate(layer, activations, ids, seen, settings.seed + transcoder.layer)
        seen += ids.numel()
        report(seen)
    if not seen:
        raise EvidenceError("the corpus is empty; name one that holds text")
    return _write(model, transcoders, layers, folder, settings, corpus, seen, longest)


def _padding(model: LanguageModel) -> int:
    tokenizer = model.tokenizer
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else None
    return int(padding if padding is not None else tokenizer.eos_token_id or 0)


def _batches(sequences: Iterable[Sequence[int]], size: int, padding: int) -> Iterator[Tensor]:
    batch: list[Sequence[int]] = []

    def padded() -> Tensor:
        width = max(len(ids) for ids in batch)
        return torch.tensor([[*ids, *[padding] * (width - len(ids))] for ids in batch])

    for ids in sequences:
        batch.append(ids)
        if len(batch) == size:
            yield padded()
            batch = []
    if batch:
        yield padded()


def _accumulate(
    layer: _Layer, activations: Tensor, ids: Tensor, tokens_before: int, seed: int
) -> None:
    sequence, position, feature = (activations > 0).nonzero(as_tuple=True)
    value = activations[sequence, position, feature]
    firings = Firings(feature, sequence, position, value)
    layer.fired += torch.bincount(feature, minlength=len(layer.fired))
    layer.histograms.add(firings)
    token = tokens_before + sequence * ids.shape[1] + position
    # larger scores are kept, so the smallest priorities survive
    layer.sample.add(firings, -priorities(token, feature, seed), ids, activations)
    peaks, where = activations.max(dim=1)
    row, peaking = (peaks > 0).nonzero(as_tuple=True)
    best = Firings(peaking, row, where[row, peaking], peaks[row, peaking])
    layer.top.add(best, best.value.double(), ids, activations)


def _write(
    model: LanguageModel,
    transcoders: Transcoders,
    layers: Sequence[_Layer],
    folder: Path,
    settings: IndexSettings,
    corpus: str,
    seen: int,
    longest: int,
) -> Manifest:
    for number, layer in enumerate(layers):
        logits = logit_rows(model, transcoders.layers[number])
        rows = [
            _row(layer, feature, logits[feature], settings, seen) for feature in range(len(logits))
        ]
        write_layer(folder, number, rows)
    vocabulary = int(model.config.vocab_size)
    write_vocabulary(folder, [model.tokenizer.decode([i]) for i in range(vocabulary)])
    manifest = Manifest(
        transcoder_set=TranscoderSet(
            transcoders.model_name or model.name, transcoders.name, transcoders.revision
        ),
        layers=tuple(range(len(layers))),
        n_features=max(transcoder.n_features for transcoder in transcoders.layers),
        tokens_seen=seen,
        corpus=corpus,
        context_length=longest,
        seed=settings.seed,
        special_token_ids=tuple(sorted(set(model.tokenizer.all_special_ids))),
        model_revision=model.revision,
        settings={"top": settings.top, "quantiles": settings.quantiles, "radius": settings.radius},
    )
    write_manifest(folder, manifest)
    return manifest


def _row(
    layer: _Layer,
    feature: int,
    logits: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    settings: IndexSettings,
    seen: int,
) -> dict[str, Any]:
    found = layer.top.score[feature].isfinite().nonzero().flatten()
    top = [_example(layer.top, feature, int(place)) for place in found]
    counts = layer.histograms.counts[feature]
    used = int(counts.nonzero().max()) + 1 if counts.any() else 0
    high = float(layer.histograms.high[feature])
    return {
        "feature": feature,
        "density": int(layer.fired[feature]) / seen,
        "max_activation": float(layer.top.value[feature].max()),
        "histogram_low": 0.0,
        "histogram_high": high * used / counts.numel(),
        "histogram": counts[:used].tolist(),
        "top_logits": logits[0],
        "bottom_logits": logits[1],
        "quantiles": [{"name": TOP, "examples": top}, *_quantiles(layer, feature, settings)]
        if top
        else [],
    }


def _quantiles(layer: _Layer, feature: int, settings: IndexSettings) -> list[dict[str, Any]]:
    """Examples of each stretch, strongest stretch first; few firings make few stretches."""
    found = layer.sample.score[feature].isfinite().nonzero().flatten()
    ranked = found[layer.sample.value[feature][found].argsort(descending=True, stable=True)]
    stretches = torch.tensor_split(ranked, settings.quantiles)
    quantiles = []
    for number, stretch in enumerate(stretches):
        # within a stretch, those of smallest priority: a uniform sample
        order = layer.sample.score[feature][stretch].argsort(descending=True, stable=True)
        chosen = stretch[order[: settings.per_quantile]]
        examples = [_example(layer.sample, feature, int(place)) for place in chosen]
        if examples:
            quantiles.append({"name": f"q{settings.quantiles - 1 - number}", "examples": examples})
    return quantiles


def _example(table: ExampleTable, feature: int, place: int) -> dict[str, Any]:
    ids = table.ids[feature, place]
    inside = ids >= 0
    return {"ids": ids[inside].tolist(), "acts": table.acts[feature, place][inside].numpy()}

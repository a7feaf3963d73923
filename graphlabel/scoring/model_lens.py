"""The logits a feature moves, from the model: its decoder direction, and taking it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import Excerpt
from graphlabel.scoring.output_check import TOP, Raised
from graphlabel.scoring.split import TestText

if TYPE_CHECKING:
    from torch import Tensor, nn

    from graphlabel.models import LanguageModel, Transcoders
    from graphlabel.models.transcoders import TranscoderLayer

ABLATED = 5
"""Texts on which a feature is taken out."""


class ModelLens:
    """Every token's logit, through the decoder direction, the final norm's weight and the
    unembedding; and by how much it falls when the feature is taken out of the forward pass.
    """

    how = "by the model: decoder direction, and ablation at the peaks of test texts"

    def __init__(self, model: LanguageModel, transcoders: Transcoders) -> None:
        """Look through a model with the transcoders the features are of."""
        self._model, self._transcoders = model, transcoders

    def raised(
        self, record: FeatureRecord, text: str, positives: Sequence[TestText]
    ) -> Raised | None:
        """What the feature does to the token a text begins with: the best of its spellings."""
        key = record.key
        layers = self._transcoders.layers
        spellings = self._spellings(text)
        if not spellings or key.layer >= len(layers) or key.feature >= layers[key.layer].n_features:
            return None
        values = self._lens.moved(layers[key.layer], key.feature)
        best = max(spellings, key=lambda token: float(values[token]))
        rank = 1 + int((values > values[best]).sum())
        falls = [self._ablation(record, each.excerpt, best) for each in positives[:ABLATED]]
        return Raised(
            rank,
            float(values[best]),
            sum(falls) / len(falls) if falls else None,
            min(1.0, TOP * len(spellings) / len(values)),
        )

    @cached_property
    def _lens(self) -> Any:
        from graphlabel.evidence.building.logits import LogitLens

        return LogitLens(self._model)

    @cached_property
    def _vocabulary(self) -> dict[str, list[int]]:
        """Token ids by their text, space and case folded."""
        tokenizer = self._model.tokenizer
        ids = [[token] for token in range(int(self._model.config.vocab_size))]
        found: dict[str, list[int]] = {}
        for token, text in enumerate(tokenizer.batch_decode(ids)):
            found.setdefault(text.strip().casefold(), []).append(token)
        return found

    def _spellings(self, text: str) -> list[int]:
        """The tokens that are the text; else those with which the tokenizer begins to write it."""
        whole = self._vocabulary.get(text.strip().casefold(), [])
        if whole:
            return whole
        tokenizer = self._model.tokenizer
        written = (tokenizer(form, add_special_tokens=False) for form in (f" {text}", text))
        first = {each["input_ids"][0] for each in written if each["input_ids"]}
        return sorted(first - {tokenizer.unk_token_id})

    def _ablation(self, record: FeatureRecord, excerpt: Excerpt, token: int) -> float:
        """By how much a token's logit falls at the feature's peak when the feature is 0 there."""
        import torch

        from graphlabel.models.capture import transcoder_inputs
        from graphlabel.scoring.by_model import token_ids

        key, layers = record.key, self._transcoders.layers
        ids = token_ids(self._model, excerpt)
        with torch.no_grad():
            inputs = list(transcoder_inputs(self._model, self._transcoders, ids))
            acts = layers[key.layer].encode(inputs[key.layer][0])[1:, key.feature]
            peak = 1 + int(acts.argmax())
            clean = self._logit(ids, peak, token)
            with self._without(layers[key.layer], key.feature, peak, acts[peak - 1]):
                return clean - self._logit(ids, peak, token)

    def _logit(self, ids: Tensor, position: int, token: int) -> float:
        logits = self._model.model(input_ids=ids.to(self._model.device), use_cache=False).logits
        return float(logits[0, position, token])

    @contextmanager
    def _without(
        self, transcoder: TranscoderLayer, feature: int, position: int, activation: Tensor
    ) -> Iterator[None]:
        """Take a feature's part out of everything it writes at a position."""
        import torch

        handles = []
        for layer in transcoder.write_layers:
            row = transcoder.decoder_rows(torch.tensor([feature]), layer)[0]
            part = activation * row.to(activation)

            def take_out(
                _module: nn.Module, _inputs: Any, output: Tensor, part: Tensor = part
            ) -> Tensor:
                changed = output.clone()
                changed[0, position] -= part.to(changed)
                return changed

            handles.append(self._written(transcoder, layer).register_forward_hook(take_out))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _written(self, transcoder: TranscoderLayer, layer: int) -> nn.Module:
        """The module whose output a transcoder stands for."""
        from graphlabel.models.transcoders import WritePoint

        architecture = self._model.architecture
        after = architecture.post_mlp_norm
        residual = transcoder.write_point is WritePoint.RESIDUAL and after is not None
        name = after if residual and after else architecture.mlp
        return self._model.block(layer).get_submodule(name)

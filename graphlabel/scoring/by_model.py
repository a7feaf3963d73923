"""Checking silence by running the model and its transcoders on the texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import Excerpt

if TYPE_CHECKING:
    from torch import Tensor

    from graphlabel.models import LanguageModel, Transcoders


class ByModel:
    """Silence as the model has it: the feature's activation is 0 on every token of the text.

    Texts are read whole, as the source gives them, after the model's beginning token; special
    tokens do not count.
    """

    how = "by running the model and its transcoders on every text"
    measured = True

    def __init__(self, model: LanguageModel, transcoders: Transcoders) -> None:
        """Check with a model and the transcoders the features are of."""
        self._model, self._transcoders = model, transcoders

    def silent(
        self, records: Sequence[FeatureRecord], texts: Sequence[Excerpt]
    ) -> Bool[np.ndarray, "features texts"]:
        """Whether each feature is silent on each text.

        Raises TranscoderError for a feature the transcoders do not have.
        """
        self._check_features(records)
        found = np.ones((len(records), len(texts)), dtype=bool)
        for column, text in enumerate(texts):
            found[:, column] = self._silent_on(records, text)
        return found

    def _check_features(self, records: Sequence[FeatureRecord]) -> None:
        from graphlabel.errors import TranscoderError

        layers = self._transcoders.layers
        for key in (record.key for record in records):
            if key.layer >= len(layers) or key.feature >= layers[key.layer].n_features:
                raise TranscoderError(
                    f"{self._transcoders.name} has no feature {key}; name the transcoders that "
                    "the features are of"
                )

    def _silent_on(
        self, records: Sequence[FeatureRecord], text: Excerpt
    ) -> Bool[np.ndarray, " features"]:
        import torch

        from graphlabel.models.capture import transcoder_inputs

        ids = token_ids(self._model, text)
        special = torch.tensor(self._model.tokenizer.all_special_ids)
        counts = ~torch.isin(ids[0], special)
        fires: dict[int, Tensor] = {}
        wanted = {record.key.layer for record in records}
        with torch.no_grad():
            inputs = transcoder_inputs(self._model, self._transcoders, ids)
            for layer, x in enumerate(inputs):
                if layer in wanted:
                    acts = self._transcoders.layers[layer].encode(x[0]).cpu()
                    fires[layer] = (acts[counts] != 0).any(dim=0)
        return np.array([not fires[key.layer][key.feature] for key in (r.key for r in records)])


def token_ids(model: LanguageModel, text: Excerpt) -> Tensor:
    """The ids of the whole example a text was cut from, after the model's beginning token.

    Shape [1, tokens]; cut at the model's context length.
    """
    import torch

    from graphlabel.models import beginning_token

    ids = list(text.source.token_ids)
    if not ids:
        places = (i for i in range(len(text.source.tokens)) if i not in text.source.special)
        written = "".join(text.source.tokens[place] for place in places)
        ids = model.tokenizer(written, add_special_tokens=False)["input_ids"]
    first = beginning_token(model)
    ids = ids if ids[:1] == [first] else [first, *ids]
    return torch.tensor([ids[: model.context_length]])

"""The residual stream of a model at the last token of a text (torch)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32

from graphlabel.errors import VerbalizerError
from graphlabel.models import LanguageModel
from graphlabel.models.capture import capturing


class ModelStates:
    """Reads the residual stream of a loaded model."""

    def __init__(self, model: LanguageModel) -> None:
        """``model`` is the one whose vectors are verbalized."""
        self.model = model

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @torch.no_grad()
    def last_state(self, text: str, layer: int) -> Float32[np.ndarray, " d_model"]:
        """The output of block ``layer`` at the text's last token, float32.

        Special tokens are added as the tokenizer does by itself, once. Raises VerbalizerError for a
        layer that the model does not have and a text without tokens or with too many.
        """
        model = self.model
        if not 0 <= layer < model.n_layers:
            raise VerbalizerError(
                f"{model.name} has the layers 0 to {model.n_layers - 1}, the verbalizer reads "
                f"layer {layer}; it was made for another model"
            )
        bos = model.tokenizer.bos_token
        bare = text.removeprefix(bos) if bos else text
        ids = model.tokenizer(bare)["input_ids"]
        if not 0 < len(ids) <= model.context_length:
            raise VerbalizerError(
                f"a text of {len(ids)} tokens cannot be read; {model.name} takes 1 to "
                f"{model.context_length}"
            )
        with capturing({"state": (model.block(layer), True)}) as captured:
            model.model(
                input_ids=torch.tensor([ids], device=model.device),
                use_cache=False,
                logits_to_keep=1,
            )
        state: Float32[np.ndarray, " d_model"] = captured["state"][0, -1].float().cpu().numpy()
        return state

"""An NLA's activation reconstructor (AR): from a text back to the vector (torch)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.contract import (
    SIDECAR,
    ReconstructorContract,
    fill,
    read_reconstructor_contract,
)
from graphlabel.labeling.verbalizers.places import checkpoint_file
from graphlabel.models import LanguageModel, load_language_model
from graphlabel.models.capture import capturing

HEAD = "value_head.safetensors"


class Reconstructor:
    """The first K+1 blocks of a model without final norm, and a linear head without bias."""

    def __init__(
        self,
        model: LanguageModel,
        head: Float[Tensor, "d_model d_model"],
        contract: ReconstructorContract,
    ) -> None:
        """Raises VerbalizerError when model, head and contract do not fit together."""
        width = (contract.d_model, contract.d_model)
        if tuple(head.shape) != width or model.d_model != contract.d_model:
            raise VerbalizerError(
                f"the reconstructor's head has the shape {tuple(head.shape)} and its model d_model "
                f"{model.d_model}, the sidecar says {contract.d_model}; get the whole checkpoint"
            )
        if contract.layer is not None and model.n_layers != contract.layer + 1:
            raise VerbalizerError(
                f"the reconstructor has {model.n_layers} layers, its sidecar says that it ends "
                f"after layer {contract.layer}; get the whole checkpoint"
            )
        self.model, self.contract = model, contract
        self._head = head.to(model.device, torch.float32)
        self._check_tokens()

    @torch.no_grad()
    def reconstruct(self, text: str) -> Float32[np.ndarray, " d_model"]:
        """The vector of a text, in no particular unit: its direction counts."""
        ids = torch.tensor([self._ids(text)], device=self.model.device)
        last = self.model.block(self.model.n_layers - 1)
        with capturing({"state": (last, True)}) as captured:
            self.model.model(input_ids=ids, use_cache=False, logits_to_keep=1)
        state = captured["state"][0, -1].float()
        return (self._head @ state).cpu().numpy()

    def cosine(self, text: str, vector: Float32[np.ndarray, " d_model"]) -> float:
        """Cosine of a vector with the reconstruction from its text: the AV·AR round trip."""
        again, wanted = self.reconstruct(text).astype(np.float64), vector.astype(np.float64)
        norms = float(np.linalg.norm(again) * np.linalg.norm(wanted))
        return float(again @ wanted / norms) if norms > 0 else 0.0

    def _ids(self, text: str) -> list[int]:
        prompt = fill(self.contract.template, "explanation", text)
        found = self.model.tokenizer(prompt, add_special_tokens=True)["input_ids"]
        return [int(i) for i in found]

    def _check_tokens(self) -> None:
        """Refuse a tokenizer that leaves out the first token or ends the prompt otherwise."""
        ids, first = self._ids("x"), self.model.tokenizer.bos_token_id
        if first is not None and ids[0] != first:
            raise VerbalizerError(
                f"the tokenizer of {self.model.name} does not begin a text with its BOS token, as "
                "the reconstructor's training did; use the tokenizer of the checkpoint"
            )
        suffix = self.contract.suffix_ids
        if suffix and tuple(ids[-len(suffix) :]) != suffix:
            raise VerbalizerError(
                f"the reconstructor's prompt ends with the tokens {ids[-len(suffix) :]}, the "
                f"sidecar says {list(suffix)}; use the tokenizer of the checkpoint"
            )


def load_reconstructor(
    place: str, *, dtype: torch.dtype = torch.float32, device: torch.device | None = None
) -> Reconstructor:
    """The reconstructor in a folder or on the hub; raises VerbalizerError and ModelError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    contract = read_reconstructor_contract(checkpoint_file(place, SIDECAR))
    path = checkpoint_file(place, HEAD)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise VerbalizerError(f"cannot read {path}: {error}") from error
    if set(tensors) != {"weight"}:
        raise VerbalizerError(f"{path} holds {sorted(tensors)}; a head is one “weight”, no bias")
    model = load_language_model(place, dtype=dtype, device=device, attention="sdpa", headless=True)
    return Reconstructor(model, tensors["weight"], contract)

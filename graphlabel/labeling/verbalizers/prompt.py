"""An AV's prompt: its tokens, and the one place where the vector goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.contract import VerbalizerContract, fill


@dataclass(frozen=True, slots=True)
class VerbalizerPrompt:
    """The tokens of an AV's prompt and the place of its vector."""

    ids: tuple[int, ...]
    place: int

    def inject(
        self,
        rows: Float32[np.ndarray, "tokens d_model"],
        vector: Float32[np.ndarray, " d_model"],
        scale: float,
    ) -> Float32[np.ndarray, "tokens d_model"]:
        """The prompt's embedding rows with the vector, of L2 norm ``scale``, at its place.

        ``rows`` are what the first block reads: for Gemma they include the factor √d_model.
        Raises VerbalizerError when the vector is zero or not finite.
        """
        norm = float(np.linalg.norm(vector.astype(np.float64)))
        if not (np.isfinite(norm) and norm > 0):
            raise VerbalizerError("a vector to be verbalized is zero, or has NaN or infinite parts")
        injected = rows.copy()
        injected[self.place] = (vector.astype(np.float64) * (scale / norm)).astype(np.float32)
        return injected


def verbalizer_prompt(tokenizer: Any, contract: VerbalizerContract) -> VerbalizerPrompt:
    """The prompt of a contract, tokenised through the chat template in one call.

    Raises VerbalizerError unless the injection character is the one token the contract says, and
    stands at exactly one place between the neighbours it says.
    """
    char = contract.injection_char
    alone = [int(i) for i in tokenizer.encode(char, add_special_tokens=False)]
    if alone != [contract.injection_token_id]:
        raise VerbalizerError(
            f"the tokenizer reads the injection character {char!r} as {alone}, the sidecar says "
            f"[{contract.injection_token_id}]; use the tokenizer of the checkpoint"
        )
    ids = _chat_ids(tokenizer, fill(contract.template, "injection_char", char))
    wanted = (contract.left_neighbor_id, contract.injection_token_id, contract.right_neighbor_id)
    places = [at for at in range(1, len(ids) - 1) if ids[at - 1 : at + 2] == wanted]
    if len(places) != 1:
        raise VerbalizerError(
            f"the prompt has {len(places)} places for the vector (token {wanted[1]} between "
            f"{wanted[0]} and {wanted[2]}), and should have 1; sidecar and tokenizer do not fit"
        )
    return VerbalizerPrompt(ids, places[0])


def _chat_ids(tokenizer: Any, content: str) -> tuple[int, ...]:
    if not getattr(tokenizer, "chat_template", None):
        raise VerbalizerError("the verbalizer's tokenizer has no chat template; get the whole AV")
    try:
        encoded = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
        )
    except Exception as error:  # templates are programs of their authors
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VerbalizerError(f"the verbalizer's chat template fails: {first}") from error
    ids = encoded["input_ids"]
    return tuple(int(i) for i in (ids[0] if ids and isinstance(ids[0], list) else ids))

"""An activation oracle: a LoRA on the target model that answers questions on vectors (torch).

Karvonen et al. 2025: the vector is added, scaled to the norm of what stands there, to the output of
an early block at a placeholder token of the prompt.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from graphlabel.annotation import Verbalization, clean_verbalization
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.answers import utc_now
from graphlabel.labeling.verbalizers.generating import generate
from graphlabel.labeling.verbalizers.places import checkpoint_file
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.states import ModelStates
from graphlabel.labeling.verbalizers.subjects import vector_of
from graphlabel.labeling.verbalizers.verbalizer import Done, ResidualVector, Subject
from graphlabel.models import LanguageModel

ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class OracleSettings:
    """How an oracle was trained to be asked; the defaults are the published ones."""

    question: str = "What does this stand for? Answer in one sentence."
    placeholder: str = " ?"
    """The token, one in the tokenizer, where the vector is added."""
    injection_layer: int = 1
    """The block to whose output the vector is added."""
    trained_depths: tuple[float, ...] = (0.25, 0.5, 0.75)
    """The layers it was trained on, as shares of the model's depth."""


class OracleVerbalizer:
    """A Verbalizer from a LoRA adapter (peft) on the model whose vectors are read."""

    def __init__(
        self,
        model: LanguageModel,
        adapter: str,
        *,
        settings: OracleSettings | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        """``adapter`` is a folder or hub id. ``model`` is changed: it carries the adapter then.

        Raises VerbalizerError when the adapter is not of this model, or peft is missing.
        """
        self.settings, self.sampling = settings or OracleSettings(), sampling or Sampling()
        self.model, self.adapter = model, adapter
        if not 0 <= self.settings.injection_layer < model.n_layers:
            raise VerbalizerError(
                f"{model.name} has no layer {self.settings.injection_layer} to inject at"
            )
        self._block = model.block(self.settings.injection_layer)
        self._oracle = _with_adapter(model, adapter)
        self._states = ModelStates(model)

    @property
    def name(self) -> str:
        """The adapter's name."""
        return Path(self.adapter).name if Path(self.adapter).is_dir() else self.adapter

    @property
    def layer(self) -> int:
        """The layer that passages are read at: the middle one of those it was trained on."""
        trained = self._trained_layers()
        return trained[len(trained) // 2]

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; see Verbalizer."""
        texts = list[Verbalization]()
        with self._oracle.disable_adapter():  # passages go through the model itself
            vectors = [
                vector_of(each, self._states, self.layer, self.model.d_model) for each in subjects
            ]
        for place, vector in enumerate(vectors):
            texts.append(self._one(vector, self.sampling.seed + place))
            if done is not None:
                done(place, texts[-1])
        return texts

    def _one(self, vector: ResidualVector, seed: int) -> Verbalization:
        ids, place = self._prompt(vector.layer)
        with self._injecting(vector.values, place):
            answer, ended = generate(
                self.model, self._oracle, self.sampling, seed, input_ids=torch.tensor([ids])
            )[0]
        return Verbalization(
            clean_verbalization(answer),
            self.name,
            vector.reading,
            layer=vector.layer,
            reads_layer=self._nearest(vector.layer),
            truncated=not ended,
            model=vector.model,
            passage=vector.passage,
            temperature=self.sampling.temperature,
            seed=self.sampling.seed,
            time=utc_now(),
        )

    def _trained_layers(self) -> list[int]:
        n_layers = self.model.n_layers
        depths = self.settings.trained_depths
        return sorted({min(int(depth * n_layers), n_layers - 1) for depth in depths})

    def _nearest(self, layer: int | None) -> int:
        """The trained layer nearest to one, to say how far off it is."""
        at = self.layer if layer is None else layer
        return min(self._trained_layers(), key=lambda trained: abs(trained - at))

    def _prompt(self, layer: int | None) -> tuple[list[int], int]:
        """Token ids of the question on a vector of a layer, and its placeholder's place.

        The prompt's form is that of the published training data.
        """
        tokenizer, placeholder = self.model.tokenizer, self.settings.placeholder
        shown = self.layer if layer is None else layer
        content = f"Layer: {shown}\n{placeholder} \n{self.settings.question}"
        if not tokenizer.chat_template:
            raise VerbalizerError(f"the tokenizer of {self.model.name} has no chat template")
        encoded = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
        )
        ids = [int(i) for i in encoded["input_ids"]]
        token = tokenizer.encode(placeholder, add_special_tokens=False)
        places = [at for at, i in enumerate(ids) if [i] == token]
        if not places:
            raise VerbalizerError(
                f"the placeholder “{placeholder}” is no single token in the prompt of "
                f"{self.model.name}; name the oracle's own"
            )
        return ids, places[0]  # it stands before the question, which may hold it too

    @contextmanager
    def _injecting(self, vector: Float32[np.ndarray, " d_model"], place: int) -> Iterator[None]:
        """Add ‖h‖·v/‖v‖ to the state h at the placeholder, while the prompt is read."""
        unit = torch.from_numpy(vector / max(float(np.linalg.norm(vector)), 1e-30))

        def add(_module: object, _args: object, output: Any) -> Any:
            hidden: Tensor = output[0] if isinstance(output, tuple) else output
            if hidden.shape[1] <= place:
                return output  # a generated token
            changed = hidden.clone()
            here = changed[:, place]
            size = here.float().norm(dim=-1, keepdim=True)
            changed[:, place] = here + (size * unit.to(here.device)).to(here.dtype)
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        handle = self._block.register_forward_hook(add)
        try:
            yield
        finally:
            handle.remove()


def _with_adapter(model: LanguageModel, adapter: str) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise VerbalizerError(
            "activation oracles need the peft package; install it with: pip install "
            "'graphlabel[oracle]'"
        ) from error
    folder = checkpoint_file(adapter, ADAPTER).parent
    checkpoint_file(adapter, "adapter_model.safetensors")
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft's own business with transformers
            return PeftModel.from_pretrained(model.model, str(folder)).eval()
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, SafetensorError) as error:
        why = " ".join(str(error).split())[:200]
        raise VerbalizerError(f"the adapter {adapter} does not fit {model.name}: {why}") from error

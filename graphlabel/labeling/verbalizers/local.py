"""An NLA's activation verbalizer, run here with transformers (torch)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from graphlabel.annotation import Verbalization
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.answers import explanation_of, utc_now
from graphlabel.labeling.verbalizers.contract import VerbalizerContract
from graphlabel.labeling.verbalizers.generating import generate
from graphlabel.labeling.verbalizers.prompt import verbalizer_prompt
from graphlabel.labeling.verbalizers.reconstructor import Reconstructor
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.subjects import StateReader, vector_of
from graphlabel.labeling.verbalizers.verbalizer import Done, ResidualVector, Subject
from graphlabel.models import LanguageModel

_BATCH = 8


class LocalVerbalizer:
    """A Verbalizer whose AV runs in this process, through ``generate(inputs_embeds=…)``."""

    def __init__(
        self,
        model: LanguageModel,
        contract: VerbalizerContract,
        *,
        reconstructor: Reconstructor | None = None,
        states: StateReader | None = None,
        sampling: Sampling | None = None,
    ) -> None:
        """``states`` reads passages; ``reconstructor`` says how well a text holds its vector.

        Raises VerbalizerError when contract, tokenizer and model do not fit, or when what is
        injected would not reach the first block as it is.
        """
        if model.d_model != contract.d_model:
            raise VerbalizerError(
                f"the sidecar is of a model with d_model {contract.d_model}, {model.name} has "
                f"{model.d_model}; sidecar and weights do not belong together"
            )
        self.model, self.contract = model, contract
        self.sampling = sampling or Sampling()
        self._reconstructor, self._states = reconstructor, states
        self._network: Any = model.model
        self._prompt = verbalizer_prompt(model.tokenizer, contract)
        self._rows = self._embedding_rows()
        self._check_injection()

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return self.model.name

    @property
    def layer(self) -> int | None:
        """The layer its sidecar names."""
        return self.contract.layer

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; see Verbalizer."""
        width, texts = self.contract.d_model, list[Verbalization]()
        vectors = [vector_of(each, self._states, self.layer, width) for each in subjects]
        for start in range(0, len(vectors), _BATCH):
            batch = vectors[start : start + _BATCH]
            for vector, answer in zip(batch, self._answers(batch, start), strict=True):
                texts.append(self._finished(vector, answer))
                if done is not None:
                    done(len(texts) - 1, texts[-1])
        return texts

    def _finished(self, vector: ResidualVector, answer: str) -> Verbalization:
        text, truncated = explanation_of(answer)
        cosine = self._reconstructor.cosine(text, vector.values) if self._reconstructor else None
        return Verbalization(
            text,
            self.name,
            vector.reading,
            layer=vector.layer,
            reads_layer=self.layer,
            truncated=truncated,
            cosine=cosine,
            model=vector.model,
            passage=vector.passage,
            temperature=self.sampling.temperature,
            seed=self.sampling.seed,
            time=utc_now(),
        )

    @torch.no_grad()
    def _embedding_rows(self) -> Float32[np.ndarray, "tokens d_model"]:
        """The prompt's embeddings as the first block reads them: for Gemma × √d_model."""
        embed = self._network.get_input_embeddings()
        rows: Tensor = embed(torch.tensor(self._prompt.ids, device=self.model.device))
        return rows.float().cpu().numpy()

    def _injected(self, vectors: Sequence[ResidualVector]) -> Tensor:
        scale = self.contract.injection_scale
        rows = [self._prompt.inject(self._rows, each.values, scale) for each in vectors]
        dtype = self._network.dtype
        return torch.from_numpy(np.stack(rows)).to(self.model.device, dtype)

    def _answers(self, vectors: Sequence[ResidualVector], start: int) -> list[str]:
        found = generate(
            self.model,
            self._network,
            self.sampling,
            self.sampling.seed + start,
            inputs_embeds=self._injected(vectors),
        )
        return [answer for answer, _ in found]

    def _check_injection(self) -> None:
        """Raise VerbalizerError unless the first block reads just what was injected.

        Models that scale or shift what they are given as embeddings would drown the vector.
        """
        probe = np.linspace(-1, 1, self.contract.d_model, dtype=np.float32) + np.float32(1e-3)
        scale = self.contract.injection_scale
        injected = torch.from_numpy(self._prompt.inject(self._rows, probe, scale))
        ids = torch.tensor([self._prompt.ids], device=self.model.device)
        plain = self._first_block_reads(input_ids=ids)
        dtype = self._network.dtype
        ours = injected[None].to(self.model.device, dtype)
        changed = self._first_block_reads(inputs_embeds=ours) - plain
        wanted = injected - torch.from_numpy(self._rows)
        error = float((changed - wanted).abs().max() / wanted.abs().max())
        if error > 0.02:  # bfloat16 keeps 8 bits
            raise VerbalizerError(
                f"the vector would reach the first block of {self.name} changed by {error:.0%}; "
                "its model scales embeddings in a way that graphlabel does not know"
            )

    @torch.no_grad()
    def _first_block_reads(self, **inputs: Tensor) -> Tensor:
        """The first block's input, float32; the blocks are not run."""
        found: list[Tensor] = []

        def stop(_module: object, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
            found.append((args[0] if args else kwargs["hidden_states"])[0].float().cpu())
            raise _Seen

        handle = self.model.block(0).register_forward_pre_hook(stop, with_kwargs=True)
        try:
            self._network(**inputs, use_cache=False, logits_to_keep=1)
        except _Seen:
            pass
        finally:
            handle.remove()
        return found[0]


class _Seen(Exception):  # noqa: N818  # no error: it ends a forward pass
    pass

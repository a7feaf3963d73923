"""An NLA's activation verbalizer behind an SGLang server, which takes embeddings (torch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from graphlabel.annotation import Verbalization
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.answers import explanation_of, utc_now
from graphlabel.labeling.verbalizers.contract import (
    SIDECAR,
    VerbalizerContract,
    read_verbalizer_contract,
)
from graphlabel.labeling.verbalizers.embeddings import embedding_rows, load_tokenizer
from graphlabel.labeling.verbalizers.http import Server
from graphlabel.labeling.verbalizers.places import checkpoint_file
from graphlabel.labeling.verbalizers.prompt import VerbalizerPrompt, verbalizer_prompt
from graphlabel.labeling.verbalizers.reconstructor import Reconstructor
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.subjects import StateReader, vector_of
from graphlabel.labeling.verbalizers.verbalizer import Done, ResidualVector, Subject


@dataclass(frozen=True, slots=True, eq=False)
class SglangVerbalizer:
    """A Verbalizer whose AV an SGLang server runs.

    Prompt and vector are put together here from the checkpoint's tokenizer and embeddings; the
    server gets ``input_embeds`` alone (token ids beside them would be used in their place).
    """

    name: str
    server: Server
    contract: VerbalizerContract
    prompt: VerbalizerPrompt
    rows: Float32[np.ndarray, "tokens d_model"]
    reconstructor: Reconstructor | None = None
    states: StateReader | None = None
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def layer(self) -> int | None:
        """The layer its sidecar names."""
        return self.contract.layer

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; see Verbalizer."""
        width, texts = self.contract.d_model, list[Verbalization]()
        for place, subject in enumerate(subjects):
            texts.append(self._one(vector_of(subject, self.states, self.layer, width)))
            if done is not None:
                done(place, texts[-1])
        return texts

    def _one(self, vector: ResidualVector) -> Verbalization:
        text, truncated = explanation_of(self._answer(vector))
        cosine = self.reconstructor.cosine(text, vector.values) if self.reconstructor else None
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
            time=utc_now(),
        )

    def _answer(self, vector: ResidualVector) -> str:
        injected = self.prompt.inject(self.rows, vector.values, self.contract.injection_scale)
        answer = self.server.post(
            "/generate",
            {
                "input_embeds": injected.tolist(),
                "sampling_params": {
                    "temperature": self.sampling.temperature,
                    "max_new_tokens": self.sampling.max_tokens,
                    "top_p": 1.0,
                    "top_k": -1,
                    "repetition_penalty": 1.0,
                    "skip_special_tokens": False,
                },
            },
        )
        first = answer[0] if isinstance(answer, list) and answer else answer
        text = first.get("text") if isinstance(first, dict) else None
        if not isinstance(text, str):
            raise VerbalizerError(f"{self.server.url} answered without a text; is it SGLang?")
        return text


def open_sglang(
    place: str,
    url: str,
    *,
    reconstructor: Reconstructor | None = None,
    states: StateReader | None = None,
    sampling: Sampling | None = None,
    pause: float = 1.0,
) -> SglangVerbalizer:
    """The AV of a checkpoint that an SGLang server runs at ``url``.

    Raises VerbalizerError when they do not fit together, or the server reuses prefixes.
    """
    contract = read_verbalizer_contract(checkpoint_file(place, SIDECAR))
    prompt = verbalizer_prompt(load_tokenizer(place), contract)
    rows = embedding_rows(place, prompt.ids)
    if rows.shape[1] != contract.d_model:
        raise VerbalizerError(
            f"the embeddings of {place} have {rows.shape[1]} dimensions, its sidecar says "
            f"{contract.d_model}; sidecar and weights do not belong together"
        )
    server = Server(url, pause=pause)
    _check_no_prefix_cache(server)
    name = Path(place).name if Path(place).is_dir() else place
    return SglangVerbalizer(
        name, server, contract, prompt, rows, reconstructor, states, sampling or Sampling()
    )


def _check_no_prefix_cache(server: Server) -> None:
    """Refuse a server that reuses prefixes: it tells them apart by token ids, and there are none.

    Servers that do not say are believed.
    """
    try:
        about: Any = server.get("/get_server_info")
    except VerbalizerError as error:
        if "refused (404)" in str(error):
            return
        raise
    if isinstance(about, dict) and about.get("disable_radix_cache") is False:
        raise VerbalizerError(
            f"the SGLang server at {server.url} caches prefixes by token ids, which embeddings do "
            "not have, and would mix vectors up; start it with --disable-radix-cache"
        )

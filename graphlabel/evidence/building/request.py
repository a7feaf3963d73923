"""An index as a person asks for it: by the names of model, transcoders and corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from graphlabel.evidence.building.run import Run
from graphlabel.evidence.building.sequences import token_sequences
from graphlabel.evidence.building.settings import IndexSettings
from graphlabel.evidence.corpora import Corpus, open_corpus
from graphlabel.models import (
    LanguageModel,
    Transcoders,
    device_of,
    dtype_of,
    load_language_model,
    load_transcoders,
)


@dataclass(frozen=True)
class Places:
    """Where model and transcoders are."""

    model: str
    transcoders: str
    gguf_file: str | None = None
    """The model's file within its folder or repository, where it is in GGUF."""

    def load(self, dtype: str, device: str | None) -> tuple[LanguageModel, Transcoders]:
        """Load both; raises ModelError and TranscoderError."""
        return self.load_model(dtype, device), load_transcoders(self.transcoders)

    def load_model(self, dtype: str, device: str | None) -> LanguageModel:
        """Load the model; raises ModelError."""
        return load_language_model(
            self.model,
            dtype=dtype_of(dtype),
            device=device_of(device),
            gguf_file=self.gguf_file,
            attention="sdpa",
        )

    def named(self) -> dict[str, str]:
        """As names and values."""
        found = {"model": self.model, "transcoders": self.transcoders}
        return {**found, "gguf_file": self.gguf_file} if self.gguf_file else found


@dataclass(frozen=True)
class IndexRequest:
    """What to build an index of. Plain values: it travels to other processes."""

    places: Places
    corpus: str
    n_tokens: int = 0
    settings: IndexSettings = field(default_factory=IndexSettings)
    text_field: str = "text"
    device: str | None = None

    @cached_property
    def opened(self) -> Corpus:
        """The corpus; raises EvidenceError when there is none."""
        return open_corpus(self.corpus, self.text_field)

    def run(self) -> Run:
        """Load what is needed; raises the errors of loading."""
        corpus = self.opened
        model, transcoders = self.places.load(self.settings.dtype, self.device)
        sequences = token_sequences(
            model, corpus.documents(), self.settings.context_length, self.n_tokens
        )
        return Run(
            model,
            transcoders,
            sequences,
            self.settings,
            corpus.name,
            self.n_tokens,
            self.places.named(),
        )

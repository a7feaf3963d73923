"""What is run over which corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphlabel.errors import UsageError
from graphlabel.evidence.building.layer import LayerTables
from graphlabel.evidence.building.settings import Identity, IndexSettings
from graphlabel.models import LanguageModel, Transcoders
from graphlabel.records import TranscoderSet


@dataclass(frozen=True)
class Run:
    """What is run over which corpus."""

    model: LanguageModel
    transcoders: Transcoders
    sequences: Iterable[Sequence[int]]
    """Token ids of each sequence, the first a special token, in the corpus's order."""
    settings: IndexSettings = field(default_factory=IndexSettings)
    corpus: str = ""
    """What to call the corpus."""
    n_tokens: int = 0
    places: dict[str, str] = field(default_factory=dict)
    """Where model and transcoders were found."""

    @property
    def identity(self) -> Identity:
        """What the index is of."""
        mine = self.transcoders
        identity = TranscoderSet(mine.model_name or self.model.name, mine.name, mine.revision)
        return Identity(identity, self.model.revision, self.corpus, self.n_tokens, self.settings)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that are indexed; raises UsageError for one that has no transcoder."""
        have = [layer.layer for layer in self.transcoders.layers if layer.n_features]
        wanted = self.settings.layers
        missing = sorted(set(wanted or ()) - set(have))
        if missing:
            raise UsageError(
                f"{self.transcoders.name} has no transcoder for layer {missing[0]}; "
                f"it has layers {have[0]} to {have[-1]}"
            )
        return tuple(sorted(set(wanted))) if wanted else tuple(have)

    def n_features(self, layer: int) -> int:
        """How many features of a layer are indexed."""
        width = self.transcoders.layers[layer].n_features
        return min(width, self.settings.max_features_per_layer or width)

    def empty_tables(self) -> tuple[LayerTables, ...]:
        """Tables for every layer."""
        return tuple(
            LayerTables(layer, self.n_features(layer), self.settings) for layer in self.layers
        )

"""Opening what some label methods need: a verbalizer, the directions of features."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

from graphlabel.graph import FeatureKey
from graphlabel.labeling import Tools
from graphlabel.labeling.remembering import RememberingVerbalizer
from graphlabel.labeling.tools import Directions
from graphlabel.labeling.verbalizers import (
    ResidualVector,
    Verbalizer,
    VerbalizerPlace,
    open_verbalizer,
)


def open_tools(verbalizer: str | None, model: str | None, transcoders: str | None) -> Tools:
    """The tools that are named.

    What the verbalizer says is kept in the cache folder. Raises VerbalizerError, ModelError or
    RemoteError when it cannot be opened; transcoders are loaded when they are needed.
    """
    speaker = None if verbalizer is None else _remembering(VerbalizerPlace(verbalizer, model=model))
    directions = None if transcoders is None else _directions(transcoders, speaker)
    return Tools(speaker, directions)


def _remembering(place: VerbalizerPlace) -> Verbalizer:
    from platformdirs import user_cache_path

    folder = user_cache_path("graphlabel") / "verbalizations"
    return RememberingVerbalizer(
        open_verbalizer(place), folder, repr(sorted(asdict(place).items()))
    )


def _directions(place: str, speaker: Verbalizer | None) -> Directions:
    @cache
    def loaded() -> object:
        from graphlabel.models import load_transcoders

        return load_transcoders(place)

    def direction(key: FeatureKey) -> ResidualVector:
        from graphlabel.labeling.verbalizers.directions import feature_direction
        from graphlabel.models import Transcoders

        transcoders = loaded()
        assert isinstance(transcoders, Transcoders)
        return feature_direction(transcoders, key, speaker.layer if speaker else None)

    return direction

"""Sources whose features are told apart by hook point: attention, MLP and residual stream.

Layer and index alone would mix them, so each hook point becomes a part of its own, with its own
transcoder set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphlabel.evidence.combined import CombinedSource
from graphlabel.evidence.source import FeatureSource
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

Read = Callable[[str, FeatureKey, TranscoderSet], FeatureRecord]
"""Reads the feature of a name."""


class HookPointSource:
    """The features of one hook point, by the names their source gives them."""

    def __init__(
        self,
        place: str,
        kind: str,
        hook_point: str,
        names: Mapping[str, FeatureKey],
        identity: TranscoderSet,
        read: Read,
    ) -> None:
        """Hold names; features are read when they are asked for."""
        self.kind = kind
        self.transcoder_set = identity
        self._place = place
        self._hook_point = hook_point
        self._names = names
        self._keys = {key: name for name, key in names.items()}
        self._read = read

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the {self.kind} of {self._hook_point} in {self._place}"

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature of the hook point, in order."""
        return iter(sorted(self._keys))

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when the source does not have it."""
        name = self._keys.get(key)
        return None if name is None else self._read(name, key, self.transcoder_set)

    def name_of(self, key: FeatureKey) -> str:
        """The source's own name."""
        return self._keys.get(key, f"{key.layer}/{key.feature}")

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature of a name."""
        return self._names.get(name)


def by_hook_point(
    place: str,
    kind: str,
    names: Mapping[str, Mapping[str, FeatureKey]],
    identity: TranscoderSet | None,
    read: Read,
) -> FeatureSource:
    """A source for each hook point, combined where there are several.

    ``names`` maps hook point to name to key. Where the place does not say whose features they are,
    the hook point alone is the identity; a stated one has the hook point added.
    """

    def owner(hook_point: str) -> TranscoderSet:
        if identity is None:
            return TranscoderSet("", hook_point)
        if len(names) == 1:
            return identity
        return TranscoderSet(identity.model, f"{identity.name}/{hook_point}", "")

    parts = [
        HookPointSource(place, kind, hook_point, known, owner(hook_point), read)
        for hook_point, known in sorted(names.items())
    ]
    return parts[0] if len(parts) == 1 else CombinedSource(parts, f"the {kind} in {place}")

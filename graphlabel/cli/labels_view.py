"""How labels of the annotation store are named on the command line and shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from graphlabel.annotation import LabelTarget
    from graphlabel.graph import AttributionGraph, FeatureKey
    from graphlabel.records import TranscoderSet
    from graphlabel.store import Store, StoredLabel

_WIDEST = 60
_WHOLE = ("#", "on", "when")
"""Columns that are never broken, however narrow the terminal."""


def opened_store(named: str | None) -> Store:
    """The annotation store, which must be there already; raises UsageError."""
    from graphlabel.store import Store, is_absent, store_place

    place = store_place(named)
    if is_absent(place):
        raise UsageError(
            f"there is no annotation store at {place} yet; "
            "graphlabel open and graphlabel labels import make one"
        )
    return Store(place)


def feature_named(text: str) -> FeatureKey:
    """The feature of ``3/214``; raises UsageError."""
    from graphlabel.graph import FeatureKey

    layer, slash, feature = text.strip().lstrip("L").partition("/")
    if not (slash and layer.isdecimal() and feature.isdecimal()):
        raise UsageError(f"“{text[:60]}” is no feature; write layer/feature, such as 3/214")
    return FeatureKey(int(layer), int(feature))


def set_named(store: Store, text: str | None) -> TranscoderSet | None:
    """The one transcoder set of the store whose name has this part; raises UsageError."""
    if text is None:
        return None
    known = store.transcoder_sets()
    wanted = text.casefold()
    found = [each for each in known if wanted in str(each).casefold()]
    found = [each for each in found if wanted == each.name.casefold()] or found
    if found and all(each.matches(found[0]) for each in found):
        return found[0]
    names = "; ".join(sorted({str(each) for each in found or known})[:8]) or "none"
    what = "names several sets" if found else "names no set"
    raise UsageError(f"“{text[:60]}” {what} of the store; there are: {names}")


def facts(label: StoredLabel) -> dict[str, Any]:
    """A label as plain JSON values."""
    from graphlabel.annotation.encoding import encode_value
    from graphlabel.graph import NodeKey

    target, known = label.target, label.transcoder_set
    return {
        "id": label.id,
        "layer": target.layer,
        "feature": target.feature,
        "position": target.position if isinstance(target, NodeKey) else None,
        "kind": target.kind.value if isinstance(target, NodeKey) else "feature",
        "label": None if label.removed else label.label.text,
        "class": label.feature_class,
        "state": label.state.value,
        "scope": label.label.scope.value,
        "model": known.model if known else None,
        "transcoders": known.name if known else None,
        "transcoders_revision": known.revision or None if known else None,
        "graph": label.graph or None,
        "annotator": label.annotator,
        "overtook": label.overtook,
        "provenance": encode_value(label.label)["provenance"],
    }


class Order:
    """Least trusted first; where a graph is at hand, least trusted × most influential."""

    def __init__(self, graph: AttributionGraph | None = None) -> None:
        """The order in which the labels of the graph, or of any, want a second look."""
        from graphlabel.annotation.trust import influence_shares

        self._shares: dict[LabelTarget, float] | None = None
        if graph is not None:
            shares = influence_shares([node.influence for node in graph.nodes])
            found: defaultdict[LabelTarget, float] = defaultdict(float)
            for node, share in zip(graph.nodes, shares, strict=True):
                found[node.key] = float(share)
                if node.is_feature:
                    found[node.key.feature_key] += float(share)
            self._shares = found

    def first(self, labels: Iterable[StoredLabel], most: int | None) -> list[StoredLabel]:
        """The first so many of the labels in this order; the newer one of equals."""
        from heapq import nsmallest

        return sorted(labels, key=self._key) if most is None else nsmallest(most, labels, self._key)

    def _key(self, label: StoredLabel) -> tuple[bool, float, float, int]:
        from graphlabel.annotation import trust_of

        trust = trust_of(label.label)
        share = 1.0 if self._shares is None else self._shares.get(label.target, 0.0)
        return label.removed, -share * (1 - trust), trust, -label.id


def table(labels: Iterable[StoredLabel], names: Sequence[str]) -> Table:
    """Labels as a table with the columns named."""
    from rich.table import Table
    from rich.text import Text

    from graphlabel.inert import inert

    shown = Table(box=None, pad_edge=False)
    for name in names:
        shown.add_column(name, overflow="fold", no_wrap=name in _WHOLE)
    for label in labels:
        cells = _cells(label)
        shown.add_row(*(Text(inert(cells[name], most=_WIDEST * 4)) for name in names))
    return shown


def _cells(label: StoredLabel) -> dict[str, str]:
    from graphlabel.annotation import Origin, trust_of

    made = label.label.provenance
    text = "(no label)" if label.removed else f"“{label.label.text}”"
    if label.feature_class:
        text = f"{text} {label.feature_class.value}" if label.label.text else label.feature_class
    person = made.origin is Origin.PERSON
    overtook = f", over #{label.overtook} at the same time" if label.overtook else ""
    return {
        "#": str(label.id),
        "on": str(label.target),
        "label": text,
        "by": label.annotator if person else f"{label.annotator} ({made.origin.value})",
        "trust": "" if label.removed else f"{trust_of(label.label):.2f}",
        "when": made.time[:16].replace("T", " "),
        "state": label.state.value + overtook,
        "transcoders": str(label.transcoder_set) if label.transcoder_set else "not known",
    }

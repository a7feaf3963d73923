"""Marking labels that hold only for a feature's strongest examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphlabel.annotation import Annotations, Routing
from graphlabel.graph import FeatureKey
from graphlabel.protocol.tail import ONLY_AT_TOP, label_stretches, only_at_top, side_window
from graphlabel.records import FeatureRecord


def mark_labels(
    annotations: Annotations, labelled: Mapping[FeatureKey, tuple[FeatureRecord, str]]
) -> tuple[Annotations, int]:
    """The annotations with a note on every label that its weaker examples do not bear out.

    Also how many there are. Marks of earlier labels are taken off.
    """
    routings: dict[FeatureKey, Routing] = {}
    marked = 0
    for key, (record, text) in labelled.items():
        routing = annotations.routings[key]
        window = side_window(routing)
        fragile = window and only_at_top(label_stretches(record, window, text))
        notes = tuple(note for note in routing.notes if ONLY_AT_TOP not in note)
        if fragile:
            marked += 1
            notes = (f"the label “{text}” {fragile}", *notes)
        if notes != routing.notes:
            routings[key] = replace(routing, notes=notes)
    return annotations.with_routings(routings), marked

"""Anthropic's own graphs, as published with the attribution-graphs papers."""

from __future__ import annotations

import re

from graphlabel.files.dialects.dialect import Dialect, Head


class Anthropic(Dialect):
    """Opaque feature numbers, and qParams that name nodes by jsNodeId.

    Several error nodes may stand at one layer and position.
    """

    name = "anthropic"
    pins_by_js_id = True
    _opaque = re.compile(r"^\w+_-\d+$", re.ASCII)

    def matches(self, head: Head) -> bool:
        """Every jsNodeId ends in ``_-`` and the distance from the last position."""
        ids = list(head.texts("jsNodeId"))
        return bool(ids) and all(map(self._opaque.match, ids))

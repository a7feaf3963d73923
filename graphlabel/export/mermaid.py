"""The supernode graph as a Mermaid flowchart, for Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphlabel.export.options import ExportOptions
from graphlabel.export.picture import LIGHT, scene_of
from graphlabel.export.picture.scene import Box
from graphlabel.export.picture.text import shortened
from graphlabel.files import GraphDocument
from graphlabel.graph import NodeKind
from graphlabel.inert import inert

_RISKY = re.compile(r"[^\w .,:/+=~^%!?'’“”–—·▼▲◆○…@-]")
_MOST = 120
_SHAPES = {NodeKind.TOKEN: ('(["', '"])', "token"), NodeKind.LOGIT: ('(["', '"])', "logit")}


def mermaid(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """The boxes and edges of the picture; labels hold no character that Mermaid interprets."""
    scene = scene_of(document)
    name = {box.name: f"n{number}" for number, box in enumerate(scene.boxes)}
    yield f"%% {_safe(document.graph.prompt)}\nflowchart BT\n".encode()
    for box in scene.boxes:
        yield f"  {name[box.name]}{_shape(box)}\n".encode()
    styles = []
    for number, edge in enumerate(scene.edges):
        line = "-->" if edge.weight >= 0 else "-.->"
        share = f'|"{edge.weight:+.0%}"|'
        yield f"  {name[edge.source]} {line}{share} {name[edge.target]}\n".encode()
        colour = LIGHT.positive if edge.weight >= 0 else LIGHT.negative
        styles.append(f"  linkStyle {number} stroke:{colour}\n")
    yield "".join(styles).encode()
    for kind, fill, stroke in (
        ("token", LIGHT.token, LIGHT.token_line),
        ("logit", LIGHT.logit, LIGHT.logit_line),
        ("group", LIGHT.group, LIGHT.group_line),
        ("single", LIGHT.feature, LIGHT.feature_line),
    ):
        yield f"  classDef {kind} fill:{fill},stroke:{stroke},color:{LIGHT.text}\n".encode()


def _shape(box: Box) -> str:
    left, right, kind = _SHAPES.get(box.kind, ('["', '"]', "group" if box.is_group else "single"))
    below = f"<br/>{_safe(box.detail)}" if box.detail else ""
    return f"{left}{_safe(box.label)}{below}{right}:::{kind}"


def _safe(words: str) -> str:
    """Text with everything that is markup to Mermaid written as a character code."""
    short = inert(shortened(words, _MOST))
    return _RISKY.sub(lambda found: f"#{ord(found[0])};", short)

"""The picture as PNG, by the resvg library."""

from __future__ import annotations

import re

from graphlabel.errors import ExportError
from graphlabel.export.markup import element
from graphlabel.export.picture.text import FONTS

ZOOM = 2
MOST_PIXELS = 100_000_000
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'


def svg_to_png(svg: str) -> bytes:
    """An SVG document as PNG at twice its size, or less where that would be too many pixels.

    Raises ExportError when the library is missing, and when the system has no font, which would
    leave out all text.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise ExportError("PNG needs the package resvg-py; install it, or export svg") from error
    letter = element("text", {"x": 2, "y": 15, "font-family": FONTS}, "A")
    blank, probe = (
        resvg_py.svg_to_bytes(svg_string=_PROBE.format(content)) for content in ("", letter)
    )
    if probe == blank:
        raise ExportError(
            "no font is installed, so a PNG would have no text; install one (DejaVu Sans) or "
            "export svg"
        )
    width, height = svg_size(svg)
    zoom = ZOOM if ZOOM**2 * width * height <= MOST_PIXELS else 1
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))


def svg_size(svg: str) -> tuple[int, int]:
    """Width and height of a picture drawn here, in pixels."""
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    return (int(found[1]), int(found[2])) if found else (0, 0)

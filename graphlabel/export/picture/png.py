"""The picture as PNG, by the resvg library."""

from __future__ import annotations

from graphlabel.errors import ExportError
from graphlabel.export.markup import element
from graphlabel.export.picture.text import FONTS

ZOOM = 2
MOST_PIXELS = 100_000_000
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'


def svg_to_png(svg: str, width: float, height: float) -> bytes:
    """An SVG document as PNG at twice its size, or less where that would be too many pixels.

    Raises ExportError when the system has no font, which would leave out all text.
    """
    import resvg_py

    letter = element("text", {"x": 2, "y": 15, "font-family": FONTS}, "A")
    blank, probe = (
        resvg_py.svg_to_bytes(svg_string=_PROBE.format(content)) for content in ("", letter)
    )
    if probe == blank:
        raise ExportError(
            "no font is installed, so a PNG would have no text; install one (DejaVu Sans) or "
            "export svg"
        )
    zoom = max(1, min(ZOOM, int((MOST_PIXELS / max(width * height, 1.0)) ** 0.5)))
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom))

"""One self-contained page: the picture, the prompt, a table of nodes, each node's evidence.

Nothing is fetched, and the page's Content-Security-Policy forbids it to: scripts and styles are
admitted by their digest only. Everything that came from a file is inert text in a block of JSON.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from graphlabel.export.markup import attribute, element, text
from graphlabel.export.options import ExportOptions
from graphlabel.export.page_data import page_data
from graphlabel.export.picture import DARK, LIGHT, PAGE, Theme, draw_svg, scene_of
from graphlabel.export.picture.png import svg_size
from graphlabel.export.pictures import picture_words
from graphlabel.files import GraphDocument

ASSETS = Path(__file__).parent / "assets"
_SLOT = re.compile(r"\{(title|prompt|picture|data)\}")


def html(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """The page; with evidence when the options name a source of it."""
    scene = scene_of(document)
    words = picture_words(document, scene)
    picture = draw_svg(scene, words, PAGE, interactive=True)
    style, script = _style(picture), (ASSETS / "page.js").read_text(encoding="utf-8")
    yield _head(words.title, style, script).encode()
    data = msgspec.json.encode(page_data(document, scene, options))
    filled = {
        "title": text(words.title),
        "prompt": text(words.prompt),
        "picture": picture,
        "data": _within_script(data).decode(),
    }
    frame = (ASSETS / "page.html").read_text(encoding="utf-8")
    # one pass: what is filled in is never looked at again
    yield _SLOT.sub(lambda slot: filled[slot[1]], frame).encode()
    yield f"<script>{script}</script>\n</body>\n</html>\n".encode()


def _within_script(data: bytes) -> bytes:
    """JSON in which no end of a script, comment or line can be read."""
    for risky, code in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        data = data.replace(risky, code)
    return data.replace("\u2028".encode(), b"\\u2028").replace("\u2029".encode(), b"\\u2029")


def _head(title: str, style: str, script: str) -> str:
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content={attribute(policy)}>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{element('title', {}, text(title))}\n<style>{style}</style>\n</head>\n"
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _style(picture: str) -> str:
    """The style sheet; the picture shrinks to its pane only as far as its labels can be read."""
    least = f"#picture svg {{ min-width: {svg_size(picture)[0] * 7 // 10}px; }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{{_variables(DARK)}}} }}"
    rules = (ASSETS / "page.css").read_text(encoding="utf-8")
    return f"\n:root {{{_variables(LIGHT)}}}\n{dark}\n{rules}{least}\n"


def _variables(theme: Theme) -> str:
    pairs = zip(Theme._fields, theme, strict=True)
    return " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in pairs)

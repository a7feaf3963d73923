"""Text from strangers, made safe to show: no control, escape or invisible character acts."""

from __future__ import annotations

import unicodedata

_SYMBOLS = {"\n": "⏎", "\r": "␍", "\t": "→", "\u2028": "⏎", "\u2029": "⏎", "\x85": "⏎"}
# joiners that scripts and emoji are written with
_KEPT = frozenset("\u200c\u200d")


def inert(text: str, most: int | None = None) -> str:
    """The text with control characters as visible symbols and invisible ones removed.

    Cut, with an ellipsis, to ``most`` characters.
    """
    if most is not None and len(text) > most:
        text = text[: max(most - 1, 0)] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def bare_token(text: str) -> str:
    """A token for a narrow place: inert, without the space before it; ``␣`` when nothing else."""
    shown = inert(text)
    return shown.strip(" ") or "␣"


def inert_json(encoded: str) -> str:
    """JSON text whose control, bidirectional and other invisible characters are escaped."""
    if encoded.isascii() and "\x7f" not in encoded:
        return encoded
    return "".join(map(_escaped, encoded))


def _shown(char: str) -> str:
    if char in _SYMBOLS:
        return _SYMBOLS[char]
    code, category = ord(char), unicodedata.category(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if category == "Cf" and char not in _KEPT:  # bidirectional marks, zero-width characters, tags
        return ""
    # U+FFFE and U+FFFF may not stand in XML
    if category in ("Cc", "Cs") or code in (0xFFFE, 0xFFFF):
        return "␡" if code == 0x7F else "�"
    return char


def _escaped(char: str) -> str:
    harmless = unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    if harmless or char in _KEPT or char == "\n":
        return char
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"

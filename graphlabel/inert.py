"""Text from strangers, made safe to show: no control, escape or bidirectional character acts."""

from __future__ import annotations

_SYMBOLS = {"\n": "⏎", "\r": "␍", "\t": "→", "\u2028": "⏎", "\u2029": "⏎", "\x85": "⏎"}
_INVISIBLE = frozenset(
    [0x061C, 0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)


def inert(text: str) -> str:
    """The text with control characters as visible symbols and invisible ones removed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char in _SYMBOLS:
        return _SYMBOLS[char]
    code = ord(char)
    if code in _INVISIBLE:
        return ""
    if code < 0x20:
        return chr(0x2400 + code)
    # U+FFFE and U+FFFF may not stand in XML
    if 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
        return "␡" if code == 0x7F else "�"
    return char


def bare_token(text: str) -> str:
    """A token for a narrow place: inert, without the space before it; ``␣`` when nothing else."""
    shown = inert(text)
    return shown.strip(" ") or "␣"

"""Reading records that other tools wrote: strict where it matters, forgiving where it does not.

One bad example of many is dropped and counted; what cannot be used at all is one EvidenceError.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from graphlabel.errors import EvidenceError
from graphlabel.evidence.sources.tokens import readable, whole
from graphlabel.records import ActivationExample, Histogram, LogitEffect

LARGEST = 512 * 2**20
"""Bytes a file or answer may unpack to; more is taken for an attack or a mistake."""

Fields = Mapping[str, Any]


class RawExample(NamedTuple):
    """An example as its tool wrote it, unchecked."""

    tokens: object
    values: object
    sampled: object = None


def decode_json(data: bytes, where: str) -> Any:
    """The JSON value of some bytes (NaN and broken UTF-8 let through, to be judged by field).

    Raises EvidenceError, which says so when the bytes are a web page instead.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    text = data.decode("utf-8", "replace")
    if text.lstrip()[:1] == "<":
        raise EvidenceError(f"{where} is a web page, not JSON; check the address")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{where} is not JSON: {error}") from error


def read_file(path: Path) -> bytes:
    """A file's bytes, unpacked when it is gzip; raises EvidenceError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error
    return unpack(data, str(path)) if data[:2] == b"\x1f\x8b" else data


def unpack(data: bytes, where: str) -> bytes:
    """Gzip or deflated bytes unpacked; raises EvidenceError when they are cut off or corrupt."""
    wbits = zlib.MAX_WBITS | 32
    out = bytearray()
    try:
        while data:
            machine = zlib.decompressobj(wbits)
            out += machine.decompress(data, LARGEST - len(out) + 1)
            if len(out) > LARGEST:
                raise EvidenceError(f"{where} unpacks to more than {LARGEST >> 20} MiB; not read")
            if not machine.eof:
                raise EvidenceError(f"{where} is cut off; get it again")
            data = machine.unused_data.lstrip(b"\0")
    except (zlib.error, gzip.BadGzipFile) as error:
        raise EvidenceError(f"{where} is corrupt: {error}; get it again") from error
    return bytes(out)


def fields(value: object, where: str) -> Fields:
    """A JSON object; raises EvidenceError when it is something else."""
    if not isinstance(value, Mapping):
        raise EvidenceError(f"{where} holds {_kind(value)} where an object should be")
    return value


def items(value: object, where: str) -> Sequence[Any]:
    """A JSON array, empty for null; raises EvidenceError when it is something else."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise EvidenceError(f"{where} is {_kind(value)} where a list should be")
    return value


def _kind(value: object) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number"}
    names |= {list: "a list", dict: "an object", type(None): "nothing"}
    return names.get(type(value), "something else")


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        plain = float(value)
    except OverflowError:
        return None
    return plain if math.isfinite(plain) else None


def index(value: object) -> int | None:
    """A whole number that is not negative, from a number or from its digits; else None."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    plain = number(value)
    return int(plain) if plain is not None and plain >= 0 and plain == int(plain) else None


def text(value: object) -> str:
    """A text that UTF-8 can hold; empty when the value is no text."""
    return whole(value) if isinstance(value, str) else ""


def read_example(raw: RawExample) -> ActivationExample | None:
    """An example, or None when it is broken.

    Broken means: no tokens, not one activation a token, an activation that is no finite number, a
    token that is no text, a peak outside the text, or special tokens only.
    """
    if not (isinstance(raw.tokens, list) and isinstance(raw.values, list) and raw.tokens):
        return None
    values = [number(value) for value in raw.values]
    if len(values) != len(raw.tokens) or None in values:
        return None
    if not all(isinstance(token, str) for token in raw.tokens):
        return None
    sampled = None if raw.sampled is None else index(raw.sampled)
    if raw.sampled is not None and (sampled is None or sampled >= len(values)):
        return None
    example = ActivationExample.of(
        readable(raw.tokens),
        tuple(value for value in values if value is not None),
        sampled=sampled,
    )
    return None if len(example.special) == len(values) else example


def read_examples(raw: Iterable[RawExample]) -> tuple[tuple[ActivationExample, ...], int]:
    """The examples that can be read, and how many cannot."""
    read = [read_example(each) for each in raw]
    kept = tuple(example for example in read if example is not None)
    return kept, len(read) - len(kept)


def logit_effects(tokens: object, values: object = None) -> tuple[LogitEffect, ...]:
    """Tokens with their logit effects from parallel lists, pairs, or texts alone."""
    if not isinstance(tokens, list):
        return ()
    numbers = values if isinstance(values, list) and len(values) == len(tokens) else []
    found = []
    for at, each in enumerate(tokens):
        token, value = each, numbers[at] if numbers else None
        if isinstance(each, list) and len(each) == 2:
            token, value = each
        if isinstance(token, str):
            found.append(LogitEffect(readable((token,))[0], number(value)))
    return tuple(found)


def histogram(counts: object, low: float | None, high: float | None) -> Histogram | None:
    """A histogram between two bounds, or None when it makes no sense."""
    if not isinstance(counts, list) or low is None or high is None or not low < high:
        return None
    plain = [number(count) for count in counts]
    if not plain or any(count is None or count < 0 for count in plain):
        return None
    return Histogram(low, high, tuple(round(count) for count in plain if count is not None))


def histogram_of_centres(counts: object, centres: object) -> Histogram | None:
    """A histogram whose bars of equal width are named by their centres."""
    if not (isinstance(counts, list) and isinstance(centres, list)):
        return None
    places = [number(centre) for centre in centres]
    if len(places) != len(counts) or len(places) < 2 or places[0] is None or places[-1] is None:
        return None
    half = (places[-1] - places[0]) / (len(places) - 1) / 2
    return histogram(counts, places[0] - half, places[-1] + half)


def share(value: object) -> float | None:
    """A number from 0 to 1, or None."""
    plain = number(value)
    return plain if plain is not None and 0 <= plain <= 1 else None

"""A graph file's bytes, taken apart, with errors that name what is wrong."""

from __future__ import annotations

import gc
import traceback
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.errors import GraphFileError
from graphlabel.files.not_graphs import what_it_is

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# graph JSON shrinks about twentyfold; what grows much more is no graph but a gzip bomb
_MOST_GROWTH, _MOST_SMALL = 200, 64 * 1024 * 1024
_INSTEAD = "give a graph file (.json, .json.gz or .pt)"
_CUT_SHORT = "Input data was truncated"
"""What the parser says of JSON that ends too early."""
OUR_PARTS = ("metadata", "qParams", "nodes", "links")


class Link(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A link as nearly every file has it: two node ids and a signed weight."""

    source: str
    target: str
    weight: float


class _PlainFile(msgspec.Struct, forbid_unknown_fields=True):
    """A file without any unusual field, which is parsed in one pass."""

    nodes: list[dict[str, Any]]
    links: list[Link]
    metadata: dict[str, Any] = {}
    q_params: dict[str, Any] = msgspec.field(name="qParams", default_factory=dict)


@dataclass(frozen=True)
class ParsedFile:
    """The parts of a graph file."""

    metadata: Any
    q_params: Any
    nodes: Sequence[Any]
    links: Sequence[Link]
    link_fields: Mapping[int, Mapping[str, Any]]
    """Other fields of links, by the link's number."""
    rest: Mapping[str, Any]
    """Top-level fields of other names."""
    data: bytes
    """The whole file, unpacked, so that what nobody changes can be written back to the letter."""


_plain_file = msgspec.json.Decoder(_PlainFile)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_plain_links = msgspec.json.Decoder(list[Link])
_anything = msgspec.json.Decoder()
_objects = msgspec.json.Decoder(list[dict[str, Any]])
_objects_unread = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
raw_items = msgspec.json.Decoder(list[msgspec.Raw])
"""The items of a JSON list, each as it is written."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Nothing made while reading is garbage; looking for some takes a third of the time.

    Of a file that is refused, nothing is left for the collector to walk through afterwards.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    except Exception as error:
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        if enabled:
            gc.enable()


def read_bytes(path: Path) -> bytes:
    """A file's content, unpacked when it is gzipped.

    Raises GraphFileError when it cannot be read, or is plainly something else.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if path.parts[0] in ("http:", "https:"):
            raise GraphFileError(
                f"{path} is a link; graphlabel open takes links, fetch makes files of them"
            ) from error
        raise GraphFileError(f"{path} does not exist; check the path") from error
    except (OSError, ValueError) as error:
        if path.is_dir():
            raise GraphFileError(f"{path} is a folder; {_INSTEAD}") from error
        reason = getattr(error, "strerror", None) or error
        raise GraphFileError(f"cannot read {path}: {reason}; {_INSTEAD}") from error
    if data[:2] == GZIP_MAGIC:
        data = b"".join(_unpacked(data, path))
    known = what_it_is(data)
    if known:
        raise GraphFileError(f"{path} is {known}")
    return data.removeprefix(_BYTE_ORDER_MARK)


def _unpacked(data: bytes, path: Path) -> Iterator[bytes]:
    room = len(data) * _MOST_GROWTH + _MOST_SMALL
    try:
        while data:  # a gzip file may have several members
            member = zlib.decompressobj(wbits=31)
            piece = member.decompress(data, room + 1)
            room -= len(piece)
            if room < 0:
                raise GraphFileError(
                    f"{path} grows beyond all measure when unpacked; it is no graph"
                )
            if not member.eof:
                raise GraphFileError(
                    f"{path} is a broken gzip file (it ends too early); fetch or copy it again"
                )
            yield piece
            data = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise GraphFileError(
            f"{path} is a broken gzip file ({error}); fetch or copy it again"
        ) from error


def parse(data: bytes, where: object) -> ParsedFile:
    """A graph file's parts; ``where`` names the file in errors.

    Raises GraphFileError, in one line, when the bytes are no JSON object with nodes and links.
    """
    try:
        plain = _plain_file.decode(data)
    except msgspec.ValidationError:
        return _parse_unusual(data, where)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _not_json(data, where, error) from error
    return ParsedFile(plain.metadata, plain.q_params, plain.nodes, plain.links, {}, {}, data)


def _parse_unusual(data: bytes, where: object) -> ParsedFile:
    """The same for a file with unknown fields, or one that is wrong in a way to be named."""
    try:
        parts = _parts.decode(data)
        # what is wrong with nodes or links is found before much else is taken apart
        links, link_fields = _links(parts["links"]) if "links" in parts else (None, {})
        nodes = _nodes(parts["nodes"]) if "nodes" in parts else None
        others = {
            name: _anything.decode(part)
            for name, part in parts.items()
            if name not in ("nodes", "links")
        }
    except msgspec.ValidationError as error:
        if data.lstrip()[:1] in b'["0123456789-tfn' and _is_json(data):
            raise GraphFileError(f"{where} is no graph: it holds no JSON object") from error
        raise _not_json(data, where, error) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _not_json(data, where, error) from error
    if nodes is None or links is None:
        raise GraphFileError(f"{where} is no graph file: it has no “nodes” and “links” lists")
    rest = {name: value for name, value in others.items() if name not in OUR_PARTS}
    metadata, q_params = others.get("metadata"), others.get("qParams")
    return ParsedFile(metadata, q_params, nodes, links, link_fields, rest, data)


def _is_json(data: bytes) -> bool:
    try:
        _anything.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _nodes(part: msgspec.Raw) -> list[dict[str, Any]] | None:
    """The node objects; None when they are no list."""
    try:
        return _objects.decode(part)
    except msgspec.ValidationError:
        if are_objects(part):
            raise
    if not bytes(part).startswith(b"["):
        return None
    items = enumerate(raw_items.decode(part))
    wrong = next(number for number, item in items if not bytes(item).startswith(b"{"))
    raise GraphFileError(f"node {wrong} is no object; this is not a graph file")


def are_objects(part: msgspec.Raw | bytes) -> bool:
    """Whether JSON is a list of objects, found out without taking them apart."""
    try:
        _objects_unread.decode(part)
    except msgspec.ValidationError:
        return False
    return True


def _links(part: msgspec.Raw) -> tuple[Sequence[Link] | None, dict[int, dict[str, Any]]]:
    """The links and, by number, the fields of theirs that have no place in a Link."""
    try:
        return _plain_links.decode(part), {}
    except msgspec.ValidationError:
        found = _anything.decode(part)
    if not isinstance(found, list):
        return None, {}
    links = [_link(number, value) for number, value in enumerate(found)]
    fields = {
        number: {name: it for name, it in value.items() if name not in Link.__struct_fields__}
        for number, value in enumerate(found)
        if len(value) > len(Link.__struct_fields__)
    }
    return links, fields


def _link(number: int, value: object) -> Link:
    match value:
        case {
            "source": str(source),
            "target": str(target),
            "weight": int() | float() as weight,
        } if not isinstance(weight, bool):
            try:
                return Link(source, target, float(weight))
            except OverflowError:
                pass
        case {"source": str(), "target": str(), "weight": None}:
            raise GraphFileError(
                f"link {number} has no weight (null, as NaN is often written); graphlabel lint "
                "--fix drops such links"
            )
    raise GraphFileError(
        f"link {number} needs a source, a target and a weight that is a number of ordinary size"
    )


def _not_json(data: bytes, where: object, error: Exception) -> GraphFileError:
    reason = " ".join(str(error).split())[:120]
    if b"NaN" in data or b"Infinity" in data:
        return GraphFileError(
            f"{where} is not JSON ({reason}): it has NaN or Infinity, which JSON has not; "
            "graphlabel lint --fix drops the links and values that are no numbers"
        )
    if data.lstrip()[:1] == b"{" and reason == _CUT_SHORT:
        return GraphFileError(
            f"{where} is not JSON: it ends in the middle, as a broken download does; fetch or copy "
            "it again"
        )
    return GraphFileError(f"{where} is not JSON ({reason}); {_INSTEAD}")

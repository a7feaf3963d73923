"""Reading a graph file that readers refuse, so that it can be put right."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from graphlabel.errors import GraphFileError
from graphlabel.files.raw import are_objects

_LISTS = ("nodes", "links")
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parse_leniently(data: bytes, where: str) -> tuple[dict[str, Any], str]:
    """The file's JSON object, and why it is no strict JSON (empty when it is).

    NaN, Infinity and broken escapes of characters are let through. Raises GraphFileError when it
    is no graph file even so.
    """
    reason = ""
    try:
        _check_shape(data, where)
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        value = _by_python(data, where)
    if not isinstance(value, dict):
        raise GraphFileError(f"{where} is no graph: it holds no JSON object")
    for name in _LISTS:
        items = value.get(name)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise _no_list(name, where)
    for name in ("metadata", "qParams"):
        if value.get(name) is None:
            value[name] = {}
        if not isinstance(value[name], dict):
            raise GraphFileError(f"{where} is no graph file: its “{name}” is no object")
    return value, reason


def _check_shape(data: bytes, where: str) -> None:
    """Refuse what is JSON and no graph before much of it is taken apart."""
    try:
        parts = _parts.decode(data)
    except msgspec.ValidationError:
        return
    for name in _LISTS:
        if not are_objects(parts.get(name, b"null")):
            raise _no_list(name, where)


def _no_list(name: str, where: str) -> GraphFileError:
    return GraphFileError(f"{where} is no graph file: its “{name}” is no list of objects")


def _by_python(data: bytes, where: str) -> Any:
    try:
        return _clean(json.loads(data.decode()))
    except RecursionError as error:
        raise GraphFileError(
            f"{where} is not JSON (nested too deeply); there is nothing to mend"
        ) from error
    except ValueError as error:  # huge integers among them
        reason = " ".join(str(error).split())[:120]
        raise GraphFileError(f"{where} is not JSON ({reason}); there is nothing to mend") from error


def _clean(value: Any) -> Any:
    """The same value with halves of surrogate pairs replaced, which no file may have."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(each) for name, each in value.items()}
    return value

"""Parsing a graph file's bytes, with errors that name what is wrong."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.errors import GraphFileError


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file, gzipped or not; raises GraphFileError when there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise GraphFileError(f"{path} does not exist; check the path") from error
    except OSError as error:
        raise GraphFileError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise GraphFileError(f"{path} is not JSON ({error}); expected a graph file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise GraphFileError(f"{path} is a broken gzip file ({error})") from error
    if not isinstance(value, dict):
        raise GraphFileError(f"{path} is no graph: it holds no JSON object")
    return value


class Fields:
    """A JSON object whose fields are read with their types checked."""

    def __init__(self, value: object, where: str) -> None:
        """``where`` names the object in error messages, such as "node 7"."""
        if not isinstance(value, dict):
            raise GraphFileError(f"{where} is no object; this is not a graph file")
        self.raw: Mapping[str, Any] = value
        self._where = where

    def text(self, name: str, default: str | None = None) -> str:
        """A string; numbers are taken as their digits."""
        value = self.raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self._wrong(name, "a text")
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.raw.get(name, default)
        if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 20:
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "a whole number")
        return value

    def number(self, name: str) -> float | None:
        """A number, or None when it is null or absent."""
        value = self.raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(name, "a number")
        try:
            return float(value)
        except OverflowError as error:
            raise self._wrong(name, "a number of ordinary size") from error

    def items(self, name: str) -> list[Any]:
        """A list, empty when absent."""
        value = self.raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def fields(self, name: str) -> Fields:
        """An object inside, empty when absent."""
        return Fields(self.raw.get(name) or {}, f"{self._where}'s {name}")

    def _wrong(self, name: str, expected: str) -> GraphFileError:
        if name not in self.raw:
            return GraphFileError(f"{self._where} has no “{name}”; this is not a graph file")
        found = type(self.raw[name]).__name__
        return GraphFileError(f"{self._where}: “{name}” should be {expected}, not a {found}")

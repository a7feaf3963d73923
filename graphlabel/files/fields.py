"""A JSON object of a graph file, its fields read with their types checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlabel.errors import GraphFileError

_LARGEST = 2**62


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
        if type(value) is str:
            return value
        if type(value) is not int or abs(value) > _LARGEST:
            raise self._wrong(name, "a text")
        return str(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; its digits in a text will do."""
        value = self.raw.get(name, default)
        if type(value) is str and len(value) < 20 and value.lstrip("-").isdecimal():
            value = _digits(value)
        elif type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise self._wrong(name, "a whole number")
        if not -_LARGEST <= value <= _LARGEST:
            raise self._wrong(name, "a number of ordinary size")
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


def _digits(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:  # "--1"
        return None

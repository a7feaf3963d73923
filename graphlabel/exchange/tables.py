"""Tables of labels: CSV, as spreadsheets write it, and JSON lines."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graphlabel.exchange.given import Given, Refusal, RowError
from graphlabel.exchange.rows import COLUMNS, Cell, Row, column, label_of_row
from graphlabel.inert import inert_json
from graphlabel.store import NewLabel

_DELIMITERS = ",;\t"
_FORMULAS = tuple("=+-@\t\r＝＋－＠")
"""What a spreadsheet takes for the start of a formula."""
_NEEDED = frozenset({"layer", "feature"})
_object = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode


class _Line(NamedTuple):
    number: int
    cells: Sequence[str] | None
    """None for a line whose quotes do not close."""


def is_table(head: str) -> bool:
    """Whether a text's first line is a header that names layers and features."""
    return {column(name) for name in _header(head)} >= _NEEDED


def read_csv(text: str, where: str, given: Given) -> Iterator[NewLabel | Refusal]:
    """The labels of a table with a header, by commas, semicolons or tabs.

    A line that is broken, its quotes left open among them, costs no other line.
    """
    lines = list(io.StringIO(text, newline=""))
    names: list[str] | None = None
    for line in _lines(lines, _delimiter(text)):
        if line.cells is None:
            yield Refusal(f"{where}:{line.number}", "its quotes do not close")
        elif names is None:
            names = [column(name) for name in line.cells]
        elif any(cell.strip() for cell in line.cells):
            cells = [_without_guard(cell) for cell in line.cells]
            yield _label(dict(zip(names, cells, strict=False)), f"{where}:{line.number}", given)


def read_json_lines(data: bytes, where: str, given: Given) -> Iterator[NewLabel | Refusal]:
    """The labels of JSON objects, one a line."""
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            yield read_object(line, f"{where}:{number}", given)


def read_object(line: bytes, place: str, given: Given) -> NewLabel | Refusal:
    """The label in one JSON object whose fields are columns."""
    try:
        found = _object.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(place, "it is no JSON object")
    return _label({column(name): value for name, value in found.items()}, place, given)


def _label(row: Mapping[str, object], place: str, given: Given) -> NewLabel | Refusal:
    plain = {
        name: value
        for name, value in row.items()
        if value is None or isinstance(value, (str, int, float))
    }
    try:
        return label_of_row(plain, given)
    except RowError as error:
        return Refusal(place, str(error))


def _lines(lines: Sequence[str], delimiter: str) -> Iterator[_Line]:
    limit = csv.field_size_limit(sys.maxsize)
    try:
        start = 0
        while start < len(lines):
            reader = csv.reader(lines[start:], delimiter=delimiter, strict=True)
            done = 0
            try:
                for cells in reader:
                    yield _Line(start + done + 1, cells)
                    done = reader.line_num
                return
            except csv.Error:
                yield _Line(start + done + 1, None)
                start += done + 1
    finally:
        csv.field_size_limit(limit)


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(_DELIMITERS, key=head.count)


def _header(head: str) -> list[str]:
    try:
        return next(csv.reader([head.partition("\n")[0]], delimiter=_delimiter(head)), [])
    except csv.Error:
        return []


def _without_guard(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it."""
    return cell[1:] if cell[:1] == "'" and _needs_guard(cell) else cell


def write_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """The rows as CSV with a header; texts that a spreadsheet would run get an apostrophe."""
    text = io.StringIO()
    # ends of lines as RFC 4180 has them, so that bare carriage returns in texts are quoted
    writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _guarded(cell) for name, cell in row.items()})
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode("utf-8", "replace")


def _guarded(cell: Cell) -> Cell:
    return "'" + cell if isinstance(cell, str) and _needs_guard(cell) else cell


def _needs_guard(cell: str) -> bool:
    """Whether a text is a formula, or would be taken for a guarded one."""
    return cell.lstrip("'").startswith(_FORMULAS)


def write_json_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """The rows as JSON objects, one a line; characters that act in a terminal are escaped."""
    for row in rows:
        yield inert_json(_encode(row).decode()).encode() + b"\n"

"""Reading documents from files, a few at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graphlabel.errors import EvidenceError

PIECE = 2**17
"""A plain text is read in pieces of about so many characters, cut at the ends of lines."""
_BLOCK, _BLOCKS = 4096, 256


def read_text(path: Path, _text_field: str) -> Iterator[str]:
    """A plain text in UTF-8, in pieces; raises EvidenceError when it is something else."""
    try:
        with path.open(encoding="utf-8") as file:
            while piece := file.read(PIECE):
                yield piece + file.readline(PIECE)
    except UnicodeDecodeError as error:
        raise EvidenceError(f"{path} is not UTF-8 text ({error.reason}); convert it") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def read_jsonl(path: Path, text_field: str) -> Iterator[str]:
    """The text of each line's object; raises EvidenceError naming a line that has none."""
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _text_of(line, text_field, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def read_parquet(path: Path, text_field: str) -> Iterator[str]:
    """The texts of a column; raises EvidenceError when it is not there or holds no text."""
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        if text_field not in names:
            raise EvidenceError(
                f"{path} has no column “{text_field}”; name one of {', '.join(names[:8])} "
                "with --text-field"
            )
        for batch in file.iter_batches(batch_size=256, columns=[text_field]):
            for text in batch.column(0).to_pylist():
                yield checked_text(text, text_field, str(path))
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def checked_text(value: object, text_field: str, where: str) -> str:
    """A value that should be a text; raises EvidenceError when it is another."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise EvidenceError(
            f"{where}: “{text_field}” is no text but {type(value).__name__}; name the field that "
            "holds the text with --text-field"
        )
    return value


def fingerprint(path: Path) -> bytes:
    """A file's name, size and evenly spread samples; raises EvidenceError when it is unreadable."""
    try:
        size = path.stat().st_size
        found = [f"{path.name}:{size}\n".encode()]
        with path.open("rb") as file:
            for start in range(0, size, max(_BLOCK, size // _BLOCKS)):
                file.seek(start)
                found.append(file.read(_BLOCK))
    except OSError as error:
        raise _unreadable(path, error) from error
    return b"".join(found)


def _text_of(line: bytes, text_field: str, where: str) -> str:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{where} is no JSON: {error}") from error
    if not isinstance(value, dict) or text_field not in value:
        fields = ", ".join(list(value)[:8]) if isinstance(value, dict) else "no fields"
        raise EvidenceError(
            f"{where} has no “{text_field}”; it has {fields}; name the field that holds the text "
            "with --text-field"
        )
    return checked_text(value[text_field], text_field, where)


def _opened(path: Path) -> BufferedIOBase:
    return gzip.GzipFile(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _unreadable(path: Path, error: Exception) -> EvidenceError:
    reason = getattr(error, "strerror", None) or error
    return EvidenceError(f"{path} cannot be read: {reason}")

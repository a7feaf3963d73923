"""A corpus by its place: a file, a folder of files, or a data set on the Hugging Face hub."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from graphlabel.errors import EvidenceError
from graphlabel.evidence.corpora import files
from graphlabel.evidence.corpora.hub import PREFIX, HubCorpus

READERS: dict[str, Callable[[Path, str], Iterator[str]]] = {
    ".txt": files.read_text,
    ".md": files.read_text,
    ".jsonl": files.read_jsonl,
    ".jsonl.gz": files.read_jsonl,
    ".parquet": files.read_parquet,
}
"""Who reads which files."""


@runtime_checkable
class Corpus(Protocol):
    """Documents in a fixed order."""

    @property
    def name(self) -> str:
        """What to call the corpus: equal names hold equal texts."""
        ...

    def documents(self) -> Iterator[str]:
        """The documents; raises EvidenceError when one cannot be read."""
        ...


@dataclass(frozen=True)
class FileCorpus:
    """Local files, one after the other."""

    paths: tuple[Path, ...]
    text_field: str

    @property
    def name(self) -> str:
        """The first file's name and a digest of all files' names, sizes and samples of them."""
        digest = hashlib.sha256(self.text_field.encode())
        for path in self.paths:
            digest.update(files.fingerprint(path))
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.paths[0].name}{more} (sha256:{digest.hexdigest()[:16]})"

    def documents(self) -> Iterator[str]:
        """The documents of each file in turn."""
        for path in self.paths:
            yield from _reader(path)(path, self.text_field)


def open_corpus(place: str, text_field: str = "text") -> Corpus:
    """The corpus at a path, or of ``hub:NAME[:CONFIG][:SPLIT]``.

    ``text_field`` names what holds the text in JSON lines, Parquet and data sets. Raises
    EvidenceError when there is nothing to read.
    """
    if place.startswith(PREFIX):
        return HubCorpus.of(place, text_field)
    path = Path(place)
    if not path.exists():
        raise EvidenceError(f"there is no corpus {place}; name a file, a folder or {PREFIX}NAME")
    if path.is_file():
        return FileCorpus((path,), text_field)
    found = sorted(each for each in path.rglob("*") if each.is_file() and _suffix(each) in READERS)
    if not found:
        raise EvidenceError(f"{place} holds no file that ends in {', '.join(READERS)}")
    return FileCorpus(tuple(found), text_field)


def _suffix(path: Path) -> str:
    return next((suffix for suffix in READERS if path.name.lower().endswith(suffix)), "")


def _reader(path: Path) -> Callable[[Path, str], Iterator[str]]:
    return READERS.get(_suffix(path), files.read_text)

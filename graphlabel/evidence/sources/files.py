"""A folder of files, on this machine or on a web server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from graphlabel.errors import EvidenceError
from graphlabel.evidence.sources.remote import Remote


@runtime_checkable
class Files(Protocol):
    """Files by their names within a folder."""

    @property
    def place(self) -> str:
        """Where the folder is, for messages."""
        ...

    def read(self, name: str, check: Callable[[bytes], object]) -> bytes | None:
        """A whole file, or None when there is none; ``check`` raises when it makes no sense."""
        ...

    def read_span(self, name: str, start: int, stop: int) -> bytes | None:
        """Bytes start … stop - 1 of a file, fewer where it ends, or None when there is none."""
        ...


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        """Read below a folder and nowhere else."""
        self.root = root

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.root)

    def read(self, name: str, check: Callable[[bytes], object]) -> bytes | None:
        """A whole file, or None when there is none."""
        path = self.root / inner_name(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error
        check(data)
        return data

    def read_span(self, name: str, start: int, stop: int) -> bytes | None:
        """Part of a file, or None when there is no such file."""
        path = self.root / inner_name(name)
        try:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(stop - start)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error


class RemoteFiles:
    """A folder on a web server."""

    def __init__(self, remote: Remote) -> None:
        """Read below an address."""
        self.remote = remote

    @property
    def place(self) -> str:
        """The address."""
        return self.remote.base

    def read(self, name: str, check: Callable[[bytes], object]) -> bytes | None:
        """A whole file, or None when there is none."""
        return self.remote.get(inner_name(name), check=check)

    def read_span(self, name: str, start: int, stop: int) -> bytes | None:
        """Part of a file, or None when there is no such file."""
        return self.remote.get(inner_name(name), span=(start, stop))


def inner_name(name: str) -> str:
    """A name that stays within the folder; raises EvidenceError for any other."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or "\\" in name or ":" in name or ".." in parts:
        raise EvidenceError(f"a feature source names the file “{name[:80]}”, outside its folder")
    return name

"""Where a store is, a file or the address of a server, and who writes to it."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from graphlabel.errors import StoreError

STORE_VARIABLE = "GRAPHLABEL_STORE"

_SQLITE_HEADER = b"SQLite format 3\0"
_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


def store_place(named: str | None = None) -> Path | str:
    """Where the store is: as named, else GRAPHLABEL_STORE, else the user data folder."""
    place = named or os.environ.get(STORE_VARIABLE)
    if not place:
        return user_data_path("graphlabel") / "annotations.db"
    return place if "://" in place else Path(place)


def url_of(place: Path | str) -> URL:
    """The database of a file's path or an address; raises StoreError for any other database.

    Addresses are ``sqlite:///FILE`` and ``postgresql://USER@HOST/DATABASE``.
    """
    if isinstance(place, Path) or "://" not in place:
        return URL.create("sqlite", database=str(place))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            "the store's address cannot be read; one looks like postgresql://USER@HOST/DATABASE"
        ) from error
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database:
        return url
    raise StoreError(
        f"an annotation store cannot be in “{url.drivername}”; "
        "name a file, or postgresql://USER@HOST/DATABASE"
    )


def shown(url: URL) -> str:
    """The place in words, without the password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def prepare(url: URL) -> None:
    """Make the folder of a store in a file, and see that the file is one; raises StoreError.

    SQLite takes a file too short for its header as empty and writes over it.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    path = Path(url.database)
    if path.is_file() and os.access(path, os.R_OK):
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_HEADER))
        if start not in (b"", _SQLITE_HEADER):
            raise StoreError(
                f"the annotation store {path} cannot be used: file is not a database; "
                f"name another with --store or {STORE_VARIABLE}"
            )
    _make_folder(path.parent)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {folder}: {error.strerror}; "
            f"name another store with --store or {STORE_VARIABLE}"
        ) from error


def is_absent(place: Path | str) -> bool:
    """Whether the store is a file that nobody has made yet."""
    url = url_of(place)
    return url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file()


def user_name() -> str:
    """Who is at the keyboard: the login, or “you” where there is none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "you"

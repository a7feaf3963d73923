"""A PostgreSQL server that lives as long as the tests."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
_numbers = count(1)


def _program(name: str) -> str | None:
    newest = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(newest[-1]) if newest else shutil.which(name)


def _account() -> str | None:
    """Whom to run the server as: it refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@dataclass
class PostgresServer:
    """A server with a folder and a port of its own."""

    folder: Path
    port: int

    @staticmethod
    def missing() -> str:
        """Why there can be no server here; empty when there can."""
        if importlib.util.find_spec("psycopg") is None:
            return "psycopg is not installed (pip install 'graphlabel[postgres]')"
        if not (_program("initdb") and _program("pg_ctl")):
            return "no PostgreSQL server on this machine (Debian: apt-get install postgresql)"
        return ""

    @classmethod
    def start(cls) -> PostgresServer:
        """Make a server and start it."""
        folder = Path(tempfile.mkdtemp(prefix="graphlabel-postgres-"))
        account = _account()
        if account:
            shutil.chown(folder, account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = cls(folder, port)
        server._run("initdb", "--username=ada", "--auth=trust", "--encoding=UTF8", "--locale=C")
        server.up()
        return server

    def up(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -h 127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def down(self, mode: str = "immediate") -> None:
        """Stop; ``immediate`` is what a crash does."""
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Stop for good."""
        self.down("fast")
        shutil.rmtree(self.folder)

    def new_database(self) -> str:
        """The address of an empty database."""
        import psycopg

        name = f"store_{next(_numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self._address(name)

    def _address(self, database: str) -> str:
        return f"postgresql://ada:secret@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        found = _program(program)
        assert found
        data = ("-D", str(self.folder / "data"))
        # into a file: the server would keep a pipe open for as long as it lives
        with (self.folder / "output").open("a+") as output:
            done = subprocess.run(
                [found, *data, *arguments],
                user=_account(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                check=False,
            )
            output.seek(0)
            assert done.returncode == 0, f"{program}: {output.read()}"

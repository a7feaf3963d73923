"""Which questions are being asked just now, so that two runs do not pay for the same one."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from graphlabel.errors import LanguageModelError

_DIGITS = 15
"""Of a key, in hexadecimal: as many as fit a file's offsets."""


class Claims:
    """Locks on single bytes of a file, one a question, that end with the process that holds them.

    They keep processes apart, not threads, and do nothing on Windows, which has no such locks.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file, which stays empty; raises LanguageModelError."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            raise LanguageModelError(
                f"cannot open {path}: {error.strerror}; name another journal with GRAPHLABEL_LEDGER"
            ) from error

    def close(self) -> None:
        """Let go of every question."""
        os.close(self._file)

    def take(self, key: str) -> bool:
        """Claim a question by its key; False while another process has it."""
        if sys.platform == "win32":
            return True
        import fcntl

        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(key[:_DIGITS], 16))
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def drop(self, key: str) -> None:
        """Let go of a question."""
        if sys.platform == "win32":
            return
        import fcntl

        with suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, int(key[:_DIGITS], 16))

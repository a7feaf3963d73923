"""Linting a graph file: all checks, and the repairs that lose nothing a reader would use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.errors import GraphFileError
from graphlabel.files.lint import label_checks, link_checks, node_checks
from graphlabel.files.lint.contents import Contents
from graphlabel.files.lint.lenient import parse_leniently
from graphlabel.files.lint.problem import Problem
from graphlabel.files.raw import ZIP_MAGIC, collector_paused, read_bytes

_CHECKS = (*node_checks.CHECKS, *link_checks.CHECKS, *label_checks.CHECKS)
_MOST_REPAIRS = 40  # one repair can bring another problem to light


@dataclass(frozen=True)
class Linted:
    """What is wrong with a graph file."""

    dialect: str
    problems: Sequence[Problem]
    """What is wrong now; after repairs, what remains."""
    fixed: Sequence[Problem] = ()
    data: bytes = b""
    """The repaired file; empty when nothing was repaired."""


def lint_graph(path: Path, *, fix: bool = False) -> Linted:
    """Look for problems in a graph file, and put right what can be.

    The file itself is not touched. Raises GraphFileError when it holds no graph at all.
    """
    data = read_bytes(path)
    if data[: len(ZIP_MAGIC)] == ZIP_MAGIC:
        raise GraphFileError(f"{path} is no JSON; lint looks at graph JSON only")
    with collector_paused():
        raw, reason = parse_leniently(data, str(path))
    contents = Contents(raw)
    problems = _problems(contents)
    fixed: list[Problem] = []
    if reason:
        strict = Problem(
            "strict-json",
            "readers refuse NaN, Infinity and broken escapes",
            [reason],
            remedy="writes strict JSON",
        )
        (fixed if fix else problems).append(strict)
    for _ in range(_MOST_REPAIRS if fix else 0):
        mendable = next((problem for problem in problems if problem.fix), None)
        if mendable is None or mendable.fix is None:
            break
        mendable.fix()
        fixed.append(mendable)
        contents = Contents(raw)
        problems = _problems(contents)
    return Linted(contents.dialect.name, problems, fixed, _encoded(raw) if fixed else b"")


def _problems(contents: Contents) -> list[Problem]:
    found = (problem for check in _CHECKS for problem in check(contents))
    return [problem for problem in found if problem.places]


def _encoded(raw: dict[str, Any]) -> bytes:
    """The contents as JSON, nodes and links one a line."""
    encode = msgspec.json.Encoder().encode
    parts = []
    for name, value in raw.items():
        if name in ("nodes", "links"):
            text = b"[\n%b\n]" % b",\n".join(map(encode, value))
        else:
            text = encode(value)
        parts.append(b"%b:%b" % (encode(name), text))
    return b"{%b}\n" % b",\n".join(parts)

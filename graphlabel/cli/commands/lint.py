"""``graphlabel lint``."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import GraphFile, JsonFlag

if TYPE_CHECKING:
    from graphlabel.files.lint import Linted, Problem

_MOST_PLACES = 5


def lint(
    graph: GraphFile,
    fix: Annotated[
        bool, typer.Option("--fix", help="Put right what can be, and say what.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the repaired file here.", metavar="FILE"),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Look for what is wrong with a graph file; exit status 1 when something is (or remains)."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.errors import UsageError
    from graphlabel.files.lint import lint_graph

    if output and not fix:
        raise UsageError("-o names where the repaired file goes; add --fix")
    found = lint_graph(graph, fix=fix)
    written = output or graph if found.data or output else None
    if written:
        _write(found, graph, written)
    if json:
        print_json(
            {
                "format": found.dialect,
                "problems": [_plain(problem) for problem in found.problems],
                "fixed": [_plain(problem) for problem in found.fixed],
                "file": str(written) if written else None,
            }
        )
    else:
        _print(found.fixed, "fixed: ")
        _print(found.problems, "")
        if written:
            note(f"wrote {written}")
        if not found.problems:
            note("nothing is wrong" if not found.fixed else "nothing is wrong any more")
    if found.problems:
        raise typer.Exit(1)


def _write(found: Linted, graph: Path, written: Path) -> None:
    from graphlabel.atomic import write_bytes
    from graphlabel.errors import GraphFileError
    from graphlabel.files.raw import read_bytes

    data = found.data or read_bytes(graph)
    if written.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    write_bytes(written, data, GraphFileError)


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "meaning": problem.meaning,
        "count": len(problem.places),
        "places": problem.places,
        "remedy": problem.remedy or None,
    }


def _print(problems: Sequence[Problem], before: str) -> None:
    from graphlabel.cli.console import say

    for problem in problems:
        remedy = f"; --fix {problem.remedy}" if problem.remedy and not before else ""
        what = problem.remedy if before and problem.remedy else f"{problem.meaning}{remedy}"
        say(f"{before}{problem.code} ×{len(problem.places)}: {what}")
        for place in problem.places[:_MOST_PLACES]:
            say(f"    {place}")
        if len(problem.places) > _MOST_PLACES:
            say(f"    … and {len(problem.places) - _MOST_PLACES} more")

"""Completing paths of graph files, and proposing paths for exports."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

MOST = 50
"""So many files and folders at most."""
SUFFIXES = (".json", ".json.gz", ".pt")
"""What graph files are called."""


def export_path(graph: Path, suffix: str) -> Path:
    """Where an export goes unless told otherwise: beside the graph, called like it.

    Never the graph's own file: an export that would be called the same gets the first number free.
    """
    ending = max((each for each in SUFFIXES if graph.name.endswith(each)), key=len, default="")
    stem = graph.name.removesuffix(ending)
    path, number = graph.with_name(f"{stem}{suffix}"), 2
    if path != graph:
        return path
    while path == graph or path.exists():
        path, number = graph.with_name(f"{stem}-{number}{suffix}"), number + 1
    return path


def graph_files(typed: str, open_: Path) -> list[str]:
    """Graph files and folders whose path begins with what was typed, as it would be typed on.

    Nothing typed stands for the folder of the graph that is open, which is not among them.
    """
    folder, _, start = typed.rpartition("/")
    base = Path(folder + "/").expanduser() if "/" in typed else Path()
    head = f"{folder}/" if "/" in typed else ""
    if not typed and open_.absolute().parent != Path().absolute():
        base, head = open_.absolute().parent, f"{open_.parent}/"
    files: list[str] = []
    folders: list[str] = []
    # a folder that is not there, or not ours to read, completes nothing
    with suppress(OSError):
        for each in sorted(base.iterdir()):
            if not each.name.startswith(start) or each.name.startswith(".") > start.startswith("."):
                continue
            if each.is_dir():
                folders.append(f"{head}{each.name}/")
            elif each.name.endswith(SUFFIXES) and each.absolute() != open_.absolute():
                files.append(f"{head}{each.name}")
    return [*files, *folders][:MOST]

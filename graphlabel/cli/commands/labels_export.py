"""``graphlabel labels export``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.label_options import GraphOption, SetOption
from graphlabel.cli.options import JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument
    from graphlabel.store import StoredLabel

_TABLES = ("csv", "jsonl")
_FORMATS = (*_TABLES, "neuronpedia", "graph")


def export(
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File to write (- for standard output); a new folder for neuronpedia.",
            metavar="FILE",
        ),
    ],
    to: Annotated[
        str, typer.Option(help="csv, jsonl, neuronpedia or graph.", metavar="FORMAT")
    ] = "csv",
    graph: GraphOption = None,
    transcoders: SetOption = None,
    author: Annotated[str | None, typer.Option(help="Labels by this person or program.")] = None,
    origin: Annotated[
        str, typer.Option(help="Labels by a person, a machine, or from a file.")
    ] = "",
    current: Annotated[
        bool, typer.Option("--current", help="Of each feature only the label shown (csv, jsonl).")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Everything ever said (csv, jsonl).")
    ] = False,
    store: StoreOption = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Write the store's labels: a table, Neuronpedia's explanations, or a graph with its labels.

    A table holds everybody's last word on every feature; the other forms hold the label shown.
    """
    from graphlabel.annotation import Origin
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.label_options import about, document_of, existing_store, owner_of
    from graphlabel.errors import UsageError
    from graphlabel.store import LabelFilter, LabelState

    _check(to, output, graph, json=json)
    if (current or history) and (to not in _TABLES or (current and history)):
        raise UsageError("one of --current and --history may go with a table (csv, jsonl)")
    if origin and origin not in tuple(Origin):
        raise UsageError(f"--origin is one of {', '.join(Origin)}, not “{origin[:40]}”")
    document = document_of(graph, trust_pickle)
    wanted = LabelFilter(
        author=author,
        origin=Origin(origin) if origin else None,
        state=None if history else LabelState.CURRENT,
    )
    with existing_store(store) as opened:
        owner = owner_of(opened, transcoders, document)
        everybody = to in _TABLES and not (current or history)
        labels = opened.latest_by_annotator(wanted) if everybody else opened.labels(wanted)
        found = about(labels, owner, document)
        count, left_out = _write(found, to, output, document)
    if json:
        print_json({"file": str(output), "format": to, "labels": count, "left_out": left_out})
        return
    note(f"wrote {output}: {count} labels ({to})")
    if left_out:
        note(f"  {left_out} left out: Neuronpedia's form has labels of named sets' features only")


def _check(to: str, output: Path, graph: Path | None, *, json: bool) -> None:
    from graphlabel.errors import UsageError

    if to not in _FORMATS:
        raise UsageError(f"there is no format “{to[:40]}”; choose one of {', '.join(_FORMATS)}")
    if to == "graph" and graph is None:
        raise UsageError("name the graph that gets the labels with --graph")
    if str(output) == "-" and (json or to not in _TABLES):
        raise UsageError("only a table goes to standard output, without --json; name a file")
    if to == "neuronpedia" and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} is there already; name a new folder")


def _write(
    labels: Iterator[StoredLabel], to: str, output: Path, document: GraphDocument | None
) -> tuple[int, int]:
    """Write the labels; how many were written, and left out."""
    from graphlabel.exchange import with_labels, write_explanations
    from graphlabel.files import write_graph

    if to == "neuronpedia":
        return write_explanations(labels, output)
    if to == "graph" and document is not None:
        labelled, count = with_labels(document, labels)
        write_graph(labelled, output)
        return count, 0
    return _write_table(labels, to, output), 0


def _write_table(labels: Iterator[StoredLabel], to: str, output: Path) -> int:
    import gzip
    import sys

    from graphlabel.atomic import replacing
    from graphlabel.errors import ExportError
    from graphlabel.exchange import row_of_label, write_csv, write_json_lines

    count = 0

    def rows() -> Iterator[dict[str, str | int | float | None]]:
        nonlocal count
        for label in labels:
            count += 1
            yield row_of_label(label)

    chunks = write_csv(rows()) if to == "csv" else write_json_lines(rows())
    if str(output) == "-":
        sys.stdout.buffer.writelines(chunks)
        sys.stdout.buffer.flush()
        return count
    with replacing(output, ExportError) as temporary, temporary.open("wb") as file:
        if output.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
                compressed.writelines(chunks)
        else:
            file.writelines(chunks)
    return count

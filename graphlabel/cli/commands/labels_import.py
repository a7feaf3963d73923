"""``graphlabel labels import``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.exchange import Given, LabelFile
    from graphlabel.files import GraphDocument
    from graphlabel.records import TranscoderSet
    from graphlabel.store import AddReport, NewLabel, Store

_EXAMPLES = 3


@dataclass
class _Tally:
    """What became of everything so far."""

    added: int = 0
    known: int = 0
    outranked: int = 0
    cut: int = 0
    files: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, why: str, place: str) -> None:
        self.refused[why] += 1
        some = self.examples.setdefault(why, [])
        if len(some) < _EXAMPLES:
            some.append(place)

    def take(self, report: AddReport) -> None:
        self.added += report.added
        self.known += report.known
        self.outranked += report.outranked
        self.refused.update(report.refused or {})

    def facts(self) -> dict[str, Any]:
        return {
            "added": self.added,
            "known": self.known,
            "outranked": self.outranked,
            "cut": self.cut,
            "refused": dict(self.refused),
            "examples": self.examples,
            "files": dict(self.files),
        }


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Graph files, Neuronpedia's explanations (a file, or an export's folder), CSV or "
            "JSON lines.",
            metavar="FILE",
        ),
    ],
    graph: Annotated[
        Path | None,
        typer.Option(help="A graph whose features and occurrences these are.", metavar="GRAPH"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="The language model whose features these are.", metavar="NAME")
    ] = "",
    transcoder_set: Annotated[
        str,
        typer.Option("--set", help="Their transcoder set, as graphs of it name it.", metavar="SET"),
    ] = "",
    author: Annotated[
        str, typer.Option(help="Whose labels these are, where the file does not say.")
    ] = "",
    origin: Annotated[
        str, typer.Option(help="person, machine or file, where the file does not say.")
    ] = "",
    scope: Annotated[
        str, typer.Option(help="feature or occurrence, where the file does not say.")
    ] = "",
    store: StoreOption = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Add the labels of files to the annotation store; a person's label there stays the one shown.

    Rows that are no labels are counted and cost no others. Run again, nothing is added twice. The
    exit status is 1 when a file could not be read, or nothing in any was a label.
    """
    from graphlabel.annotation import Origin, Scope
    from graphlabel.cli.console import print_json
    from graphlabel.cli.label_options import document_of
    from graphlabel.exchange import Given, label_files
    from graphlabel.graph import graph_key
    from graphlabel.store import Store, store_place

    document = document_of(graph, trust_pickle)
    given = Given(
        transcoder_set=_set_of(model, transcoder_set, document),
        graph=graph_key(document.graph) if document else "",
        author=author,
        origin=_one_of(Origin, origin, "--origin"),
        scope=_one_of(Scope, scope, "--scope"),
    )
    paths = [each for path in files for each in label_files(path)]
    opened = Store(store_place(store))
    tally = _Tally()
    try:
        unread = _import_all(opened, paths, given, tally, quiet=json)
    finally:
        opened.close()
    if json:
        print_json({**tally.facts(), "unread": unread})
    else:
        _print(tally)
    if unread or (tally.refused and not tally.added + tally.known):
        raise typer.Exit(1)


def _set_of(model: str, name: str, document: GraphDocument | None) -> TranscoderSet | None:
    """The transcoder set that was named, or else the graph's; raises UsageError for half of one."""
    from graphlabel.errors import UsageError
    from graphlabel.records import TranscoderSet

    if name:
        model = model or (document.graph.source.model if document else "")
        if not model:
            raise UsageError(f"{name} may be a set of several models; name one with --model")
        return TranscoderSet(model, name)
    if model:
        raise UsageError(f"{model} may have several transcoder sets; name one with --set")
    return TranscoderSet.of(document.graph.source) if document else None


def _one_of(kind: Any, text: str, option: str) -> Any:
    from graphlabel.errors import UsageError

    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{option} is one of {', '.join(kind)}, not “{text[:40]}”") from None


def _import_all(
    store: Store, paths: list[Path], given: Given, tally: _Tally, *, quiet: bool
) -> list[str]:
    """Import files one after the other; the names of those that could not be read.

    Raises the reader's error when there is but one file.
    """
    from graphlabel.cli.console import note, progress
    from graphlabel.errors import GraphLabelError, StoreError
    from graphlabel.exchange import read_labels

    unread = []
    for path in paths:
        try:
            file = read_labels(path, given)
            with progress("import", quiet=quiet) as report:
                labels = _counted(file, tally, lambda n, f=file: report("labels", n, f.size))
                who = given.author or "import"
                tally.take(store.add_labels(labels, author=who, title=f"import {path.name}"))
            tally.files[file.kind] += 1
        except StoreError:
            raise
        except GraphLabelError as error:
            if len(paths) == 1:
                raise
            unread.append(str(path))
            note(f"left out: {error}")
    return unread


def _counted(file: LabelFile, tally: _Tally, report: Any) -> Iterator[NewLabel]:
    from graphlabel.annotation.labels import MAX_LABEL_LENGTH
    from graphlabel.exchange import Refusal

    for count, found in enumerate(file.labels, start=1):
        report(count)
        if isinstance(found, Refusal):
            tally.refuse(found.why, found.place)
            continue
        tally.cut += len(" ".join(found.label.text.split())) > MAX_LABEL_LENGTH
        yield found


def _print(tally: _Tally) -> None:
    from graphlabel.annotation.labels import MAX_LABEL_LENGTH
    from graphlabel.cli.console import note, say

    read = ", ".join(f"{count} {kind}" for kind, count in tally.files.items())
    say(f"{tally.added} labels added ({read})")
    if tally.known:
        note(f"  {tally.known} were there already")
    if tally.outranked:
        note(f"  {tally.outranked} kept but not shown: a person's label stands")
    if tally.cut:
        note(f"  {tally.cut} cut to {MAX_LABEL_LENGTH} characters")
    for why, count in tally.refused.most_common():
        places = ", ".join(tally.examples.get(why, ()))
        note(f"  {count} left out: {why}{f' ({places})' if places else ''}")
    if any("transcoder set" in why or "graph" in why for why in tally.refused):
        note("  name a graph of theirs with --graph, or their set with --model and --set")

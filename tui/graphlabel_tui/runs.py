"""What can be run from inside, and taking up what a run made. No Textual here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from graphlabel.annotation import Annotations, Edit, Patch
from graphlabel.cli.pipeline import source_for_reading
from graphlabel.cli.remote import free_path
from graphlabel.cli.traced_with import traced_with
from graphlabel.errors import GraphLabelError, UsageError
from graphlabel.evidence import FeatureSource
from graphlabel.files import GraphDocument, read_graph
from graphlabel.graph import graph_key
from graphlabel.records import TranscoderSet
from graphlabel_tui.inert import inert
from graphlabel_tui.session import Session

K = TypeVar("K")
V = TypeVar("V")

REFUSED = frozenset({"open", "serve", "demo"})
"""Commands that need a terminal to themselves."""


class Template(NamedTuple):
    """A command to start from; the person edits it."""

    id: str
    title: str
    line: str
    """The command line; “…” stands for what has to be filled in."""


def templates(session: Session) -> list[Template]:
    """The usual runs on this graph, with what is known filled in."""
    graph = shlex.quote(str(session.path))
    model, transcoders = _traced_with(session)
    evidence = " ".join(f"--features {shlex.quote(place)}" for place in session.places)
    evidence = evidence or "--features …"
    traced = f"--model {model} --transcoders {transcoders}"
    new = shlex.quote(str(free_path(session.path.with_name("traced.json"))))
    index = shlex.quote(str(session.path.with_name("evidence")))
    return [
        Template("trace", "trace a prompt into a new graph", f'trace "…" {traced} -o {new}'),
        Template(
            "build", "build evidence: what makes the features fire",
            f"features build {traced} --corpus … -o {index}",
        ),
        Template("fetch", "fetch a graph from Neuronpedia", f"fetch … -o {new}"),
        Template("route", "route this graph's features", f"route {graph} {evidence} -o {graph}"),
        Template("label", "label tier 1 of this graph", f"label {graph} {evidence} -o {graph}"),
        Template(
            "suggest", "suggest supernodes, by a language model if you name one",
            f"suggest {graph} --json {_known(evidence)}--by …",
        ),
        Template("other", "any other command of graphlabel", ""),
    ]  # fmt: skip


def _known(evidence: str) -> str:
    return "" if "…" in evidence else f"{evidence} "


def _traced_with(session: Session) -> tuple[str, str]:
    """The model and the transcoders of a graph, as a shell's words; “…” where not known."""
    try:
        found = traced_with(session.document, None, None)
    except GraphLabelError:
        return "…", "…"
    return shlex.quote(inert(found.model)), shlex.quote(inert(found.transcoders))


def parse_line(line: str) -> tuple[str, ...]:
    """The arguments of a typed command; raises UsageError when it cannot be run from inside."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the command is not complete: {error}; close the quotes") from error
    if words and words[0] == "graphlabel":
        words = words[1:]
    if not words:
        raise UsageError("there is nothing to run; choose a line above or type a command")
    if words[0] in REFUSED:
        raise UsageError(f"{words[0]} needs a terminal of its own; run it in another one")
    if "…" in words:
        raise UsageError("“…” stands for something only you know; replace it first")
    return tuple(words)


def tier_two_arguments(session: Session, text: str, *, dry_run: bool) -> tuple[str, ...]:
    """The command that labels tier 2, for ``MODEL`` or ``MODEL $2``; raises UsageError."""
    words = text.split()
    dollars = words[1].removeprefix("$") if len(words) == 2 else "0"
    if len(words) not in (1, 2) or not re.fullmatch(r"\d+(\.\d*)?|\.\d+", dollars):
        raise UsageError(
            f"“{inert(text, 60)}” is no model and budget; type them like "
            "anthropic:claude-haiku-5-5 $2"
        )
    graph = str(session.path)
    return (
        "label", graph, *(word for place in session.places for word in ("--features", place)),
        f"--tier2-model={words[0]}", *([f"--max-usd={dollars}"] if len(words) == 2 else []),
        *(["--dry-run"] if dry_run else []), "-o", graph,
    )  # fmt: skip


def output_of(arguments: tuple[str, ...]) -> Path | None:
    """The file or folder a command writes."""
    for at, word in enumerate(arguments):
        if word in ("-o", "--output") and at + 1 < len(arguments):
            return Path(arguments[at + 1])
        if word.startswith("--output="):
            return Path(word.partition("=")[2])
    return None


def names_graph(arguments: tuple[str, ...], session: Session) -> bool:
    """Whether a command reads or writes the session's own file."""
    return any(_same(Path(word), session.path) for word in arguments if len(word) < 1000)


def _same(one: Path, other: Path) -> bool:
    return one.expanduser().absolute() == other.expanduser().absolute()


@dataclass(frozen=True, slots=True)
class _TakeUp:
    """What a run changed, wherever nobody has changed the same since it started."""

    title: str
    before: Annotations
    after: Annotations

    def patch(self, annotations: Annotations) -> Patch:
        """The run's changes to entries that are still as the run saw them."""
        change = Patch.between(self.before, self.after)
        before, now = self.before, annotations
        return Patch(
            labels=_untouched(change.labels, before.labels, now.labels),
            notes=_untouched(change.notes, before.notes, now.notes),
            reviews=_untouched(change.reviews, before.reviews, now.reviews),
            supernodes=change.supernodes if now.supernodes == before.supernodes else None,
            pinned=change.pinned if now.pinned == before.pinned else None,
        )


def _untouched(
    changes: Mapping[K, V | None], before: Mapping[K, V], now: Mapping[K, V]
) -> dict[K, V | None]:
    return {key: value for key, value in changes.items() if now.get(key) == before.get(key)}


class Taken(NamedTuple):
    """What was taken up of a run on the open graph."""

    routed: int
    """Features with a new routing."""
    edit: Edit | None
    """The edit that holds the labels, undone like any other."""


def is_same_graph(session: Session, document: GraphDocument) -> bool:
    """Whether a file holds the session's own graph."""
    return graph_key(document.graph) == session.key


def take_up(session: Session, before: Annotations, document: GraphDocument, title: str) -> Taken:
    """Have a run's routings and labels in the open graph; its file is the caller's to write.

    ``before`` is what the run started from: what people changed meanwhile stays. Raises
    GraphLabelError.
    """
    after = document.annotations
    routed = {k: r for k, r in after.routings.items() if before.routings.get(k) != r}
    session.forget_evidence()
    if routed:
        session.take_routings(routed)
    edit = session.do(_TakeUp(f"run {title}", before, after))
    return Taken(len(routed), edit)


def graph_at(path: Path) -> GraphDocument | None:
    """The graph in a file that a run wrote; None when it is none."""
    if not path.is_file():
        return None
    try:
        return read_graph(path)
    except GraphLabelError:
        return None


def use_index(session: Session, path: Path) -> FeatureSource:
    """Read the features' evidence from what a run built, first. Raises EvidenceError."""
    places = (str(path), *(place for place in session.places if place != str(path)))
    source = source_for_reading(
        session.document, places, any_set=False, offline=True, say=lambda _: None
    )
    session.use_evidence(source, places)
    return source


def beside(session: Session, document: GraphDocument, path: Path) -> Session:
    """A session on another graph, with the same store; with the same evidence where it fits.

    May raise StoreError.
    """
    sets = [TranscoderSet.of(graph.source) for graph in (session.graph, document.graph)]
    fits = sets[0] is not None and sets[1] is not None and sets[0].matches(sets[1])
    return Session(
        document,
        path,
        session.store,
        session.source if fits else None,
        session.author,
        places=session.places if fits else (),
    )

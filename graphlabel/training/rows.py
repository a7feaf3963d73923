"""From texts to rows of tokens, all of one length, in an order that a seed decides."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from graphlabel.atomic import write_bytes
from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.sequences import token_sequences
from graphlabel.evidence.corpora import Corpus
from graphlabel.models import LanguageModel


def read_rows(
    model: LanguageModel,
    corpora: Sequence[Corpus],
    context_length: int,
    n_rows: int,
    report: Callable[[int], None] = lambda _: None,
) -> Int[np.ndarray, "rows positions"]:
    """Rows of several corpora in turn; fewer than asked for where the corpora end.

    ``report`` is told the tokens so far. Raises EvidenceError when a corpus cannot be read or the
    model's context is shorter than a row.
    """
    streams = (
        packed(token_sequences(model, corpus.documents(), context_length), context_length)
        for corpus in corpora
    )
    return taken(in_turn(streams), context_length, n_rows, report)


def taken(
    rows: Iterable[Sequence[int]],
    context_length: int,
    n_rows: int,
    report: Callable[[int], None] = lambda _: None,
) -> Int[np.ndarray, "rows positions"]:
    """The first rows of a stream as a matrix."""
    found = np.zeros((n_rows, context_length), np.int64)
    number = 0
    for number, row in enumerate(rows, 1):
        found[number - 1] = row
        report(number * context_length)
        if number == n_rows:
            break
    return found[:number]


def packed(sequences: Iterable[Sequence[int]], context_length: int) -> Iterator[list[int]]:
    """Short sequences one after the other until a row is full; what is over is cut off.

    Every row begins where a sequence begins. A last row that is not full is left out.
    """
    row: list[int] = []
    for sequence in sequences:
        row += sequence[: context_length - len(row)]
        if len(row) == context_length:
            yield row
            row = []


def in_turn(streams: Iterable[Iterator[list[int]]]) -> Iterator[list[int]]:
    """A row of each stream in turn, until all have ended."""
    going = list(streams)
    while going:
        for stream in tuple(going):
            row = next(stream, None)
            if row is None:
                going.remove(stream)
            else:
                yield row


def shuffled(
    rows: Int[np.ndarray, "rows positions"], seed: int
) -> Int[np.ndarray, "rows positions"]:
    """The rows in another order."""
    return rows[np.random.default_rng(seed).permutation(len(rows))]


def keep_rows(path: Path, rows: Int[np.ndarray, "rows positions"]) -> None:
    """Write rows as a whole; raises EvidenceError when that fails."""
    buffer = io.BytesIO()
    np.save(buffer, rows.astype(np.int32))
    write_bytes(path, buffer.getvalue(), EvidenceError)


def kept_rows(path: Path) -> Int[np.ndarray, "rows positions"] | None:
    """Rows that were kept, or None; raises EvidenceError when the file is broken."""
    try:
        rows: Int[np.ndarray, "rows positions"] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{path} is broken: {error}; train anew with --force") from error
    return rows

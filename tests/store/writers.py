"""Programs that write to a store until they are done, killed or refused; run as subprocesses.

``python writers.py WHAT PLACE AUTHOR COUNT`` prints a number for every edit that was acknowledged.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from small_graphs import GRAPH, KEYS

from graphlabel.annotation import Annotations, Origin, Provenance, SetLabel, SetNote
from graphlabel.errors import GraphLabelError
from graphlabel.store import Store, store_place


def main(what: str, place: str, author: str, count: int) -> None:
    """Make edits one after the other."""
    store = Store(store_place(place))
    history = store.history(GRAPH, Annotations(), "slug", author)
    made = Provenance(Origin.PERSON, author)
    first = len(history.done)
    for number in range(first, first + count):
        if what == "labels":
            edit = history.do(SetLabel((KEYS[number % len(KEYS)],), f"{author} {number}", made))
        else:
            edit = history.do(SetNote(KEYS[number % len(KEYS)], f"{author} {number} " * 500))
        assert edit
        print(number + 1, flush=True)
    store.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
    except GraphLabelError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None

"""Whatever bytes a file of labels has: labels, refusals, or one line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import GraphLabelError
from graphlabel.exchange import Given, Refusal, read_labels
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel

NP = json.dumps({"modelId": "m", "layer": "1-s", "index": "2", "description": "a", "scores": [{"value": 1}],
                 "graphlabel": {"provenance": {"origin": "person", "author": "ada"}, "revision": "r"}})  # fmt: skip
SEEDS = [
    b'layer,feature,label,class,origin,score\n1,2,"a, b",input,person,0.5\n3,4,c,,,\n',
    f"{NP}\n{NP}\n".encode(),
    f"[{NP}, {NP}]".encode(),
    b'{"layer": 1, "feature": 2, "position": 3, "label": "a", "graph": "g", "tokens": 3}\n' * 2,
]
OTHERS = (
    b"",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"NaN",
    b"1e999",
    b"9" * 400,
    b"[" * 50,
    b"null",
    b"{}",
    b"\xff",
    b",",
    b"-",
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A file with some stretches replaced."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 20))
        new = draw(st.sampled_from(OTHERS) | st.binary(max_size=4))
        data = data[:start] + new + data[start + length :]
    return data


@given(broken() | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(data)
        try:
            found = list(read_labels(path, Given(TranscoderSet("m", "s"), "g")).labels)
        except GraphLabelError as error:
            assert "\n" not in str(error)  # noqa: PT017
            return
    assert all(isinstance(each, (NewLabel, Refusal)) for each in found)

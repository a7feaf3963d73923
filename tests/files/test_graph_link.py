"""Links that carry annotations."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import Group, Origin, Provenance, SetLabel, TogglePin
from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument, apply_link, graph_from_bytes, link_to, parse_link
from graphlabel.files.node_ids import cantor
from tests.files.strategies import node

CT = "circuit-tracer"
BASE = "https://www.neuronpedia.org/gemma-2-2b/graph"
ADA = Provenance(Origin.PERSON, "ada")


def document() -> GraphDocument:
    nodes = [node(CT, "feature", layer, 5, 1) for layer in (1, 2, 3)]
    nodes[0]["clerp"] = "from the file"
    q_params = {"pinnedIds": ["3_5_1"], "supernodes": [["old", "3_5_1"]]}
    metadata = {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a", "b"], "schema_version": 1}  # fmt: skip
    raw = {"metadata": metadata, "qParams": q_params, "nodes": nodes, "links": []}
    return graph_from_bytes(json.dumps(raw).encode(), "x")


def link(**state: str) -> str:
    return f"{BASE}?{urlencode({'slug': 'dallas-austin', **state})}"


def test_a_link_brings_pins_supernodes_and_labels() -> None:
    clerps = [[f"1_{cantor(1, 5)}_1", "Texas"], ["9_9_9", "nowhere"]]
    text = link(
        pinnedIds="1_5_1,2_5_1,gone",
        supernodes=json.dumps([["state", "1_5_1", "2_5_1"], ["empty", "gone"]]),
        clerps=json.dumps(clerps), pruningThreshold="0.6", clickedId="1_5_1",
    )  # fmt: skip
    found = parse_link(text)
    assert (found.model, found.slug) == ("gemma-2-2b", "dallas-austin")
    applied = apply_link(document(), found)
    first, second, _ = (each.key for each in applied.document.graph.nodes)
    annotations = applied.document.annotations
    assert annotations.pinned == (first, second)
    assert [(group.name, group.members) for group in annotations.supernodes] == [("state", (first, second))]  # fmt: skip
    label = annotations.label_of(first)
    assert label
    assert (label.text, label.provenance.origin) == ("Texas", Origin.FILE)
    assert applied.unresolved == 3


def test_what_a_link_does_not_say_stays() -> None:
    before = document()
    assert apply_link(before, parse_link(link())).document.annotations == before.annotations


def test_labels_by_people_stay() -> None:
    before = document()
    key = before.graph.nodes[0].key
    mine = before.annotated(SetLabel((key,), "mine", ADA).patch(before.annotations).apply(before.annotations))  # fmt: skip
    applied = apply_link(mine, parse_link(link(clerps=json.dumps([[f"1_{cantor(1, 5)}_1", "x"]]))))
    label = applied.document.annotations.label_of(key)
    assert label
    assert (label.text, applied.kept) == ("mine", 1)


def test_a_link_to_a_document_brings_back_its_annotations() -> None:
    made = document()
    keys = [each.key for each in made.graph.nodes]
    annotations = made.annotations
    for command in (SetLabel((keys[1],), "say “Austin” & go", ADA), TogglePin((keys[0],)), Group("a, b", (keys[1],))):  # fmt: skip
        annotations = command.patch(annotations).apply(annotations)
    text = link_to(made.annotated(annotations), f"{BASE}?slug=dallas")
    applied = apply_link(document(), parse_link(text))
    assert applied.document.annotations.pinned == annotations.pinned
    assert applied.document.annotations.supernodes == annotations.supernodes
    label = applied.document.annotations.label_of(keys[1])
    assert label
    assert label.text == "say “Austin” & go"
    assert applied.unresolved == 0


@pytest.mark.parametrize(
    "text",
    [
        "https://www.neuronpedia.org/gemma-2-2b", "https://www.neuronpedia.org/gemma-2-2b/graph",
        "https:///m/graph?slug=x", "https://[::1/m/graph?slug=x", link(supernodes="[[1,"),
        link(clerps="{}"), link(supernodes="[" * 100_000), "https://h/m/graph?slug=x&" + "a=1&" * 500,
        link(clerps='"x"'),
    ],
)  # fmt: skip
def test_what_is_no_link_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_link(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=30), st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=8))  # fmt: skip
def test_odd_states_never_crash(pins: str, rows: object) -> None:
    state = {"pinnedIds": pins, "supernodes": json.dumps([rows]), "clerps": json.dumps([rows])}
    apply_link(document(), parse_link(link(**state)))

"""Verbalizations: what they are doubted for, and that the graph file keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import Reading, Verbalization, clean_verbalization
from graphlabel.errors import GraphFileError
from graphlabel.files import new_document, read_graph, write_graph
from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind

FEATURE = NodeKey(NodeKind.FEATURE, 0, 7, 1)
NODES = (
    Node(NodeKey(NodeKind.TOKEN, -1, 3, 1)),
    Node(FEATURE),
    Node(NodeKey(NodeKind.LOGIT, 1, 5, 1)),
)
GRAPH = AttributionGraph("a b", ("a", "b"), NODES, Edges.of([0, 1], [1, 2], [1.0, 2.0]), n_layers=1)

texts = st.text(max_size=30)
verbalizations = st.builds(
    Verbalization,
    text=texts,
    verbalizer=texts,
    reading=st.sampled_from(Reading),
    layer=st.none() | st.integers(0, 60),
    reads_layer=st.none() | st.integers(0, 60),
    truncated=st.booleans(),
    cosine=st.none() | st.floats(-1, 1),
    model=texts,
    passage=texts,
    temperature=st.none() | st.floats(0, 2),
    seed=st.none() | st.integers(0, 2**31),
    time=texts,
)


@pytest.mark.parametrize(
    ("reading", "layer", "reads", "why"),
    [
        (Reading.PROMPT, 20, 20, ""),
        (Reading.EXAMPLE, 5, None, ""),
        (Reading.PROMPT, 5, 20, "it reads layer 20, this is layer 5"),
        (Reading.PROMPT, None, 20, "an unknown layer"),
        (Reading.DIRECTION, 20, 20, "a feature's direction"),
    ],
)
def test_other_layers_and_directions_are_out_of_distribution(
    reading: Reading, layer: int | None, reads: int | None, why: str
) -> None:
    doubt = Verbalization("t", "v", reading, layer, reads).out_of_distribution
    assert (why in doubt) if why else doubt == ""


def test_paragraphs_stay_and_controls_go() -> None:
    said = "One\x1b[31m  thought. \r\nstill it\n \n\n\n\u202elast\x00"
    assert clean_verbalization(said) == "One[31m thought.\nstill it\n\nlast"
    assert len(clean_verbalization("word " * 5000)) <= 4000


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_verbalization(text)
    assert clean_verbalization(once) == once


@given(st.lists(verbalizations, min_size=1, max_size=3))
def test_the_file_keeps_every_part(
    tmp_path_factory: pytest.TempPathFactory, found: list[Verbalization]
) -> None:
    document, key = new_document(GRAPH, "g"), FEATURE
    kept = document.annotations.with_verbalizations(
        {key: tuple(found), key.feature_key: tuple(reversed(found))}
    )
    path = tmp_path_factory.mktemp("kept") / "graph.json"
    write_graph(document.annotated(kept), path)
    again = read_graph(path).annotations
    assert again.verbalizations_of(key) == (*found, *reversed(found))
    assert again.labels == document.annotations.labels


def test_a_broken_one_is_refused_in_a_line(tmp_path: Path) -> None:
    document, key = new_document(GRAPH, "g"), FEATURE
    kept = document.annotations.with_verbalizations(
        {key: (Verbalization("t", "v", Reading.PROMPT),)}
    )
    path = tmp_path / "graph.json"
    write_graph(document.annotated(kept), path)
    path.write_text(
        path.read_text("utf-8").replace('"reading":"prompt"', '"reading":"tarot"'), "utf-8"
    )
    with pytest.raises(GraphFileError, match=r"verbalization is broken.*tarot") as refusal:
        read_graph(path)
    assert "\n" not in str(refusal.value)

"""The layout of any graph: nothing overlaps, inputs below logits, edges end at their boxes."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.export.picture import LIGHT, Box, Scene, Words, draw_svg, scene_of
from graphlabel.export.picture.layout import STACK, Layout, lay_out
from graphlabel.export.picture.ordering import Layers, order_rows
from graphlabel.export.picture.text import text_width, wrap
from graphlabel.files import read_graph
from graphlabel.graph import NodeKind, SupernodeEdge
from tests.conftest import real
from tests.export.documents import document


def random_scene(seed: int, n_boxes: int) -> Scene:
    random = np.random.default_rng(seed)
    kinds = [NodeKind.TOKEN, NodeKind.FEATURE, NodeKind.FEATURE, NodeKind.LOGIT, NodeKind.ERROR]
    boxes = []
    for number in range(n_boxes):
        kind = kinds[int(random.integers(0, 5))]
        layer = {NodeKind.TOKEN: -1.0, NodeKind.LOGIT: 26.0}.get(
            kind, float(random.integers(0, 26))
        )
        label = " ".join("x" * int(random.integers(1, 14)) for _ in range(random.integers(1, 9)))
        members = tuple(range(int(random.integers(1, 4))))
        boxes.append(
            Box(
                f"b{number}",
                label,
                "detail",
                kind,
                members,
                layer,
                float(random.integers(0, 9)),
                len(members) > 1,
            )
        )
    pairs = {(int(a), int(b)) for a, b in random.integers(0, n_boxes, (3 * n_boxes, 2)) if a != b}
    edges = [SupernodeEdge(f"b{a}", f"b{b}", float(random.normal())) for a, b in sorted(pairs)]
    return Scene(
        tuple(boxes), tuple(sorted(edges, key=lambda e: -abs(e.weight))), len(edges), "random"
    )


def check(layout: Layout) -> None:
    for one in layout.boxes:
        assert one.x >= -0.01
        assert one.x + one.width <= layout.width + 0.01
        assert -0.01 <= one.y <= layout.height - one.height + 0.01
        assert max(text_width(line, 15.0) for line in one.lines) <= one.width
        for other in layout.boxes:
            apart = one.x + one.width <= other.x or other.x + other.width <= one.x
            assert (
                one is other
                or apart
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
    tops = {kind: [b.y for b in layout.boxes if b.box.kind is kind] for kind in NodeKind}
    inner = [b.y for b in layout.boxes if b.box.kind not in (NodeKind.TOKEN, NodeKind.LOGIT)]
    assert max(tops[NodeKind.LOGIT], default=-1) < min([*inner, *tops[NodeKind.TOKEN]], default=1e9)
    assert min(tops[NodeKind.TOKEN], default=1e9) > max([*inner, *tops[NodeKind.LOGIT]], default=-1)
    placed = {b.box.name: b for b in layout.boxes}
    for route in layout.routes:
        assert len(route.points) % 2 == 0
        for name, (x, y) in (
            (route.edge.source, route.points[0]),
            (route.edge.target, route.points[-1]),
        ):
            box = placed[name]
            assert box.x <= x <= box.x + box.width
            assert (
                min(
                    abs(y - box.y), abs(y - box.y - box.height), abs(y - box.y - box.height - STACK)
                )
                < 0.01
            )


@given(seed=st.integers(0, 100_000), n_boxes=st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_nothing_overlaps(seed: int, n_boxes: int) -> None:
    check(lay_out(random_scene(seed, n_boxes)))


def test_many_boxes() -> None:
    check(lay_out(random_scene(1, 150)))


@pytest.mark.parametrize(
    "path", ["anthropic/opposite_of_small.json", "neuronpedia/gemma-small-big-en.json"]
)
def test_people_s_groupings(path: str) -> None:
    graph = read_graph(real(f"graphs/{path}"))
    scene = scene_of(graph)
    layout = lay_out(scene)
    check(layout)
    groups = [box for box in scene.boxes if box.is_group]
    assert [box.label for box in groups] == [group.name for group in graph.annotations.supernodes]
    tokens = sorted((b for b in layout.boxes if b.box.kind is NodeKind.TOKEN), key=lambda b: b.x)
    assert all(one.box.position < other.box.position for one, other in pairwise(tokens))


def test_an_avoidable_crossing_is_avoided() -> None:
    layers = Layers([[0, 1, 2], [3, 4, 5]], [(0, 5, 1.0), (1, 4, 1.0), (2, 3, 1.0)], frozenset({0}))
    order_rows(layers)
    assert layers.rows == [[0, 1, 2], [5, 4, 3]]


def test_nothing_pinned_shows_the_most_influential_features() -> None:
    made = document()
    bare = made.annotated(type(made.annotations)(labels=made.annotations.labels))
    scene = scene_of(bare)
    assert scene.shown == "nothing is pinned or grouped: the 2 most influential features"
    assert [box.label for box in scene.boxes] == ["Dallas", "L1 #7", "Austin", "<bos>", "Dallas"]
    assert [box.detail for box in scene.boxes[:2]] == ["L0 #1 @Dallas", "@Dallas"]
    assert {edge.weight for edge in scene.edges if edge.source == "node:1"} == {-2.5 / 4.0}


def test_links_in_a_circle_are_drawn_too() -> None:
    from dataclasses import replace

    from graphlabel.annotation import Annotations
    from graphlabel.graph import Edges

    made = document()
    graph = replace(made.graph, edges=Edges.of([0, 1, 1], [1, 0, 5], [1.0, 1.0, 1.0]))
    scene = scene_of(replace(made, graph=graph, annotations=Annotations()))
    assert [box.label for box in scene.boxes][:2] == ["L0 #1", "L1 #7"]
    check(lay_out(scene))


def test_an_empty_graph_makes_an_empty_picture() -> None:
    from dataclasses import replace

    from graphlabel.annotation import Annotations
    from graphlabel.graph import Edges

    made = document()
    graph = replace(made.graph, nodes=(), edges=Edges.of([], [], []))
    scene = scene_of(replace(made, graph=graph, annotations=Annotations(), node_ids=()))
    assert scene.boxes == ()
    ElementTree.fromstring(draw_svg(scene, Words("empty", "prompt"), LIGHT))


def test_negative_edges_are_dashed_and_of_another_colour() -> None:
    scene = scene_of(document())
    drawn = ElementTree.fromstring(draw_svg(scene, Words("t", "p"), LIGHT))
    space = "{http://www.w3.org/2000/svg}"
    looks = {
        (said.text or "").split("% ")[0][-6:].strip()[:1]: (
            path.get("stroke"),
            path.get("stroke-dasharray") is not None,
        )
        for group in drawn.iter(f"{space}g")
        if (said := group.find(f"{space}title")) is not None
        and (path := group.find(f"{space}path")) is not None
    }
    assert (LIGHT.negative, True) in looks.values()
    assert (LIGHT.positive, False) in looks.values()
    assert len(set(looks.values())) == 2


def test_lines_break_at_spaces_where_they_can() -> None:
    assert wrap("insect metamorphosis", 15.0, 168.0, 3) == ["insect", "metamorphosis"]
    assert wrap("x" * 40, 15.0, 168.0, 2) == ["x" * 18, "x" * 17 + "…"]
    assert wrap("a " + "x" * 40, 15.0, 168.0, 1)[0].endswith("x…")


@given(text=st.text(max_size=80), lines=st.integers(1, 4))
@settings(deadline=None)
def test_wrapped_lines_fit(text: str, lines: int) -> None:
    broken = wrap(text, 15.0, 120.0, lines)
    assert 1 <= len(broken) <= lines
    assert all(text_width(line, 15.0) <= 120.0 + 15.0 for line in broken)

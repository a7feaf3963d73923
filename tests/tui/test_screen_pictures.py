"""Pictures of the screens over the workbench, at three sizes; look at a change before updating."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import dallas_document, dallas_session

from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.runs import beside

SIZES = [(80, 24), (120, 40), (200, 60)]


def other_session(session):
    document = dallas_document()
    graph = replace(document.graph, prompt="Another prompt")
    labels = dict(list(document.annotations.labels.items())[::2])
    other = replace(document, graph=graph, slug="other")
    return beside(
        session, other.annotated(replace(document.annotations, labels=labels)), Path("o.json")
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("key", ["f1", "f2", "exclamation_mark", "question_mark"])
def test_screens(snap_compare, key, size):
    app = GraphLabelApp(dallas_session())
    assert snap_compare(app, terminal_size=size, press=[key])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_compare(snap_compare, size):
    session = dallas_session()
    app = GraphLabelApp(session, SideBySide(session, other_session(session)))
    assert snap_compare(app, terminal_size=size, press=["down"])

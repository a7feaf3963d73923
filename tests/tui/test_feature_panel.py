"""The feature panel: provenance, doubts about the evidence, lists of neighbours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import MemorySource, dallas_session, key_of, make_record

from graphlabel.annotation import Label, Origin, Provenance, Scope
from graphlabel.files import new_document
from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind
from graphlabel.records import ActivationExample, FeatureRecord, Quantile
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.evidence_lines import example_line, remark_lines

HERE = key_of(2, 214, 10)


class Edited(MemorySource):
    """The fixture's evidence, changed."""

    def __init__(self, **changes: object) -> None:
        """Change fields of every record."""
        self.changes = changes

    def get(self, key):
        """The record of a feature, changed."""
        return replace(make_record(key), **self.changes)


def drawn(sampled: int | None) -> ActivationExample:
    """An example that fires most on its last token."""
    return ActivationExample.of(
        (" a", " weak", " one", " strong"), (0.0, 1.0, 0.0, 8.0), sampled=sampled
    )


def test_an_example_stands_around_the_token_it_was_drawn_for():
    weak, peak = example_line(drawn(1), 60, 8.0), example_line(drawn(None), 60, 8.0)
    assert "‹weak›" in weak.text
    assert weak.text.endswith("1.00")
    assert "[strong]" in peak.text
    assert peak.text.endswith("8.00")
    # shading still shows where the feature fires
    assert next(span.role for span in weak.spans if "strong" in span.text) == "heat-4"


def test_remarks_tell_what_was_drawn_dropped_and_said():
    record = FeatureRecord(
        HERE.feature_key, None, (Quantile("q1", (drawn(1),)), Quantile("q2", (drawn(None),))),
        dropped=3, remarks=("activations on a scale of 0 to 10", "\x1b[31mred"),
    )  # fmt: skip
    words = " ".join(line.text for line in remark_lines(record, 0, 70))
    assert "! activations on a scale of 0 to 10" in words
    assert "\x1b" not in words
    assert "the token it was drawn for" in words
    assert "3 broken examples in the source were left out" in words
    assert "drawn for" not in " ".join(line.text for line in remark_lines(record, 1, 70))


async def test_doubts_about_the_evidence_are_shown(opened, text):
    session = dallas_session()
    session.source = Edited(dropped=2, remarks=("activations on a scale of 0 to 10",))
    async with opened(session, (200, 60)) as (pilot, _):
        assert "! activations on a scale of 0 to 10" in text(pilot)
        assert "! 2 broken examples" in text(pilot)
    session.source = Edited(quantiles=(), dropped=5)
    session._records.clear()
    async with opened(session, (200, 60)) as (pilot, _):
        assert "none: it never fired" in text(pilot)
        assert "! 5 broken examples" in text(pilot)


async def test_how_a_model_made_a_label(opened, text):
    session = dallas_session()
    made = Provenance(
        Origin.MACHINE, "graphlabel", "max_acts", "some-model", "2026-01-02T03:04:05Z", 0.7,
        prompt_hash="ab" * 32, temperature=0.0, tokens=1234, dollars=0.00042,
    )  # fmt: skip
    labels = {**session.annotations.labels, HERE: Label("capitals", Scope.OCCURRENCE, made)}
    session.history.annotations = replace(session.annotations, labels=labels)
    async with opened(session, (200, 60)) as (pilot, _):
        assert "max acts · some-model" in text(pilot)
        assert "temperature 0 · 1,234 tokens · $0.00042" in text(pilot)


def crowded(parents: int) -> Session:
    """A feature with many parents."""
    nodes = [Node(key_of(0, number, 1), "x", influence=0.5) for number in range(parents)]
    nodes.append(Node(key_of(1, 0, 1), "x", influence=0.1))
    nodes.append(Node(NodeKey(NodeKind.LOGIT, 2, 0, 1), "y", probability=1.0))
    sources, weights = list(range(parents)), [float(parents - n) for n in range(parents)]
    edges = Edges.of([*sources, parents], [parents] * parents + [parents + 1], [*weights, 1.0])
    graph = AttributionGraph("x", ("<bos>", "x"), tuple(nodes), edges, 2)
    session = Session(new_document(graph, "crowded"), Path("crowded.json"), author="sam")
    session.selected = key_of(1, 0, 1)
    return session


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_neighbour_can_be_reached(opened, text, size):
    session = crowded(40)
    async with opened(session, size) as (pilot, screen):
        await pilot.press("2")
        panel = screen.query_one("#feature")
        assert any("… 28 weaker ones" in line.text for line in panel.lines)
        await pilot.press(*["down"] * 13)
        assert "weaker" in panel.lines[panel.cursor].text
        await pilot.press("enter")
        assert session.selected == key_of(1, 0, 1)
        assert sum(line.target is not None for line in panel.lines) == 41
        await pilot.press(*["down"] * 27, "enter")
        assert session.selected == key_of(0, 39, 1)
        await pilot.press("left_square_bracket")
        assert any("… 28 weaker ones" in line.text for line in panel.lines)

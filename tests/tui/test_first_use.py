"""What somebody who has only the help screen ran into: nothing silent, nothing in the way."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_document, dallas_session, key_of

from graphlabel.files import write_graph
from graphlabel.graph import NodeKind
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import wrap
from graphlabel_tui.paths import graph_files
from graphlabel_tui.screens.compare import CompareScreen
from graphlabel_tui.screens.dialogs import ConfirmScreen
from graphlabel_tui.widgets.edit_line import EditLine
from graphlabel_tui.widgets.evidence_lines import histogram_lines
from graphlabel_tui.widgets.feature_panel import FeaturePanel


def with_error_parent(session):
    """A node that an error node leads to, and that has other parents."""
    graph = session.graph
    edges = graph.edges
    for source, target in zip(edges.source.tolist(), edges.target.tolist(), strict=True):
        parents = edges.source[edges.target == target].tolist()
        kinds = {graph.nodes[each].key.kind for each in parents}
        if graph.nodes[source].key.kind is NodeKind.ERROR and len(kinds) > 1:
            return graph.nodes[target].key
    raise AssertionError


async def test_hidden_errors_are_nowhere(opened, text):
    session = dallas_session()
    session.selected = with_error_parent(session)
    async with opened(session) as (pilot, screen):
        panel = screen.query_one(FeaturePanel)
        assert any("error" in line.text for line in panel.lines if line.is_choice)
        await pilot.press("E")
        assert not any("error" in line.text for line in panel.lines if line.is_choice)
        assert "errors hidden)" in "\n".join(line.text for line in panel.lines)
        assert "hidden, the errors too" in text(pilot)
        place = session.place
        errors = set(session.graph.places(NodeKind.ERROR))
        assert not errors & {each.place for each in screen.view.seen(screen.view.parents(place))}


async def test_another_feature_shows_its_top_examples(opened):
    async with opened(dallas_session()) as (pilot, screen):
        screen.select(key_of(2, 214, 10))
        await pilot.press("full_stop")
        assert screen.view.quantile == 1
        screen.select(key_of(0, 312, 9))
        await pilot.pause()
        assert screen.view.quantile == 0


async def test_escape_clears_marks_then_the_filter(opened):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("slash", *"tier:3", "enter", "space", "escape")
        assert not screen.session.marked
        assert screen.view.query == "tier:3"
        await pilot.press("escape")
        assert screen.view.query == ""


async def test_a_jump_out_of_the_filter_is_told(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("slash", *"tier:3", "enter")
        screen.select(key_of(0, 312, 9))
        await pilot.pause()
        assert "the selected node is filtered out" in text(pilot)


async def test_an_empty_table_says_all_of_its_words(opened, text):
    async with opened(dallas_session(), size=(120, 40)) as (pilot, _):
        await pilot.press("slash", *"zzzz", "enter")
        assert "esc shows all" in text(pilot)


async def test_one_notification_at_a_time_and_none_over_a_prompt(opened):
    async with opened(dallas_session()) as (pilot, _):
        app = pilot.app
        await pilot.press("p", "p", "u", "u", "u")
        assert [note.message for note in app._notifications] == ["nothing to undo"]
        await pilot.press("e")
        assert not list(app._notifications)


async def test_the_footer_shows_the_keys_of_the_prompt(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        screen.select(key_of(2, 214, 10))
        await pilot.press("e")
        last = text(pilot).splitlines()[-1]
        assert "⏎ enter" in last
        assert "⇥ where it holds" in last
        assert "undo" not in last
        await pilot.press("escape")
        assert "e label" in text(pilot).splitlines()[-1]


async def test_a_refused_name_stays_in_the_prompt_with_the_reason(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        screen.select(screen.session.annotations.supernodes[0].members[0])
        await pilot.press("M", "enter")
        assert screen.query_one(EditLine).question.purpose == "merge"
        assert "✗ " in text(pilot)


async def test_the_help_explains_numbers_and_marks(opened, text):
    async with opened(dallas_session(), size=(120, 60)) as (pilot, _):
        await pilot.press("question_mark", "end")
        assert "Numbers and marks" in text(pilot)
        assert "as a running share" in text(pilot)


async def test_the_export_says_what_enter_does(opened, text):
    async with opened(dallas_session()) as (pilot, _):
        await pilot.press("X")
        assert "Enter goes on to the path" in text(pilot)
        await pilot.press("enter")
        assert "Enter writes the file" in text(pilot)


async def test_another_models_graph_is_asked_about(opened, text, tmp_path):
    from dataclasses import replace

    document = dallas_document()
    source = replace(document.graph.source, model="gpt2", transcoders="others")
    other = replace(document, graph=replace(document.graph, source=source), slug="other")
    write_graph(other, tmp_path / "other.json")
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        await pilot.press("C", "enter")
        await screen.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "--any-set" not in text(pilot)
        await pilot.press("n")
        for _ in range(100):
            await pilot.pause(0.05)
            if isinstance(pilot.app.screen, CompareScreen):
                break
        assert isinstance(pilot.app.screen, CompareScreen)


async def test_a_wrong_path_can_be_typed_on(opened, text, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        await pilot.press("C", *"nowhere", "enter")
        await screen.workers.wait_for_complete()
        await pilot.pause()
        assert screen.query_one(EditLine).entry.value.endswith("nowhere")
        assert "✗ " in text(pilot)


def test_paths_complete(tmp_path):
    here = tmp_path / "here.json"
    for name in ("here.json", "other.json", "notes.txt", ".hidden.json", "sub/deep.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert graph_files("", here) == [f"{tmp_path}/other.json", f"{tmp_path}/sub/"]
    assert graph_files(f"{tmp_path}/o", here) == [f"{tmp_path}/other.json"]
    assert graph_files(f"{tmp_path}/sub/", here) == [f"{tmp_path}/sub/deep.json"]
    assert graph_files(f"{tmp_path}/nowhere/", here) == []


@pytest.mark.parametrize("width", [12, 20, 40])
def test_what_is_cut_says_so(width):
    lines = wrap("one two three four five six seven eight nine ten", width, limit=2)
    assert len(lines) == 2
    whole = width >= 40
    assert lines[-1].text.endswith("…") is not whole
    assert all(len(line.text) <= width for line in lines)


def test_the_histogram_fits_with_its_facts():
    session = dallas_session()
    record = session.record(key_of(2, 214, 10).feature_key)
    for width in (24, 40, 48, 80):
        top = histogram_lines(record, 7.4, width)[0].text
        assert len(top) <= width
        if width >= 40:
            assert top.endswith(inert(top.rsplit(" ", 1)[-1]))
            assert "…" not in top

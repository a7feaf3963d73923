"""Edits, undo and redo."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.annotation import (
    Annotations,
    Command,
    Group,
    History,
    Label,
    Origin,
    Provenance,
    RenameSupernode,
    Review,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    Several,
    TogglePin,
    Ungroup,
    clean_label,
)
from graphlabel.annotation.encoding import decode_patch, encode_patch
from graphlabel.errors import AnnotationError
from graphlabel.graph import NodeKey, NodeKind

KEYS = [NodeKey(NodeKind.FEATURE, layer, 5, position) for layer in (0, 1) for position in (1, 2)]
PERSON = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")
MACHINE = Provenance(Origin.MACHINE, "graphlabel", "token_count", score=0.5)

nodes = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple)
names = st.sampled_from(["Texas", "say Austin", "capital"])
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(SetLabel, nodes, st.text(max_size=12), st.sampled_from([PERSON, MACHINE]), st.sampled_from(Scope)),
    st.builds(SetNote, st.sampled_from(KEYS), st.text(max_size=8)),
    st.builds(Group, names, nodes),
    st.builds(Ungroup, nodes),
    st.builds(RenameSupernode, names, names),
    st.builds(TogglePin, nodes),
    st.builds(SetReview, nodes, st.sampled_from([*Review, None])),
)  # fmt: skip


@given(st.lists(commands, max_size=12), st.integers(0, 12))
@settings(max_examples=200, deadline=None)
def test_undo_takes_back_and_redo_makes_again(edits: list[Command], back: int) -> None:
    history = History(Annotations())
    states = [history.annotations]
    for command in edits:
        try:
            edit = history.do(command)
        except AnnotationError:
            continue
        if edit:
            states.append(history.annotations)
            assert decode_patch(json.loads(json.dumps(encode_patch(edit.change)))) == edit.change
            assert decode_patch(json.loads(json.dumps(encode_patch(edit.inverse)))) == edit.inverse
    steps = min(back, len(states) - 1)
    for step in range(steps):
        assert history.undo()
        assert history.annotations == states[-2 - step]
    for step in range(steps):
        assert history.redo()
        assert history.annotations == states[len(states) - steps + step]
    assert history.redo() is None


@given(st.lists(commands, max_size=8))
@settings(max_examples=100, deadline=None)
def test_supernodes_stay_distinct_and_never_empty(edits: list[Command]) -> None:
    history = History(Annotations())
    for command in edits:
        try:
            history.do(command)
        except AnnotationError:
            continue
        groups = history.annotations.supernodes
        members = [key for group in groups for key in group.members]
        assert len({group.name for group in groups}) == len(groups)
        assert all(group.members for group in groups)
        assert len(members) == len(set(members))


def test_a_machine_never_replaces_a_persons_or_a_files_label() -> None:
    for kept in (Label("Texas", provenance=PERSON), Label("from the file")):
        history = History(Annotations(labels={KEYS[0]: kept}))
        for scope in Scope:
            history.do(SetLabel((KEYS[0],), "machine", MACHINE, scope))
            assert history.annotations.label_of(KEYS[0]) == kept


def test_a_person_replaces_anything_in_either_scope() -> None:
    history = History(Annotations())
    history.do(SetLabel((KEYS[0],), "machine", MACHINE, Scope.FEATURE))
    history.do(SetLabel((KEYS[0],), "mine", PERSON, Scope.OCCURRENCE))
    assert [history.annotations.label_of(key).text for key in KEYS[:2]] == ["mine", "machine"]  # type: ignore[union-attr]
    history.do(SetLabel((KEYS[0],), "everywhere", PERSON, Scope.FEATURE))
    assert history.annotations.label_of(KEYS[0]).text == "everywhere"  # type: ignore[union-attr]


def test_several_edits_are_undone_together() -> None:
    history = History(Annotations())
    history.do(Several("two", [SetLabel((KEYS[0],), "a", PERSON), Group("g", (KEYS[0],))]))
    assert history.annotations.supernode("g")
    history.undo()
    assert history.annotations == Annotations()


def test_edits_that_make_no_sense_are_refused() -> None:
    empty = Annotations()
    with pytest.raises(AnnotationError, match="at least one node"):
        Group("g", ()).patch(empty)
    with pytest.raises(AnnotationError, match="needs a name"):
        Group(" \x00 ", (KEYS[0],)).patch(empty)
    with pytest.raises(AnnotationError, match="no supernode"):
        RenameSupernode("a", "b").patch(empty)


def test_labels_are_one_clean_line() -> None:
    assert clean_label("  a\n\tb \x1b[31mred\u202e  ") == "a b [31mred"
    assert clean_label("x" * 1_000_000) == "x" * 200
    assert clean_label("\ud800") == ""

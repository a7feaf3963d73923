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
    MergeSupernodes,
    Origin,
    Provenance,
    RenameSupernode,
    Review,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    Several,
    SplitSupernode,
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
    st.builds(MergeSupernodes, st.lists(names, min_size=1, max_size=3).map(tuple), names),
    st.builds(SplitSupernode, names, nodes, names),
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


def grouped() -> Annotations:
    """Three supernodes of one, two and one nodes."""
    history = History(Annotations())
    for name, members in (("a", KEYS[:1]), ("b", KEYS[1:3]), ("c", KEYS[3:])):
        history.do(Group(name, tuple(members)))
    return history.annotations


def names_and_members(annotations: Annotations) -> dict[str, tuple[NodeKey, ...]]:
    """The supernodes as a mapping."""
    return {group.name: group.members for group in annotations.supernodes}


@pytest.mark.parametrize("into", ["a", "c", "new"])
def test_merging_keeps_members_pins_and_the_place_of_the_first(into: str) -> None:
    before = grouped()
    after = MergeSupernodes(("a", "c"), into).patch(before).apply(before)
    assert list(names_and_members(after)) == [into, "b"]
    assert names_and_members(after)[into] == (KEYS[0], KEYS[3])
    assert after.pinned == before.pinned


def test_merging_one_into_another_needs_only_their_names() -> None:
    before = grouped()
    after = MergeSupernodes(("b",), "a").patch(before).apply(before)
    assert names_and_members(after) == {"a": tuple(KEYS[:3]), "c": tuple(KEYS[3:])}


@pytest.mark.parametrize(
    ("names", "into", "words"),
    [
        (("a",), "a", "needs two"),
        (("a",), "new", "needs two"),
        (("x", "a"), "a", "no supernode “x”"),
        (("a", "b"), " ", "needs a name"),
    ],
)
def test_merges_that_make_no_sense(names: tuple[str, ...], into: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        MergeSupernodes(names, into).patch(grouped())


def test_splitting_puts_the_new_one_after_the_old() -> None:
    before = grouped()
    after = SplitSupernode("b", (KEYS[2], KEYS[3]), "d").patch(before).apply(before)
    assert list(names_and_members(after)) == ["a", "b", "d", "c"]
    assert names_and_members(after)["d"] == (KEYS[2],)
    assert names_and_members(after)["c"] == (KEYS[3],)
    assert after.pinned == before.pinned


@pytest.mark.parametrize(
    ("name", "members", "new", "words"),
    [
        ("b", KEYS[1:3], "d", "not all"),
        ("b", KEYS[:1], "d", "not none"),
        ("b", KEYS[1:2], "a", "exists already"),
        ("x", KEYS[1:2], "d", "no supernode"),
        ("b", KEYS[1:2], "", "needs a name"),
    ],
)
def test_splits_that_make_no_sense(name: str, members: list[NodeKey], new: str, words: str) -> None:
    with pytest.raises(AnnotationError, match=words):
        SplitSupernode(name, tuple(members), new).patch(grouped())

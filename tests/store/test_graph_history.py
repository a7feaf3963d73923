"""Edits of a graph: kept, undone, shared, merged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_graphs import ADA, ANONYMOUS, BOB, GRAPH, KEYS, MACHINE, OTHER_PROMPT, SET

from graphlabel.annotation import (
    Annotations,
    Group,
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
    Supernode,
    TakeOver,
    TogglePin,
    Ungroup,
)
from graphlabel.errors import AnnotationError, StoreError
from graphlabel.graph import AttributionGraph, FeatureKey, GraphSource, NodeKey, NodeKind
from graphlabel.store import GraphHistory, LabelFilter, LabelState, Outcome, Store

Open = Callable[[], Store]
EMPTY = Annotations()


def opened(store: Store, author: str = "ada", graph: AttributionGraph = GRAPH, file: Annotations = EMPTY) -> GraphHistory:  # fmt: skip
    return store.history(graph, file, "slug", author)


def titles(history: GraphHistory) -> list[str]:
    return [edit.title for edit in history.done]


def text(history: GraphHistory, place: int = 0) -> str | None:
    label = history.annotations.label_of(KEYS[place])
    return label.text if label else None


def test_edits_and_undo_survive_a_restart(open_store: Open) -> None:
    history = opened(open_store())
    for command in (SetLabel(KEYS[:1], "one", ADA), Group("g", KEYS[1:2]), SetLabel(KEYS[:1], "two", ADA)):  # fmt: skip
        assert history.do(command)
    assert history.undo()
    again = opened(open_store())
    assert again.annotations == history.annotations
    assert (again.done, again.undone) == (history.done, history.undone)
    assert again.redo()
    assert text(again) == "two"
    assert opened(open_store()).annotations == again.annotations
    assert again.undo()
    assert again.do(SetLabel(KEYS[2:3], "other", ADA))
    assert opened(open_store()).undone == ()


def test_undo_has_no_limit(open_store: Open) -> None:
    history = opened(open_store())
    for number in range(60):
        history.do(SetLabel(KEYS[number % 6 : number % 6 + 1], f"label {number}", ADA))
    again = opened(open_store())
    for _ in range(60):
        assert again.undo()
    assert again.undo() is None
    assert again.annotations == EMPTY
    last = opened(open_store())
    for _ in range(60):
        assert last.redo()
    assert last.redo() is None
    assert last.annotations == history.annotations


def test_an_edit_undone_after_the_file_was_saved_stays_undone(open_store: Open) -> None:
    of_file = Annotations(labels={KEYS[0]: Label("from the file")}, notes={KEYS[1]: "a note"})
    history = opened(open_store(), file=of_file)
    history.do(SetLabel(KEYS[:1], "one", ADA))
    history.do(SetLabel(KEYS[:1], "two", ADA))
    history.do(SetNote(KEYS[1], ""))
    saved = history.annotations
    for _ in range(3):
        history.undo()
    assert opened(open_store(), file=saved).annotations == of_file
    assert history.redo()
    assert text(opened(open_store(), file=saved)) == "one"


def test_a_removed_label_stays_removed(open_store: Open) -> None:
    of_file = Annotations(labels={KEYS[0]: Label("from the file")})
    history = opened(open_store(), file=of_file)
    history.do(SetLabel(KEYS[:1], "", ADA))
    assert text(history) is None
    assert text(opened(open_store(), file=of_file)) is None
    history.undo()
    assert text(opened(open_store(), file=of_file)) == "from the file"


def test_a_label_of_a_feature_is_seen_in_the_other_prompts_graphs(open_store: Open) -> None:
    here, there = opened(open_store()), opened(open_store(), "bob", OTHER_PROMPT)
    here.do(SetLabel(KEYS[:1], "everywhere", ADA, Scope.FEATURE))
    here.do(SetLabel(KEYS[1:2], "only here", ADA))
    news = there.refresh()
    assert news
    assert [edit.author for edit in news.edits] == ["ada"]
    assert (text(there), text(there, 1)) == ("everywhere", None)
    assert opened(open_store(), graph=OTHER_PROMPT).annotations == there.annotations
    here.undo()
    here.undo()
    assert there.refresh()
    assert text(there) is None
    assert opened(open_store(), graph=OTHER_PROMPT).annotations == there.annotations


def test_a_file_saved_with_a_shared_label_follows_its_undo(open_store: Open) -> None:
    here, there = opened(open_store()), opened(open_store(), "bob", OTHER_PROMPT)
    here.do(SetLabel(KEYS[:1], "everywhere", ADA, Scope.FEATURE))
    there.refresh()
    saved = there.annotations
    here.undo()
    assert text(opened(open_store(), graph=OTHER_PROMPT, file=saved)) is None


def test_without_transcoders_a_label_stays_in_its_graph(open_store: Open) -> None:
    history = opened(open_store(), graph=ANONYMOUS)
    history.do(SetLabel(KEYS[:1], "here", ADA, Scope.FEATURE))
    assert text(opened(open_store(), graph=ANONYMOUS)) == "here"
    assert text(opened(open_store())) is None


def test_a_copy_that_does_not_name_the_transcoders_is_the_same_graph(open_store: Open) -> None:
    nameless = replace(GRAPH, source=GraphSource())
    history = opened(open_store(), graph=nameless)
    history.do(SetLabel(KEYS[:1], "before", ADA, Scope.FEATURE))
    assert history.transcoder_set is None
    named = opened(open_store())
    assert text(named) == "before"
    assert text(opened(open_store(), graph=OTHER_PROMPT)) == "before"
    named.do(SetLabel(KEYS[1:2], "after", ADA, Scope.FEATURE))
    again = opened(open_store(), graph=nameless)
    assert again.transcoder_set == SET
    assert (text(again), text(again, 1)) == ("before", "after")


def test_a_shared_label_gives_way_to_better_ones_of_the_file(open_store: Open) -> None:
    feature = KEYS[0].feature_key
    history = opened(open_store())
    history.do(SetLabel(KEYS[:1], "counted", MACHINE, Scope.FEATURE))
    later = Provenance(Origin.PERSON, "bob", time="2026-02-01T00:00:00Z")
    for made, expected in (
        (ADA, "of the file"),
        (Provenance(Origin.FILE), "of the file"),
        (Provenance(Origin.MACHINE, method="older", time="2025-01-01T00:00:00Z"), "counted"),
    ):
        file = Annotations(labels={feature: Label("of the file", Scope.FEATURE, made)})
        assert text(opened(open_store(), graph=OTHER_PROMPT, file=file)) == expected
    history.do(SetLabel(KEYS[:1], "a person's", ADA, Scope.FEATURE))
    newer = Annotations(labels={feature: Label("newer", Scope.FEATURE, later)})
    assert text(opened(open_store(), graph=OTHER_PROMPT, file=newer)) == "newer"
    machine = Annotations(labels={feature: Label("counted again", Scope.FEATURE, MACHINE)})
    assert text(opened(open_store(), graph=OTHER_PROMPT, file=machine)) == "a person's"


def test_a_machine_never_overwrites_a_person(open_store: Open) -> None:
    one, two = opened(open_store()), opened(open_store(), "bob")
    one.do(SetLabel(KEYS[:1], "mine", ADA))
    # two has not seen it
    assert two.do(SetLabel(KEYS[:1], "counted", MACHINE)) is None
    assert text(two) == text(opened(open_store())) == "mine"


def test_two_people_undo_their_own_edits(open_store: Open) -> None:
    ada, bob = opened(open_store()), opened(open_store(), "bob")
    ada.do(SetLabel(KEYS[:1], "a", ADA))
    bob.do(SetLabel(KEYS[1:2], "b", BOB))
    ada.do(Group("ada's", KEYS[:1]))
    bob.do(Group("bob's", KEYS[1:3]))
    bob.do(TogglePin(KEYS[4:5]))
    assert titles(ada) == ["label “a”", "group “ada's”"]
    assert ada.undo()
    assert ada.annotations.supernodes == (Supernode("bob's", KEYS[1:3]),)
    assert ada.annotations.pinned == (KEYS[1], KEYS[2], KEYS[4])
    assert ada.undo()
    assert ada.undo() is None
    assert (text(ada), text(ada, 1)) == (None, "b")
    bob.refresh()
    assert bob.annotations == ada.annotations == opened(open_store()).annotations
    assert ada.redo()
    assert ada.redo()
    assert {group.name for group in ada.annotations.supernodes} == {"ada's", "bob's"}
    assert opened(open_store(), "bob").annotations == ada.annotations


def test_edits_that_meet_are_both_told_and_kept(open_store: Open) -> None:
    ada, bob = opened(open_store()), opened(open_store(), "bob")
    ada.do(SetLabel(KEYS[:1], "a", ADA))
    ada.do(SetNote(KEYS[1], "ada's note"))
    bob.do(SetLabel(KEYS[:1], "b", BOB))
    bob.do(SetLabel(KEYS[2:3], "nobody else's", BOB))
    told = bob.refresh()
    assert told
    (his,) = told.conflicts
    assert (his.yours, his.theirs, his.author, his.outcome) == ("b", "a", "ada", Outcome.YOURS_STANDS)  # fmt: skip
    heard = ada.refresh()
    assert heard
    (hers,) = heard.conflicts
    assert (hers.yours, hers.theirs, hers.author, hers.outcome) == ("a", "b", "bob", Outcome.THEIRS_STANDS)  # fmt: skip
    assert "bob wrote “b” over your “a” at the same time" in str(hers)
    assert ada.refresh() is None
    lost, won = open_store().label_history(LabelFilter(target=KEYS[0]))
    assert (lost.state, lost.label.text) == (LabelState.PAST, "a")
    assert (won.state, won.overtook) == (LabelState.CURRENT, lost.id)


def test_an_edit_made_after_seeing_the_other_is_no_conflict(open_store: Open) -> None:
    ada, bob = opened(open_store()), opened(open_store(), "bob")
    ada.do(SetLabel(KEYS[:1], "a", ADA))
    assert bob.has_news()
    bob.refresh()
    assert not bob.has_news()
    bob.do(SetLabel(KEYS[:1], "b", BOB))
    assert bob.refresh() is None
    news = ada.refresh()
    assert news
    assert [edit.title for edit in news.edits] == ["label “b”"]
    assert news.conflicts == ()


def test_undoing_what_another_changed_since_leaves_theirs(open_store: Open) -> None:
    ada, bob = opened(open_store()), opened(open_store(), "bob")
    ada.do(Several("both", [SetLabel(KEYS[:1], "a", ADA), SetNote(KEYS[0], "a's"), SetNote(KEYS[1], "a's")]))  # fmt: skip
    bob.refresh()
    bob.do(SetLabel(KEYS[:1], "b", BOB))
    bob.do(SetNote(KEYS[0], "b's"))
    ada.undo()
    assert text(ada) == "b"
    assert ada.annotations.notes == {KEYS[0]: "b's"}
    news = ada.refresh()
    assert news
    assert {(each.theirs, each.outcome) for each in news.conflicts} == {
        ("b", Outcome.NOT_TAKEN_BACK),
        ("b's", Outcome.NOT_TAKEN_BACK),
    }
    bob.undo()
    bob.undo()
    assert text(opened(open_store())) is None


def test_two_windows_of_one_person_share_the_undo_list(open_store: Open) -> None:
    one, two = opened(open_store()), opened(open_store())
    one.do(SetLabel(KEYS[:1], "first", ADA))
    two.do(SetLabel(KEYS[1:2], "second", ADA))
    edit = one.undo()
    assert edit
    assert edit.title == "label “second”"


def test_an_edit_that_makes_no_sense_any_more_is_refused(open_store: Open) -> None:
    ada, bob = opened(open_store()), opened(open_store(), "bob")
    ada.do(Group("g", KEYS[:1]))
    bob.refresh()
    ada.do(RenameSupernode("g", "h"))
    with pytest.raises(AnnotationError, match="no supernode"):
        bob.do(RenameSupernode("g", "i"))
    assert titles(opened(open_store(), "bob")) == []


def test_texts_no_database_takes_are_made_storable(open_store: Open) -> None:
    graph = OTHER_PROMPT
    history = open_store().history(graph, EMPTY, "slug \ud800 \0", "ad\0a\udc00")
    history.do(SetNote(KEYS[0], "NUL \0 and half a pair \ud800 and 😀"))
    again = open_store().history(graph, EMPTY, "slug", "ad\0a\udc00")
    assert again.annotations == history.annotations
    assert len(again.done) == 1


def test_hostile_labels_of_a_file_are_stored(open_store: Open) -> None:
    made = Provenance(Origin.FILE, "au\0\udc00", "me\0thod", "model \0", "2026" * 40)
    huge = NodeKey(NodeKind.FEATURE, 2**70, 2**80, 1)
    file = Annotations(labels={huge: Label("huge"), FeatureKey(0, 2**80): Label("huge", Scope.FEATURE)})  # fmt: skip
    history = opened(open_store(), file=file)
    taken = replace(file, labels={**file.labels, KEYS[0]: Label("NUL \0 \ud800", provenance=made)})
    assert history.do(TakeOver("apply the link", taken))
    label = opened(open_store(), file=file).annotations.label_of(KEYS[0])
    assert label
    assert label.provenance == made
    with pytest.raises(StoreError, match="too large"):
        history.do(SetLabel((huge,), "x", ADA))
    assert opened(open_store(), file=file).annotations.labels[huge].text == "huge"


def test_nodes_of_other_graphs_are_no_conflict(open_store: Open) -> None:
    here, there = opened(open_store()), opened(open_store(), "bob", OTHER_PROMPT)
    here.do(SetLabel(KEYS[:1], "mine", ADA))
    here.do(SetNote(KEYS[0], "mine"))
    there.do(Several("both", [SetLabel(KEYS[:1], "theirs", BOB), SetLabel(KEYS[1:2], "shared", BOB, Scope.FEATURE), SetNote(KEYS[0], "theirs")]))  # fmt: skip
    news = here.refresh()
    assert news
    assert news.conflicts == ()
    assert (text(here), text(here, 1), here.annotations.notes) == ("mine", "shared", {KEYS[0]: "mine"})  # fmt: skip


def test_labels_of_any_node_are_kept(open_store: Open) -> None:
    history = opened(open_store())
    history.do(SetReview(KEYS[:2], Review.ACCEPTED))
    history.do(Ungroup(KEYS[:1]))
    assert opened(open_store()).annotations.reviews == dict.fromkeys(KEYS[:2], Review.ACCEPTED)


TEXTS = st.sampled_from(["", "x", "y", "z"])
SCOPES = st.sampled_from(list(Scope))
NODES = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True).map(tuple)
ORIGINS = st.sampled_from([Origin.PERSON, Origin.MACHINE])
COMMANDS = st.one_of(
    st.tuples(st.just("label"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("note"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("group"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("ungroup"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("pin"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("undo"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("redo"), NODES, TEXTS, SCOPES, ORIGINS),
    st.tuples(st.just("look"), NODES, TEXTS, SCOPES, ORIGINS),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=st.lists(st.tuples(st.sampled_from(["ada", "bob"]), COMMANDS), max_size=25))
def test_whatever_two_people_do_everybody_sees_the_same(tmp_path_factory, script) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("store") / "annotations.db"
    file = Annotations(labels={KEYS[0]: Label("of the file"), FeatureKey(0, 1): Label("of the file", Scope.FEATURE)})  # fmt: skip
    stores = [Store(path) for _ in range(3)]
    people = {name: opened(store, name, file=file) for name, store in zip(("ada", "bob"), stores, strict=False)}  # fmt: skip
    elsewhere = opened(stores[2], "eve", OTHER_PROMPT)
    for author, (what, nodes, words, scope, origin) in script:
        history = people[author]
        made = Provenance(origin, author, time="2026-01-01T00:00:00Z")
        commands = {
            "label": SetLabel(nodes, words, made, scope),
            "note": SetNote(nodes[0], words),
            "group": Group(words or "g", nodes),
            "ungroup": Ungroup(nodes),
            "pin": TogglePin(nodes),
        }
        if what in commands:
            history.do(commands[what])
        else:
            {"undo": history.undo, "redo": history.redo, "look": history.refresh}[what]()
        if what == "label":
            elsewhere.do(SetLabel(nodes, f"{words} elsewhere", made, scope))
    for history in (*people.values(), elsewhere):
        history.refresh()
    fresh = opened(stores[0], "ada", file=file)
    assert people["ada"].annotations == people["bob"].annotations == fresh.annotations
    assert people["ada"].done == fresh.done
    assert elsewhere.annotations == opened(stores[2], "eve", OTHER_PROMPT).annotations
    persons = list(fresh.annotations.labels.values())
    assert all(each.text for each in persons)
    for store in stores:
        store.close()


def test_the_set_is_kept_with_the_label(store: Store) -> None:
    opened(store).do(SetLabel(KEYS[:1], "x", ADA, Scope.FEATURE))
    (label,) = store.labels(LabelFilter(transcoder_set=SET))
    assert (label.transcoder_set, label.target) == (SET, FeatureKey(0, 0))

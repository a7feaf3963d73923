"""Opening stores, old ones too; adding and finding labels."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from postgres_server import PostgresServer
from small_graphs import ADA, ANONYMOUS, BOB, GRAPH, KEYS, MACHINE, OTHER_PROMPT, REPRUNED, SET
from sqlalchemy import inspect, select

from graphlabel.annotation import (
    Annotations,
    CarryOver,
    FeatureClass,
    Group,
    Label,
    Origin,
    Provenance,
    Review,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    Supernode,
    TogglePin,
)
from graphlabel.errors import StoreError
from graphlabel.graph import FeatureKey, graph_key
from graphlabel.records import TranscoderSet
from graphlabel.store import (
    STORE_VARIABLE,
    LabelFilter,
    LabelState,
    NewLabel,
    Outcome,
    Store,
    is_absent,
    store_place,
)
from graphlabel.store.schema import LABELS, METADATA
from graphlabel.store.words import lexeme_match

Open = Callable[[], Store]
FILE = Annotations(labels={KEYS[5]: Label("of the file")})


@pytest.fixture
def first_store(tmp_path: Path) -> Path:
    """A store as the first program made it, from its dump."""
    path = tmp_path / "first.db"
    connection = sqlite3.connect(path)
    connection.executescript(Path(__file__).with_name("first_store.sql").read_text("utf-8"))
    connection.close()
    return path


# Opening


def test_a_store_of_the_first_program_keeps_everything(first_store: Path) -> None:
    store = Store(first_store)
    history = store.history(GRAPH, FILE, "first", "ada")
    now = history.annotations
    assert {key: label.text for key, label in now.labels.items()} == {
        KEYS[0]: "one",
        FeatureKey(0, 1): "everywhere",
    }
    assert now.supernodes == (Supernode("group “ü”", KEYS[:2]),)
    assert now.pinned == (KEYS[0], KEYS[1], KEYS[4])
    assert (now.notes, now.reviews) == ({KEYS[2]: "a note"}, {KEYS[0]: Review.ACCEPTED})
    assert [edit.title for edit in history.done] == [
        "label “one”", "label “everywhere”", "remove label", "group “group “ü””", "mark accepted", "pin",
    ]  # fmt: skip
    assert [edit.title for edit in store.history(GRAPH, FILE, "first", "bob").done] == ["note on L0 #2 @1"]  # fmt: skip
    assert history.redo()
    assert history.redo()
    assert history.redo() is None
    assert history.annotations.labels[KEYS[3]].text == "undone"
    assert history.annotations.notes[KEYS[3]] == "undone too"
    for _ in range(8):
        assert history.undo()
    assert history.annotations == replace(FILE, notes={KEYS[2]: "a note"})
    other = store.history(OTHER_PROMPT, Annotations(), "second", "bob")
    assert other.annotations.labels[KEYS[0]].text == "there"
    mistakes = store.label_history(LabelFilter(target=KEYS[0]))
    assert [(label.label.text, label.state) for label in mistakes if label.graph == graph_key(GRAPH)] == [
        ("one", LabelState.UNDONE), ("mistake", LabelState.UNDONE),
    ]  # fmt: skip
    store.close()


def test_labels_of_the_first_program_are_shared_once_their_set_is_known(first_store: Path) -> None:
    store = Store(first_store)
    there = store.history(OTHER_PROMPT, Annotations(), "second", "bob")
    assert FeatureKey(0, 1) not in there.annotations.labels
    store.history(GRAPH, FILE, "first", "ada")
    there = store.history(OTHER_PROMPT, Annotations(), "second", "bob")
    assert there.annotations.labels[FeatureKey(0, 1)].text == "everywhere"
    assert [label.label.text for label in store.labels(LabelFilter(words="every"))] == [
        "everywhere"
    ]
    store.close()


def test_the_migrations_make_the_tables_of_today(store: Store) -> None:
    found = inspect(store.engine)
    for table in METADATA.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        names = {index["name"] for index in found.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= names


def test_a_newer_store_is_refused_politely(store: Store, place: str) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO migrations VALUES ('9999_future', 'now')")
    with pytest.raises(StoreError, match=r"newer graphlabel.*update graphlabel"):
        Store(place)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is not a database at all, not even nearly" * 50)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)
    assert path.read_bytes().startswith(b"this is not")
    path.write_bytes(b"x")
    with pytest.raises(StoreError, match="not a database"):
        Store(path)
    assert path.read_bytes() == b"x"
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        Store(tmp_path / "file" / "a.db")


@pytest.mark.parametrize("address", ["mysql://host/store", "sqlite://", "postgresql://h:port/x", "nonsense://"])  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(StoreError, match="postgresql://USER@HOST/DATABASE"):
        Store(address)


def test_a_server_that_is_not_there_is_said_so_without_the_password() -> None:
    if PostgresServer.missing().startswith("psycopg"):
        pytest.skip(PostgresServer.missing())
    with pytest.raises(StoreError, match=r"postgresql://ada:\*\*\*@127.0.0.1:1/x cannot be reached") as told:  # fmt: skip
        Store("postgresql://ada:secret@127.0.0.1:1/x")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STORE_VARIABLE, "postgresql://ada@host/team")
    assert store_place() == "postgresql://ada@host/team"
    assert store_place("mine.db") == Path("mine.db")
    monkeypatch.delenv(STORE_VARIABLE)
    assert str(store_place()).endswith("annotations.db")
    assert is_absent(tmp_path / "none.db")
    assert not is_absent("postgresql://ada@host/team")


# Adding and finding


def new(feature: int, text: str, made: Provenance = MACHINE, **more: object) -> NewLabel:
    given = {"transcoder_set": SET, **more}
    return NewLabel(FeatureKey(0, feature), Label(text, Scope.FEATURE, made), **given)  # type: ignore[arg-type]


def texts(store: Store, wanted: LabelFilter | None = None) -> list[str]:
    return sorted(label.label.text for label in store.labels(wanted))


def test_added_labels_reach_open_graphs_and_never_hide_a_persons(open_store: Open) -> None:
    store = open_store()
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    history.do(SetLabel(KEYS[:1], "mine", ADA, Scope.FEATURE))
    report = open_store().add_labels(
        [new(0, "counted"), new(1, "counted too"), new(2, "a file's", Provenance(Origin.FILE))],
        author="bob", title="import",
    )  # fmt: skip
    assert (report.added, report.known, report.outranked) == (3, 0, 1)
    news = history.refresh()
    assert news
    assert [edit.title for edit in news.edits] == ["import"]
    shown = [history.annotations.label_of(key) for key in KEYS[:3]]
    assert [label.text if label else "" for label in shown] == ["mine", "counted too", "a file's"]
    assert history.annotations == store.history(GRAPH, Annotations(), "slug").annotations
    assert [edit.title for edit in history.done] == ["label “mine”"]
    history.undo()
    label = history.annotations.label_of(KEYS[0])
    assert label
    assert label.text == "counted"


def test_adding_again_adds_nothing(store: Store) -> None:
    labels = [new(number, f"label {number}") for number in range(20)]
    assert store.add_labels(labels, author="a", title="import").added == 20
    report = store.add_labels([*labels, new(3, "another")], author="a", title="import")
    assert (report.added, report.known) == (1, 20)
    assert len(store.label_history(LabelFilter(feature=FeatureKey(0, 3)))) == 2


def test_what_cannot_be_kept_is_counted_and_loses_nothing_else(store: Store) -> None:
    report = store.add_labels(
        [
            new(0, "good"),
            new(1, " \u202e "),
            new(2, "whose?", transcoder_set=None),
            NewLabel(KEYS[0], Label("where?")),
            new(2**70, "huge"),
        ],
        author="a",
        title="import",
    )
    assert report.added == 1
    assert report.refused == {
        "it says nothing": 1,
        "its transcoder set is not known": 1,
        "it is of one occurrence and names no graph": 1,
        "its feature's number is too large": 1,
    }


@pytest.mark.parametrize("extension", [True, False])
def test_search_finds_every_part_of_a_word(store: Store, extension: bool) -> None:
    if not extension:
        if store.engine.dialect.name == "sqlite":
            pytest.skip("SQLite's index is its own")
        with store.engine.begin() as connection:
            connection.exec_driver_sql("DROP INDEX ix_labels_text")
    found = [
        "Austin, Texas",
        "capital cities",
        "50% off_sale",
        "Äpfel und ÖL",
        "東京の地名",
        'say "hi"',
        "it's \\d+",
    ]
    store.add_labels([new(n, text) for n, text in enumerate(found)], author="a", title="import")
    for words, expected in {
        "austin": ["Austin, Texas"], "TEX": ["Austin, Texas"], "ustin exas": ["Austin, Texas"],
        "ti": ["Austin, Texas", "capital cities"][1:], "0% f_s": ["50% off_sale"], "%": ["50% off_sale"],
        "äpfel": ["Äpfel und ÖL"], "öl": ["Äpfel und ÖL"], "地名": ["東京の地名"], "京の地": ["東京の地名"],
        '"hi"': ['say "hi"'], '"': ['say "hi"'], "zz": [], "q": [], "al ti": ["capital cities"], "hi zz": [],
        "名": ["東京の地名"], "li": [], "il": [], "ÖL": ["Äpfel und ÖL"], "x": ["Austin, Texas"], "s,": [],
        "'s": ["it's \\d+"], "\\": ["it's \\d+"], "\\d+": ["it's \\d+"], ":*": [], "it's": ["it's \\d+"], "' & 'a": [],
 "AND OR": [], "austin paris": [], "": sorted(found),
    }.items():  # fmt: skip
        if words == "ti":
            expected = ["Austin, Texas", "capital cities"]
        assert texts(store, LabelFilter(words=words)) == sorted(expected), words


def test_a_server_finds_short_words_by_its_index(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    with Store(place) as store, store.engine.begin() as older:
        older.exec_driver_sql("DROP INDEX ix_labels_trigrams")
        older.exec_driver_sql("DROP FUNCTION label_trigrams")
        older.exec_driver_sql("DELETE FROM migrations WHERE name = '0005_short_words_on_servers'")
    with Store(place) as store:
        labels = [new(n, f"label {n}" + " xq" * (n % 1500 == 0)) for n in range(3000)]
        store.add_labels(labels, author="a", title="import")
        assert texts(store, LabelFilter(words="x")) == ["label 0 xq", "label 1500 xq"]
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE labels")
            for word in ("x", "xq"):
                condition = lexeme_match(connection, [word])
                assert condition is not None
                query = select(LABELS.c.id).where(condition).compile(connection)
                plan = connection.exec_driver_sql(f"EXPLAIN {query}", query.params)
                assert "ix_labels_trigrams" in " ".join(plan.scalars())


def test_filters(store: Store) -> None:
    other = TranscoderSet("small", "others")
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    history.do(SetLabel(KEYS[:1], "occurrence", ADA))
    history.do(SetLabel(KEYS[:1], "past", ADA, Scope.FEATURE))
    history.do(SetLabel(KEYS[:1], "feature", BOB, Scope.FEATURE))
    store.add_labels([new(1, "machine"), new(1, "of others", transcoder_set=other)], author="a", title="i")  # fmt: skip
    for wanted, expected in (
        (LabelFilter(), ["feature", "machine", "of others"]),
        (LabelFilter(transcoder_set=SET), ["feature", "machine"]),
        (LabelFilter(transcoder_set=replace(SET, model="org/small")), ["feature", "machine"]),
        (LabelFilter(transcoder_set=other), ["of others"]),
        (LabelFilter(scope=Scope.OCCURRENCE, state=None), ["", "occurrence"]),
        (LabelFilter(graph=graph_key(GRAPH)), ["feature"]),
        (LabelFilter(author="ada", state=None), ["", "occurrence", "past"][1:]),
        (LabelFilter(origin=Origin.MACHINE), ["machine", "of others"]),
        (LabelFilter(method="token_count", feature=FeatureKey(0, 1)), ["machine", "of others"]),
        (LabelFilter(state=LabelState.PAST), ["occurrence", "past"]),
        (LabelFilter(target=FeatureKey(0, 0)), ["feature"]),
    ):
        found = [text for text in texts(store, wanted) if text or "" in expected]
        assert found == expected, wanted
    assert [label.label.text for label in store.labels(limit=2)] == ["of others", "machine"]


def test_labels_come_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from graphlabel.store import adding, queries

    monkeypatch.setattr(adding, "_BATCH", 7)
    monkeypatch.setattr(queries, "_BATCH", 4)
    labels = [new(number, f"label {number:02}") for number in range(30)]
    assert store.add_labels(iter(labels), author="a", title="import").added == 30
    assert texts(store) == [f"label {number:02}" for number in range(30)]
    assert len(list(store.labels(limit=9))) == 9


def test_every_annotators_last_word(store: Store) -> None:
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    history.do(SetLabel(KEYS[:1], "first", ADA, Scope.FEATURE))
    history.do(SetLabel(KEYS[:1], "second", ADA, Scope.FEATURE))
    history.do(SetLabel(KEYS[:1], "taken back", ADA, Scope.FEATURE))
    history.undo()
    bob = store.history(OTHER_PROMPT, Annotations(), "other", "bob")
    bob.do(SetLabel(KEYS[:1], "bob's", BOB, Scope.FEATURE))
    bob.do(SetLabel(KEYS[1:2], "removed", BOB, Scope.FEATURE))
    bob.do(SetLabel(KEYS[1:2], "", BOB))
    judged = new(0, "", replace(ADA, author="eve"), feature_class=FeatureClass.INPUT)
    store.add_labels([new(0, "counted"), judged], author="a", title="import")
    said = {each.annotator: (each.label.text, each.feature_class) for each in store.latest_by_annotator()}  # fmt: skip
    assert said == {
        "ada": ("second", None),
        "bob": ("bob's", None),
        "token_count": ("counted", None),
        "eve": ("", FeatureClass.INPUT),
    }
    label = bob.annotations.label_of(KEYS[0])
    assert label
    assert label.text == "bob's", "a class alone hides no label"


# Carrying over


def test_another_prunings_annotations_are_carried_over(open_store: Open) -> None:
    store = open_store()
    old = store.history(GRAPH, Annotations(), "first", "ada")
    for command in (
        SetLabel(KEYS[:1], "fits", ADA), SetLabel(KEYS[5:6], "pruned", ADA),
        SetLabel(KEYS[1:2], "shared", ADA, Scope.FEATURE), SetNote(KEYS[1], "a note"),
        SetReview(KEYS[4:5], Review.REJECTED), Group("half", (KEYS[2], KEYS[5])), TogglePin(KEYS[4:5]),
    ):  # fmt: skip
        old.do(command)
    new_one = open_store().history(REPRUNED, Annotations(), "second", "bob")
    (offer,) = new_one.offers()
    assert (offer.slug, offer.nodes, offer.edits) == ("first", 6, 7)
    report = new_one.carry_over(new_one.carrying(offer), offer.key)
    assert (report.labels, report.notes, report.reviews, report.supernodes, report.kept) == (1, 1, 0, 1, 0)  # fmt: skip
    assert report.lost == (
        "label of L0 #5 @1: “pruned”",
        "review of L0 #4 @1: rejected",
        "supernode “half”: without L0 #5 @1",
        "pin on L0 #5 @1",
        "pin on L0 #4 @1",
    )
    now = new_one.annotations
    assert [now.label_of(key).text for key in KEYS[:2]] == ["fits", "shared"]  # type: ignore[union-attr]
    assert now.supernodes == (Supernode("half", KEYS[2:3]),)
    assert new_one.offers() == []
    assert open_store().history(REPRUNED, Annotations(), "second", "bob").annotations == now
    assert new_one.undo()
    assert new_one.annotations.notes == {}
    assert new_one.offers() == []


def test_what_is_not_the_same_prompt_and_set_is_not_offered(store: Store) -> None:
    store.history(OTHER_PROMPT, Annotations(), "other", "ada").do(SetNote(KEYS[0], "x"))
    store.history(ANONYMOUS, Annotations(), "nameless", "ada").do(SetNote(KEYS[0], "x"))
    others = replace(
        GRAPH, source=replace(GRAPH.source, transcoders_revision="r2"), nodes=GRAPH.nodes[1:]
    )
    store.history(others, Annotations(), "another set", "ada").do(SetNote(KEYS[1], "x"))
    history = store.history(REPRUNED, Annotations(), "mine", "ada")
    assert history.offers() == []
    store.history(GRAPH, Annotations(), "first", "ada").do(SetNote(KEYS[0], "x"))
    assert [offer.slug for offer in history.offers()] == ["first"]
    history.decline()
    assert store.history(REPRUNED, Annotations(), "mine", "ada").offers() == []
    assert [graph.slug for graph in store.graphs()] == ["first", "another set", "nameless", "other"]


def test_carrying_over_keeps_what_is_there() -> None:
    here = Annotations(
        labels={
            KEYS[0]: Label("mine", provenance=ADA),
            KEYS[1]: Label("counted", provenance=MACHINE),
        },
        notes={KEYS[0]: "mine"},
        supernodes=(Supernode("g", KEYS[:1]),),
    )
    old = Annotations(
        labels={key: Label("old", provenance=BOB) for key in KEYS[:3]},
        notes={KEYS[0]: "old"},
        supernodes=(Supernode("g", KEYS[1:2]), Supernode("h", (KEYS[0], KEYS[2]))),
    )
    command = CarryOver(old, frozenset(KEYS[:3]), "old")
    now = command.patch(here).apply(here)
    assert [now.labels[key].text for key in KEYS[:3]] == ["mine", "old", "old"]
    assert now.notes == {KEYS[0]: "mine"}
    assert now.supernodes == (Supernode("g", KEYS[:2]), Supernode("h", KEYS[2:3]))
    report = command.report(here)
    assert (report.labels, report.kept, report.lost) == (2, 2, ())


def test_both_outcomes_read_as_sentences() -> None:
    assert all("{who}" in outcome.value for outcome in Outcome)


@pytest.mark.parametrize("back", [False, True])
def test_a_store_is_moved_whole(postgres: PostgresServer, tmp_path: Path, back: bool) -> None:
    """From a file to a server or back; work goes on there."""
    places = [str(tmp_path / "file.db"), postgres.new_database()]
    first, second = reversed(places) if back else places
    with Store(first) as old, Store(second) as moved:
        history = old.history(GRAPH, Annotations(), "slug", "ada")
        for command in (SetLabel(KEYS[:1], "one", ADA, Scope.FEATURE), Group("g", KEYS[:2]), SetNote(KEYS[0], "n")):  # fmt: skip
            history.do(command)
        history.undo()
        old.add_labels([new(3, "counted")], author="a", title="import")
        rows = old.copy_to(moved)
        assert rows == {"transcoder_sets": 1, "graphs": 1, "edits": 5, "labels": 2}
        again = moved.history(GRAPH, Annotations(), "slug", "ada")
        history.refresh()
        assert again.annotations == history.annotations
        assert (again.done, again.undone) == (history.done, history.undone)
        assert again.do(SetLabel(KEYS[1:2], "two", ADA))
        assert texts(moved) == ["counted", "one", "two"]
        assert texts(moved, LabelFilter(words="ount")) == ["counted"]
        with pytest.raises(StoreError, match="not empty"):
            old.copy_to(moved)

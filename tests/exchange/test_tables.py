"""Tables of labels: read as spreadsheets write them, written so that they come back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import FeatureClass, Label, Origin, Provenance, Scope
from graphlabel.exchange import Given, Refusal, row_of_label, write_csv, write_json_lines
from graphlabel.exchange.rows import COLUMNS
from graphlabel.exchange.tables import is_table, read_csv, read_json_lines
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store import LabelState, NewLabel, StoredLabel

OWNER = TranscoderSet("gemma-2-2b", "clt-hp")
HERE = Given(OWNER, "graph-key")


def labels(text: str, given: Given = HERE) -> list[NewLabel]:
    found = list(read_csv(text, "t.csv", given))
    assert all(isinstance(each, NewLabel) for each in found), found
    return [each for each in found if isinstance(each, NewLabel)]


def refused(text: str) -> list[tuple[str, str]]:
    return [tuple(each) for each in read_csv(text, "t.csv", HERE) if isinstance(each, Refusal)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "names", [("layer", "feature", "label"), ("Layer", "Index", "Description")]
)
def test_headers_and_delimiters_of_many_tools(delimiter: str, names: tuple[str, ...]) -> None:
    text = "\r\n".join(delimiter.join(row) for row in (names, ("2", "7.0", "Texas"), ("", "", "")))
    assert is_table(text)
    (found,) = labels(text)
    assert (found.target, found.label.text) == (FeatureKey(2, 7), "Texas")
    assert (found.transcoder_set, found.label.scope) == (OWNER, Scope.FEATURE)


def test_one_bad_row_never_loses_the_others() -> None:
    rows = ["layer,feature,label,class", "1,1,a,", "x,1,b,", '1,2,"open,', "1,3,c,", "1,,d,", '1,4,"e"f,',
            "1,5,,", "1,6,g,odd", "1,-7,h,", "1,99999999999999999999,i,", "1", "2,8,j,input"]  # fmt: skip
    found = list(read_csv("\n".join(rows), "t.csv", HERE))
    kept = [each.target for each in found if isinstance(each, NewLabel)]
    assert kept == [FeatureKey(1, 1), FeatureKey(1, 3), FeatureKey(2, 8)]
    assert refused("\n".join(rows)) == [
        ("t.csv:3", "its layer is no whole number of ordinary size"),
        ("t.csv:4", "its quotes do not close"),
        ("t.csv:6", "it has no feature"),
        ("t.csv:7", "its quotes do not close"),
        ("t.csv:8", "it has no label"),
        ("t.csv:9", "its class is none of input, output, cross, obscure"),
        ("t.csv:10", "its layer or feature is negative"),
        ("t.csv:11", "its feature is no whole number of ordinary size"),
        ("t.csv:12", "it has no label"),
    ]


def test_a_cell_of_a_megabyte_is_a_cell() -> None:
    (found,) = labels(f"layer,feature,label\n1,2,{'x' * 1_000_000}\n")
    assert len(found.label.text) == 1_000_000
    assert csv.field_size_limit() < 1_000_000


def test_a_row_s_own_set_wins() -> None:
    text = (
        "layer,feature,label,model,source_set\n20-gemmascope-res-16k,1,a,,\n3,1,b,m,s\n3,1,c,,s\n"
    )
    assert [each.transcoder_set for each in labels(text)] == [
        TranscoderSet("gemma-2-2b", "gemmascope-res-16k"),
        TranscoderSet("m", "s"),
        TranscoderSet("gemma-2-2b", "s"),
    ]


def test_a_position_means_an_occurrence() -> None:
    text = "layer,feature,position,kind,label,scope\n1,2,3,,a,\n1,2,,,b,\n0,9,4,token,c,\n1,2,3,,d,feature\n"
    assert [each.target for each in labels(text)] == [
        NodeKey(NodeKind.FEATURE, 1, 2, 3), FeatureKey(1, 2), NodeKey(NodeKind.TOKEN, 0, 9, 4),
        FeatureKey(1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "given", "origin"),
    [
        ("ada,,", Given(), Origin.PERSON),
        (",,", Given(author="ada"), Origin.PERSON),
        (",,", Given(), Origin.FILE),
        ("ada,eleuther,", Given(), Origin.MACHINE),
        ("ada,,", Given(origin=Origin.MACHINE), Origin.MACHINE),
        ("ada,x,person", Given(origin=Origin.MACHINE), Origin.PERSON),
    ],
)
def test_who_is_behind_a_row(cells: str, given: Given, origin: Origin) -> None:
    text = f"layer,feature,label,author,method,origin\n1,2,a,{cells}\n"
    (found,) = labels(text, given)
    assert found.label.provenance.origin is origin


def test_the_class_in_a_table_of_nodes_is_nobody_s_judgement() -> None:
    assert labels("layer,feature,label,class\n1,2,a,input\n")[0].feature_class is FeatureClass.INPUT
    assert labels("layer,feature,label,class,tier\n1,2,a,input,1\n")[0].feature_class is None


def test_formulas_are_guarded_and_come_back() -> None:
    stored = StoredLabel(1, FeatureKey(1, 2), Label("=cmd()"), LabelState.CURRENT)
    data = b"".join(write_csv([row_of_label(stored)]))
    assert b",'=cmd()," in data
    assert labels(data.decode())[0].label.text == "=cmd()"


texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
whole = st.integers(0, 2**31)
numbers = st.none() | st.floats(0, 1)


@st.composite
def stored_labels(draw: st.DrawFn) -> StoredLabel:
    """Labels as a store may hold them; texts are not blank, as clean labels are not."""
    key = FeatureKey(draw(whole), draw(whole))
    kind, position = draw(st.sampled_from(NodeKind)), draw(whole)
    target = draw(st.sampled_from([key, NodeKey(kind, *key, position)]))
    scope = Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE
    made = Provenance(
        draw(st.sampled_from(Origin)), draw(texts), draw(texts), draw(texts), draw(texts), draw(numbers),
        draw(texts), draw(texts), draw(numbers), draw(st.none() | whole), draw(numbers), draw(texts),
    )  # fmt: skip
    feature_class = draw(st.none() | st.sampled_from(FeatureClass))
    text = draw(texts.filter(str.strip))
    owner = TranscoderSet(draw(texts), draw(texts.filter(bool)), draw(texts))
    label = Label(text, scope, made)
    return StoredLabel(1, target, label, LabelState.CURRENT, owner, draw(texts), feature_class)


@given(st.lists(stored_labels(), max_size=4))
def test_what_is_written_comes_back(stored: list[StoredLabel]) -> None:
    rows = [row_of_label(each) for each in stored]
    expected = [
        NewLabel(each.target, each.label, each.transcoder_set, each.graph, each.feature_class)
        for each in stored
    ]
    table = b"".join(write_csv(rows)).decode()
    assert list(read_csv(table, "t", Given())) == expected
    lines = b"".join(write_json_lines(rows))
    assert list(read_json_lines(lines, "t", Given())) == expected
    assert tuple(next(csv.reader(io.StringIO(table)))) == COLUMNS


def test_json_lines_that_are_broken_cost_no_others() -> None:
    lines = b'{"layer": 1, "feature": 2, "label": "a"}\n{"layer"\n[1]\n\n{"layer": 1, "feature": [2], "label": "b"}\n{"layer": 1, "index": 3, "text": "c"}\n\xff\n'
    found = list(read_json_lines(lines, "t", HERE))
    assert [type(each) for each in found] == [
        NewLabel,
        Refusal,
        Refusal,
        Refusal,
        NewLabel,
        Refusal,
    ]

"""When features of two places may be the same ones."""

from __future__ import annotations

import pytest

from graphlabel.graph import GraphSource
from graphlabel.records import TranscoderSet, may_share_features

WHOLE = GraphSource("google/gemma-2-2b", "", "clt-hp")


@pytest.mark.parametrize(
    ("source", "fits"),
    [
        (WHOLE, True),
        (GraphSource("gemma-2-2b", transcoders="clt-hp"), True),
        (GraphSource("gemma-2-2b"), True),
        (GraphSource(transcoders="clt-hp"), True),
        (GraphSource(), True),
        (GraphSource("gemma-2-2b", transcoders="other"), False),
        (GraphSource("other"), False),
        (GraphSource(transcoders="other"), False),
    ],
)
def test_what_both_name_decides(source: GraphSource, fits: bool) -> None:
    whole = TranscoderSet("gemma-2-2b", "clt-hp")
    assert whole.may_be_of(source) == fits
    named = GraphSource("gemma-2-2b", transcoders="clt-hp")
    assert may_share_features(named, source) == may_share_features(source, named) == fits


def test_revisions_decide_where_both_are_known() -> None:
    one, two = (GraphSource("m", "", name, "r1") for name in ("a", "b"))
    assert may_share_features(one, two)
    assert not may_share_features(one, GraphSource("m", "", "a", "r2"))


def test_the_hub_s_id_of_a_set_is_enough() -> None:
    hub = GraphSource(transcoders="mntss/clt-llama-3.2-1b-524k")
    known = TranscoderSet.of(hub)
    assert known is not None
    assert known.matches(TranscoderSet("meta-llama/Llama-3.2-1B", hub.transcoders))
    assert not known.matches(TranscoderSet("meta-llama/Llama-3.2-1B", "mntss/other"))
    assert TranscoderSet.stated(str(known)) == known


@pytest.mark.parametrize("name", ["clt-hp", "./a/b", "/data/transcoders", "../x/y", "a b/c", ""])
def test_another_name_needs_its_model(name: str) -> None:
    assert TranscoderSet.of(GraphSource(transcoders=name)) is None

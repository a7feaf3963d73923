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

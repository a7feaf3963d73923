"""Annotations as JSON values."""

from __future__ import annotations

import pytest

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.annotation.encoding import (
    decode_key,
    decode_node,
    decode_patch,
    decode_routing,
    encode_key,
    encode_routing,
)
from graphlabel.errors import AnnotationError
from graphlabel.graph import FeatureKey, NodeKey, NodeKind


def test_keys_survive() -> None:
    for key in (NodeKey(NodeKind.ERROR, 3, -1, 7), FeatureKey(2, 214)):
        assert decode_key(encode_key(key)) == key


def test_a_routing_survives() -> None:
    score = WindowScore(0.5, 0.6, 9, (1, 2), p=0.01, effect=0.7, z=3.0)
    routing = Routing(
        FeatureClass.OUTPUT, {"output": score, "input": None, "cross": None}, "why", {"tau": 0.5}, ("a",)
    )  # fmt: skip
    plain = encode_routing(routing)
    assert (plain["class"], plain["tier"]) == ("output", 1)
    assert decode_routing(plain) == routing


@pytest.mark.parametrize("text", ["", "feature", "1:2:3", "feature:a:1:2", "dog:1:2:3"])
def test_broken_keys_are_refused(text: str) -> None:
    with pytest.raises(AnnotationError, match="key"):
        decode_key(text)


def test_broken_values_are_refused() -> None:
    with pytest.raises(AnnotationError, match="node key"):
        decode_node("1:2")
    with pytest.raises(AnnotationError, match="label"):
        decode_patch({"labels": {"1:2": {"text": 7}}})
    with pytest.raises(AnnotationError):
        decode_patch({"labels": []})
    with pytest.raises(AnnotationError, match="supernode"):
        decode_patch({"supernodes": [{"members": []}]})
    with pytest.raises(AnnotationError, match="routing"):
        decode_routing({"class": "dog"})

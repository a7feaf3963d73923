"""What two graphs share."""

from __future__ import annotations

import json

import pytest

from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument, graph_from_bytes, read_graph
from graphlabel.files.compare import compare
from graphlabel.graph import FeatureKey
from tests.conftest import real
from tests.files.strategies import node

CT = "circuit-tracer"


def document(features: list[tuple[int, int, int, str]], scan: str = "m", **extra: object) -> GraphDocument:  # fmt: skip
    nodes = [{**node(CT, "feature", layer, index, at), "clerp": label, "influence": at / 10} for layer, index, at, label in features]  # fmt: skip
    metadata = {"slug": "s", "scan": scan, "prompt": "p", "prompt_tokens": ["a"] * 9, "schema_version": 1, **extra}  # fmt: skip
    return graph_from_bytes(json.dumps({"metadata": metadata, "nodes": nodes, "links": []}).encode(), "x")  # fmt: skip


def test_shared_features_with_labels_and_agreement() -> None:
    left = document([(0, 1, 1, "Dallas"), (0, 1, 4, "Dallas"), (2, 5, 3, "texas"), (3, 3, 8, ""), (9, 9, 1, "x")])  # fmt: skip
    right = document([(0, 1, 2, "Houston"), (2, 5, 2, " Texas "), (3, 3, 3, "capital")])
    found = compare(left, right)
    assert [each.key for each in found.shared] == [FeatureKey(0, 1), FeatureKey(2, 5), FeatureKey(3, 3)]  # fmt: skip
    assert [each.agree for each in found.shared] == [False, True, None]
    assert (found.only_left, found.only_right) == (1, 0)
    first = found.shared[0].left
    assert (first.positions, first.labels, first.influence) == ((1, 4), ("Dallas",), 0.1)


def test_features_of_other_transcoders_are_others() -> None:
    left, right = document([(0, 1, 1, "")]), document([(0, 1, 1, "")], scan="other")
    with pytest.raises(UsageError, match=r"of m and of other.*--any-set"):
        compare(left, right)
    assert len(compare(left, right, any_set=True).shared) == 1
    details = {"feature_details": {"neuronpedia_source_set": "a"}}
    with pytest.raises(UsageError, match="m ▸ a"):
        compare(document([], **details), document([], transcoder_list=["b"]))
    one, other = (document([], scan=f"a/{name}") for name in "bc")
    with pytest.raises(UsageError, match="of a/b and of a/c"):
        compare(one, other)
    assert compare(one, document([], scan="m")).shared == []


def test_real_graphs_of_one_set_share_features() -> None:
    puppy = read_graph(real("graphs/neuronpedia/puppy-clt.json"))
    meow = read_graph(real("graphs/circuit-tracer/meow-clt.json"))
    found = compare(puppy, meow)
    assert len(found.shared) == 18
    assert all(each.agree for each in found.shared)
    assert compare(puppy, puppy).only_left == 0

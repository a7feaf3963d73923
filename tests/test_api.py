"""The Python API: what the commands do, as functions on documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlabel import api, atlas
from graphlabel.annotation import Origin
from graphlabel.errors import ExportError, UsageError
from graphlabel.graph import NodeKind

PROMPT = "Fact: the capital of the state containing Houston is"


@pytest.fixture(scope="module")
def traced() -> api.GraphDocument:
    return api.trace(
        PROMPT,
        model=atlas.MODEL_FOLDER,
        transcoders=atlas.TRANSCODERS_FOLDER,
        slug="houston",
        node_threshold=0.95,
        targets=("Austin",),
    )


@pytest.fixture(scope="module")
def labelled(traced: api.GraphDocument) -> api.GraphDocument:
    return api.label(api.route(traced, [atlas.INDEX_FOLDER]), str(atlas.INDEX_FOLDER))


def test_a_trace_says_how_it_was_made(traced: api.GraphDocument) -> None:
    assert traced.slug == "houston"
    assert [n.text.strip() for n in traced.graph.nodes if n.key.kind is NodeKind.LOGIT] == [
        "Austin"
    ]
    assert traced.residue.metadata["node_threshold"] == 0.95
    assert traced.residue.metadata["generation_settings"]["attribution_targets"] == [" Austin"]


def test_every_feature_is_routed_and_the_first_tier_labelled(
    traced: api.GraphDocument, labelled: api.GraphDocument
) -> None:
    features = {n.key.feature_key for n in traced.graph.nodes if n.is_feature}
    assert set(labelled.annotations.routings) == features
    assert not traced.annotations.routings, "documents are values"
    labels = [labelled.annotations.label_of(n.key) for n in labelled.graph.nodes]
    assert (
        sum(each is not None and each.provenance.origin is Origin.MACHINE for each in labels) >= 5
    )


def test_what_is_exported_reads_back(labelled: api.GraphDocument, tmp_path: Path) -> None:
    api.export(labelled, tmp_path / "houston.json")
    again = api.read_graph(tmp_path / "houston.json")
    assert again.annotations.routings == labelled.annotations.routings
    api.export(labelled, tmp_path / "houston.html", to="html", features=atlas.INDEX_FOLDER)
    assert "Houston" in (tmp_path / "houston.html").read_text(encoding="utf-8")


def test_refusals_are_those_of_the_library(traced: api.GraphDocument, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="route"):
        api.label(traced, atlas.INDEX_FOLDER)
    with pytest.raises(ExportError, match="format"):
        api.export(traced, tmp_path / "x", to="nothing")

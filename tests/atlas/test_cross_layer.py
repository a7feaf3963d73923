"""The cross-layer set that ships: what its files hold, and a graph built from it."""

from __future__ import annotations

from typing import Any

import pytest

from graphlabel.atlas import CROSS_LAYER_FOLDER, MODEL_FOLDER, TRAINING_FILE
from graphlabel.graph import NodeKind

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
PROMPT = "Fact: the capital of the state containing Dallas is"


@pytest.fixture(scope="module")
def traced(single_thread: None) -> Any:
    from graphlabel.models import load_language_model, load_transcoders, read_prompt
    from graphlabel.tracing import trace

    model = load_language_model(str(MODEL_FOLDER))
    transcoders = load_transcoders(str(CROSS_LAYER_FOLDER))
    assert transcoders.is_cross_layer
    return trace(model, transcoders, read_prompt(model, PROMPT))


def test_a_graph_of_it_explains_the_answer(traced: Any) -> None:
    assert traced.scores.replacement >= 0.7
    assert traced.scores.completeness >= 0.85


def test_the_pruned_graph_leads_from_dallas_to_austin(traced: Any) -> None:
    from graphlabel.tracing import pruned_graph

    nodes = pruned_graph(traced).nodes
    features = [node for node in nodes if node.key.kind is NodeKind.FEATURE]
    assert 5 <= len(features) <= 80
    assert len({node.key.layer for node in features}) >= 2
    assert any(node.key.kind is NodeKind.LOGIT for node in nodes)


def test_the_record_says_how_well_it_does() -> None:
    import json

    record = json.loads(TRAINING_FILE.read_text(encoding="utf-8"))["cross_layer"]
    for layer in record["layers"]:
        assert layer["fraction_of_variance_unexplained"] <= 0.1
        assert layer["dead_share"] <= 0.1
        assert 3 <= layer["active_per_token"] <= 16

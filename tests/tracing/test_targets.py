"""What a graph can explain: tokens, differences, directions, at any position; float64, 1e-9."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from graphlabel.errors import PromptError, UsageError
from graphlabel.files import new_document, read_graph, write_graph
from graphlabel.models import LanguageModel, Transcoders, cut_prompt, prompt_of_ids
from graphlabel.tracing import Trace, TraceSettings, pruned_graph, trace

IDS = [1, 10, 21, 5, 44, 10, 30]
Loader = Callable[..., tuple[LanguageModel, Transcoders]]


def traced(load: Loader, *targets: str, family: str = "gpt2", **options: object) -> Trace:
    model, transcoders = load(family, "skip")
    settings = TraceSettings(max_feature_nodes=None, dtype="float64", targets=targets, **options)  # type: ignore[arg-type]
    return trace(model, transcoders, prompt_of_ids(model, IDS), settings)


def rows(result: Trace) -> np.ndarray:
    return result.adjacency[result.order.logits]


def test_tokens_by_text_and_by_id(load: Loader) -> None:
    salient = traced(load, max_n_logits=3, desired_logit_prob=1.0)
    named = traced(load, salient.logit_tokens[0], f"#{salient.logit_ids[2]}")
    assert named.logit_ids == (salient.logit_ids[0], salient.logit_ids[2])
    assert named.logit_tokens == (salient.logit_tokens[0], salient.logit_tokens[2])
    np.testing.assert_allclose(named.logit_probabilities, salient.logit_probabilities[[0, 2]])
    columns = salient.order.logits.start
    expected = rows(salient)[[0, 2], :columns]
    np.testing.assert_allclose(rows(named)[:, :columns], expected, atol=1e-12)


def test_a_difference_is_the_difference_of_rows(load: Loader) -> None:
    both = traced(load, "w3", "w7")
    apart = traced(load, "w3 - w7")
    columns = apart.order.logits.start
    expected = rows(both)[0, :columns] - rows(both)[1, :columns]
    np.testing.assert_allclose(rows(apart)[0, :columns], expected, atol=1e-9)
    assert apart.logit_tokens == ("w3 - w7",)
    gap = abs(both.logit_probabilities[0] - both.logit_probabilities[1])
    assert apart.logit_probabilities[0] == pytest.approx(max(gap, 1e-6))


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_any_direction(load: Loader, tmp_path: Path, suffix: str) -> None:
    """The difference of two unembedding rows, as a file, has the difference's row."""
    model, _ = load("gpt2", "skip")
    unembedding = model.model.lm_head.weight
    direction = (unembedding[7] - unembedding[11]).detach()
    path = tmp_path / f"up{suffix}"
    if suffix == ".npy":
        np.save(path, direction.numpy())
    else:
        save_file({"direction": direction}, path)
    along = traced(load, str(path))
    expected = traced(load, "#7 - #11")
    np.testing.assert_allclose(rows(along), rows(expected), atol=1e-9)
    assert along.logit_tokens == ("up",)
    assert along.logit_probabilities[0] == 1


def test_targets_beyond_the_vocabulary_are_opened_again(load: Loader, tmp_path: Path) -> None:
    """Differences and directions have ids after the vocabulary's, as in circuit-tracer."""
    result = traced(load, "w3 - w7", "w5", "w5 - w9")
    assert result.logit_ids == (60, 9, 61)
    document = new_document(pruned_graph(result), "targets")
    write_graph(document, tmp_path / "g.json")
    again = read_graph(tmp_path / "g.json")
    texts = {n.text for n in again.graph.nodes if n.probability is not None}
    assert texts == {"w3 - w7", "w5", "w5 - w9"}
    assert f"{result.n_layers + 1}_61_6" in again.node_ids


@pytest.mark.parametrize("family", ["gpt2", "gemma3_text", "gpt_neox"])
def test_any_position(load: Loader, family: str) -> None:
    """What follows the position cannot matter: the graph is that of the prompt up to it."""
    model, transcoders = load(family, "clt")
    settings = TraceSettings(max_feature_nodes=None, dtype="float64", position=-3)
    inner = trace(model, transcoders, prompt_of_ids(model, IDS), settings)
    short = trace(model, transcoders, prompt_of_ids(model, IDS[:5]), TraceSettings(max_feature_nodes=None, dtype="float64"))  # fmt: skip
    assert inner.prompt.ids == tuple(IDS[:5])
    np.testing.assert_array_equal(inner.active_features, short.active_features)
    np.testing.assert_array_equal(inner.adjacency, short.adjacency)
    logit = next(n for n in pruned_graph(inner).nodes if n.probability is not None)
    assert logit.key.position == 4
    whole = model.model(torch.tensor([IDS])).logits[0, 4].float().softmax(-1)
    assert inner.logit_probabilities[0] == pytest.approx(float(whole.max()), abs=1e-6)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("w3 w4", "no single token.*“w3”, “w4”"),
        ("Quux", "no single token"),
        ("w3 - Quux", "no single token"),
        ("#60", r"outside the vocabulary \(0 to 59\)"),
        ("w3 - w3", "from itself"),
        ("", "names no token"),
        (" - w3", "names no token"),
        ("nowhere.npy", "cannot be read"),
        ("nowhere.safetensors", "cannot be read"),
    ],
)
def test_targets_that_make_no_sense(load: Loader, target: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        traced(load, target)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("numbers", [[0.0] * 32, [1.0] * 31, [float("nan")] * 32])
def test_directions_that_make_no_sense(load: Loader, tmp_path: Path, numbers: list[float]) -> None:
    np.save(tmp_path / "bad.npy", np.array(numbers))
    with pytest.raises(UsageError, match="32 finite numbers"):
        traced(load, str(tmp_path / "bad.npy"))


@pytest.mark.parametrize(
    ("array", "message"),
    [(np.ones(32) * 1j, "complex"), (np.array(["a"] * 32), "holds <U1, not numbers")],
)
def test_arrays_that_are_no_directions(
    load: Loader, tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "bad.npy", array)
    with pytest.raises(UsageError, match=message):
        traced(load, str(tmp_path / "bad.npy"))


def test_text_is_no_direction(load: Loader, tmp_path: Path) -> None:
    """The advice of numpy for such files, to unpickle them, is not passed on."""
    (tmp_path / "bad.npy").write_text("1 2 3")
    with pytest.raises(UsageError, match=r"it is no \.npy file"):
        traced(load, str(tmp_path / "bad.npy"))


def test_a_pickle_is_no_direction(load: Loader, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="cannot be read"):
        traced(load, str(tmp_path / "bad.npy"))


def test_the_same_token_twice_and_no_such_position(load: Loader) -> None:
    with pytest.raises(UsageError, match="twice"):
        traced(load, "w3", "#7")
    model, _ = load("gpt2", "skip")
    prompt = prompt_of_ids(model, IDS)
    assert cut_prompt(model, prompt, -1) is prompt
    for position in (0, 7, -7):
        with pytest.raises(PromptError, match=f"no position {position}"):
            cut_prompt(model, prompt, position)

"""Interventions against the plain way to do them, float64, and against the graph's own edges."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from naive import changed, plain
from reference import Reference
from small_models import CONFIGS, KINDS, READS, VOCABULARY

from graphlabel.errors import PromptError, UsageError
from graphlabel.models import LanguageModel, Transcoders, prompt_of_ids
from graphlabel.tracing import Trace, TraceSettings, trace
from graphlabel.tracing.interventions import Action, Experiment, Intervention, Regime, continued

IDS = [1, 10, 21, 5, 44, 10, 30]
EVERY = TraceSettings(max_feature_nodes=None, dtype="float64", max_n_logits=VOCABULARY, desired_logit_prob=1.0)  # fmt: skip
Loader = Callable[..., tuple[LanguageModel, Transcoders]]
POINTS = [("mlp.hook_in", "mlp.hook_out"), ("hook_resid_mid", "hook_mlp_out")]


def some_features(experiment: Experiment, n: int = 12, amount: float = -1.0) -> list[Intervention]:
    """Firing features of all layers and positions, a seeded choice."""
    places = [
        (layer, int(feature), int(position))
        for layer in range(experiment.model.n_layers)
        for position, feature in experiment.activations(layer).nonzero().tolist()
    ]
    chosen = np.random.default_rng(0).permutation(len(places))[:n]
    return [Intervention(*places[i], amount) for i in sorted(chosen)]


def as_changes(experiment: Experiment, interventions: list[Intervention]) -> list[tuple[int, int, int, float]]:  # fmt: skip
    found = []
    for each in interventions:
        assert each.position is not None
        original = float(experiment.activations(each.layer)[each.position, each.feature])
        new = each.amount if each.action is Action.SET else each.amount * original
        found.append((each.layer, each.position, each.feature, new))
    return found


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize(
    ("kind", "points"),
    [*((kind, POINTS[1]) for kind in KINDS), ("skip", POINTS[0]), ("clt", POINTS[0])],
)
def test_they_equal_the_plain_way(load: Loader, family: str, kind: str, points: tuple[str, str]) -> None:  # fmt: skip
    """Every architecture × every kind of transcoder, float64: logits to 1e-9.

    After a norm to 5e-6: models compute those in float32 whatever their weights are in.
    """
    close = {"rtol": 0, "atol": 1e-9 if points[0] == "hook_resid_mid" else 5e-6}
    if points[0] not in READS.get(family, points):
        pytest.skip("the family has no such point")
    model, transcoders = load(family, kind, *points)
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    interventions = some_features(experiment)
    changes = as_changes(experiment, interventions)
    found = experiment.run(interventions)
    logits = {regime: outcome.logits for regime, outcome in found.after.items()}
    before, _ = plain(model, IDS)
    torch.testing.assert_close(found.before.logits, before, atol=1e-9, rtol=0)
    for regime in (Regime.FREE, Regime.PATTERNS):
        hold = regime is Regime.PATTERNS
        expected = changed(model, transcoders, IDS, changes, hold_patterns=hold)
        torch.testing.assert_close(logits[regime], expected, **close)
    torch.testing.assert_close(
        logits[Regime.CONSTRAINED], by_frozen_modules(experiment, changes), atol=1e-9, rtol=0
    )
    for one in logits.values():
        assert (one - before).abs().max() > 1e-3
    assert (logits[Regime.FREE] - logits[Regime.PATTERNS]).abs().max() > 1e-6


def by_frozen_modules(experiment: Experiment, changes: list[tuple[int, int, int, float]]) -> torch.Tensor:  # fmt: skip
    """The constrained logits from the model's modules with everything in them held."""
    model, transcoders = experiment.model, experiment.transcoders
    reference = Reference(model, transcoders, IDS)
    plain_output = reference.output.detach()[-1]
    with torch.no_grad():
        for layer, position, feature, new in changes:
            more = new - float(experiment.activations(layer)[position, feature])
            transcoder = transcoders.layers[layer]
            for target in transcoder.write_layers:
                row = transcoder.decoder_rows(torch.tensor([feature]), target)[0].double()
                reference.writes[target][position] += more * row
        change = reference.linear_run()[-1] - plain_output
        weight = model.model.lm_head.weight
        raw = weight @ experiment.frozen.final_norm(experiment.frozen.final_residual)[-1]
        cap = model.logit_soft_cap
        squash = (lambda x: cap * torch.tanh(x / cap)) if cap else (lambda x: x)
        return experiment.frozen.logits + squash(raw + weight @ change) - squash(raw)


def traced(model: LanguageModel, transcoders: Transcoders) -> Trace:
    return trace(model, transcoders, prompt_of_ids(model, IDS), EVERY)


@pytest.mark.parametrize("family", [family for family in CONFIGS if family != "gemma2"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_constrained_change_is_the_sum_of_the_edges(load: Loader, family: str, kind: str) -> None:  # fmt: skip
    """All logits at once, float64: 1e-10 of the largest. Gemma 2's soft-cap is not linear."""
    model, transcoders = load(family, kind)
    graph = traced(model, transcoders)
    experiment = Experiment(model, transcoders, graph.prompt)
    features = graph.active_features[graph.selected_features]
    chosen = np.random.default_rng(1).permutation(len(features))[:20]
    interventions = [
        Intervention(int(layer), int(feature), int(position), 0.25)
        for layer, position, feature in features[chosen]
    ]
    found = experiment.run(interventions, regimes=[Regime.CONSTRAINED])
    change = (found.after[Regime.CONSTRAINED].logits - found.before.logits).numpy()
    predicted = (0.25 - 1) * graph.adjacency[graph.order.logits][:, chosen].sum(axis=1)
    relative = (change - change.mean())[list(graph.logit_ids)]
    assert np.abs(predicted).max() > 1e-3
    np.testing.assert_allclose(relative, predicted, atol=1e-10 * np.abs(predicted).max())


def test_without_features_only_errors_tokens_and_constants_are_left(load: Loader) -> None:
    """Every feature at 0, constrained, float64 1e-10: the logits lose their edges from features."""
    model, transcoders = load("llama", "clt_skip")
    graph = traced(model, transcoders)
    experiment = Experiment(model, transcoders, graph.prompt)
    places = graph.active_features[graph.selected_features].tolist()
    everything = [
        Intervention(layer, feature, position, 0.0) for layer, position, feature in places
    ]
    found = experiment.run(everything, regimes=[Regime.CONSTRAINED])
    left = found.after[Regime.CONSTRAINED].logits.numpy()[list(graph.logit_ids)]
    edges = graph.adjacency[graph.order.logits][:, graph.order.features].sum(axis=1)
    before = found.before.logits.numpy()[list(graph.logit_ids)]
    np.testing.assert_allclose(left - left.mean(), before - before.mean() - edges, atol=1e-10)


@pytest.mark.parametrize("family", ["llama", "gemma2", "gpt_neox"])
def test_a_factor_of_one_changes_nothing(load: Loader, family: str) -> None:
    model, transcoders = load(family, "clt")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    found = experiment.run(some_features(experiment, amount=1.0))
    for outcome in found.after.values():
        torch.testing.assert_close(outcome.logits, found.before.logits, atol=1e-12, rtol=0)
    nothing = experiment.run([])
    for outcome in nothing.after.values():
        torch.testing.assert_close(outcome.logits, found.before.logits, atol=1e-12, rtol=0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    family=st.sampled_from(sorted(set(CONFIGS) - {"gemma2"})),
    one=st.floats(-3, 3),
    two=st.floats(-3, 3),
)
def test_constrained_changes_add_up(load: Loader, family: str, one: float, two: float) -> None:
    """Two groups of features changed together do what each does alone, float64 1e-10."""
    model, transcoders = load(family, "skip")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    features = some_features(experiment, 8)
    left = [Intervention(i.layer, i.feature, i.position, one) for i in features[::2]]
    right = [Intervention(i.layer, i.feature, i.position, two, Action.SET) for i in features[1::2]]

    def change(interventions: list[Intervention]) -> torch.Tensor:
        found = experiment.run(interventions, regimes=[Regime.CONSTRAINED])
        return found.after[Regime.CONSTRAINED].logits - found.before.logits

    torch.testing.assert_close(change(left + right), change(left) + change(right), atol=1e-10, rtol=0)  # fmt: skip


def test_conditional_acts_only_where_the_feature_fires(load: Loader) -> None:
    model, transcoders = load("llama", "relu")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    layer, feature = 1, int((experiment.activations(1) > 0).sum(0).argmax())
    fires = (experiment.activations(layer)[:, feature] > 0).tolist()
    assert any(fires)
    assert not all(fires[1:])

    def logits(interventions: list[Intervention], regime: Regime) -> torch.Tensor:
        return experiment.run(interventions, regimes=[regime]).after[regime].logits

    everywhere = Intervention(layer, feature, None, 4.0, Action.SET)
    conditional = Intervention(layer, feature, None, 4.0, Action.SET, conditional=True)
    by_hand = [Intervention(layer, feature, p, 4.0, Action.SET) for p in range(1, 7)]
    firing = [each for each in by_hand if each.position and fires[each.position]]
    for regime in Regime:
        torch.testing.assert_close(logits([everywhere], regime), logits(by_hand, regime))
        torch.testing.assert_close(logits([conditional], regime), logits(firing, regime))
        assert not torch.allclose(logits([everywhere], regime), logits([conditional], regime))


def test_watched_features_react_unless_held(load: Loader) -> None:
    """What later features do, float64: held when constrained, else as the graph's edges begin it."""
    model, transcoders = load("llama", "relu")
    graph = traced(model, transcoders)
    experiment = Experiment(model, transcoders, graph.prompt)
    from graphlabel.graph import NodeKey, NodeKind

    features = graph.active_features.tolist()
    keys = [NodeKey(NodeKind.FEATURE, layer, feature, position) for layer, position, feature in features]  # fmt: skip
    source = next(key for key in keys if key.layer == 0 and key.position < 4)
    found = experiment.run([Intervention(0, source.feature, source.position, 0.999)], watched=keys)
    before = found.before.activations
    np.testing.assert_allclose(before.numpy(), graph.activation_values, atol=1e-12)
    changes = {regime: (each.activations - before).numpy() for regime, each in found.after.items()}
    place = keys.index(source)
    for change in changes.values():
        assert change[place] == pytest.approx(-0.001 * float(before[place]))
    assert not np.delete(changes[Regime.CONSTRAINED], place).any()
    layer_one = [i for i, key in enumerate(keys) if key.layer == 1]
    assert np.abs(changes[Regime.PATTERNS][layer_one]).max() > 0
    same = [i for i, key in enumerate(keys) if key.layer == 0 and i != place]
    for change in changes.values():
        assert not np.abs(change[same]).max() > 1e-12


def test_what_is_generated(load: Loader) -> None:
    """With a cache and without: the same tokens; changes with a position act on the prompt only."""
    model, transcoders = load("llama", "clt")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    strong = max(some_features(experiment, 10_000), key=lambda each: each.layer)
    for position in (strong.position, None):
        change = Intervention(strong.layer, strong.feature, position, 9.0, Action.SET)
        found, ids = continued(experiment, [change], 5), list(IDS)
        for _ in range(5):
            longer = Experiment(model, transcoders, prompt_of_ids(model, ids))
            after = longer.run([change], regimes=[Regime.FREE]).after[Regime.FREE].logits
            ids.append(int(after.argmax()))
        assert list(found) == ids[len(IDS) :]
    assert continued(experiment, [], 3)[0] == int(experiment.frozen.logits.argmax())
    with pytest.raises(PromptError, match="more than the 64"):
        continued(experiment, [], 60)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((7, 0, 3), "no layer 7; the model has 0 to 2"),
        ((1, 0, 3), "layer 1 has no feature 0"),
        ((0, 48, 3), "no feature 48; its transcoder has 48"),
        ((0, 0, 0), "positions 1 to 6 carry features"),
        ((0, 0, 7), "positions 1 to 6 carry features"),
    ],
)
def test_places_that_are_not_there(load: Loader, place: tuple[int, int, int], message: str) -> None:
    model, transcoders = load("llama", "gap")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    with pytest.raises(UsageError, match=message):
        experiment.run([Intervention(*place, 0.0)])


def test_a_feature_changed_twice_is_refused(load: Loader) -> None:
    model, transcoders = load("llama", "relu")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    once = Intervention(0, 3, 2, 0.0)
    for again in (once, Intervention(0, 3, None, 2.0)):
        with pytest.raises(UsageError, match=r"L0 #3 .* is changed twice"):
            experiment.run([once, again])


@pytest.mark.parametrize("device", ["cuda"] if torch.cuda.is_available() else [])
@pytest.mark.parametrize(("family", "kind"), zip(CONFIGS, (KINDS * 2)[: len(CONFIGS)], strict=True))
def test_a_gpu_does_as_the_cpu_does(load: Loader, device: str, family: str, kind: str) -> None:
    """float64: logits to 1e-5, since models compute in float32 inside."""
    model, transcoders = load(family, kind)
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    interventions = some_features(experiment)
    expected, text = experiment.run(interventions), continued(experiment, interventions, 3)
    try:
        model.model.to(device)
        there = Experiment(model, transcoders, prompt_of_ids(model, IDS))
        found = there.run(interventions)
        assert continued(there, interventions, 3) == text
    finally:
        model.model.to("cpu")
    for regime in Regime:
        logits = found.after[regime].logits.cpu()
        torch.testing.assert_close(logits, expected.after[regime].logits, atol=1e-5, rtol=0)


def test_nothing_is_left_behind(load: Loader) -> None:
    """No hook stays when a run fails, and the model says what it said."""
    model, transcoders = load("llama", "relu")
    experiment = Experiment(model, transcoders, prompt_of_ids(model, IDS))
    before = hooks(model)
    changes = some_features(experiment)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model.model.lm_head, "forward", _stop)
        with pytest.raises(RuntimeError, match="stop"):
            experiment.run(changes, regimes=[Regime.PATTERNS])
    assert hooks(model) == before
    torch.testing.assert_close(plain(model, IDS)[0], experiment.frozen.logits)


def hooks(model: LanguageModel) -> list[int]:
    return [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.model.modules()]


def _stop(*_: object) -> None:
    raise RuntimeError("stop")

"""label and queue: tiers by method and model, against a server that behaves as the real one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from graphlabel import atlas
from graphlabel.annotation import (
    FeatureClass,
    Origin,
    Provenance,
    Routing,
    Scope,
    SetLabel,
    Tier,
    WindowScore,
)
from graphlabel.cli.label_plan import PRICED_MODEL
from graphlabel.cli.pipeline import feature_keys
from graphlabel.files import GraphDocument, read_graph, write_graph
from graphlabel.labeling import waiting_nodes
from tests.cli.test_commands import INDEX, MODEL, PROMPT, Done, run
from tests.labeling.verbalizers.nla import make_pair
from tests.llm.server import KEY, MESSAGES, Service, error, serving

CLAUDE = ["--tier2-model", "anthropic:claude-haiku-5-5"]


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Dallas graph; its features are of the four classes in turn, whatever they are really."""
    path = tmp_path_factory.mktemp("label") / "g.json"
    assert run("trace", PROMPT, *MODEL, "--node-threshold", "0.98", "-o", path).returncode == 0
    document = read_graph(path)
    score = WindowScore(0.9, 0.9, 10, (0, 0))
    routings = {
        key: Routing(each, {"input": score, "output": replace(score, window=(1, 1)), "cross": None}, "a test; really")
        for key, each in zip(feature_keys(document), cycle(FeatureClass), strict=False)
    }  # fmt: skip
    write_graph(document.annotated(document.annotations.with_routings(routings)), path)
    return path


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A Claude that explains every feature by its first peak token."""
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GRAPHLABEL_LLM_KEY", "GRAPHLABEL_PRICES"):  # fmt: skip
        monkeypatch.delenv(variable, raising=False)
    with serving() as running:
        running.says = explain
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield running


@pytest.fixture
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)


def explain(prompt: str) -> str:
    found = re.search(r"\n1\. (.*)", prompt)
    return f"Explanation: near {found[1] if found else '?'}"


def tier_two(document: GraphDocument) -> list[Any]:
    routings = document.annotations.routings
    return [key for key, routing in routings.items() if routing.tier is Tier.MODEL]


def label(path: Path, tmp_path: Path, *arguments: str | Path) -> tuple[Done, GraphDocument]:
    output = tmp_path / "labelled.json"
    done = run("label", path, *INDEX, "-o", output, *arguments)
    return done, read_graph(output if output.exists() else path)


def test_without_a_model_tier_two_waits_and_its_price_is_told(
    routed: Path, tmp_path: Path, no_key: None
) -> None:
    done, document = label(routed, tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    waiting = tier_two(document)
    assert len(facts["awaiting_model"]) == len(waiting) > 1
    assert facts["price"]["questions"] == len(waiting)
    assert facts["price"]["model"] == PRICED_MODEL
    assert 0 < facts["price"]["dollars"] < facts["price"]["at_most"] < 1
    assert facts["labelled"] == facts["tiers"]["1"]["labelled"] > 0
    assert not any(key in document.annotations.labels for key in waiting)
    methods = {each.provenance.method for each in document.annotations.labels.values()}
    assert methods == {"token_count"}
    told = label(routed, tmp_path)[0].stderr
    assert f"np_max-act-logits by {PRICED_MODEL} would ask {len(waiting)} questions" in told


def test_a_missing_key_leaves_tier_two_waiting(routed: Path, tmp_path: Path, no_key: None) -> None:
    done, document = label(routed, tmp_path, *CLAUDE)
    assert done.returncode == 0
    assert "tier 2 waits: Claude needs an API key" in done.stderr
    assert "by anthropic:claude-haiku-5-5 would ask" in done.stderr
    assert waiting_nodes(document.graph, document.annotations, Tier.MODEL)


def test_a_model_labels_tier_two(routed: Path, tmp_path: Path, service: Service) -> None:
    done, document = label(routed, tmp_path, *CLAUDE, "--tier2", "np_max-act", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    keys = tier_two(document)
    assert facts["tiers"]["2"]["labelled"] == len(keys)
    assert facts["awaiting_model"] == []
    assert facts["price"] is None
    assert facts["labelled"] == sum(tier["labelled"] for tier in facts["tiers"].values())
    assert facts["tiers"]["2"]["tokens"] == 120 * len(service.asked)
    for key in keys:
        made = document.annotations.labels[key].provenance
        assert (made.method, made.model, made.tokens) == ("np_max-act", "claude-haiku-5-5", 120)
        assert made.dollars
        assert json.loads(made.settings)["tier"] == 2
        assert document.annotations.labels[key].text.startswith("near ")
    again, same = label(routed, tmp_path, *CLAUDE, "--tier2", "np_max-act")
    assert f"0 answers, {len(keys)} more from the cache" in again.stderr
    assert {key: same.annotations.labels[key].text for key in keys} == {
        key: document.annotations.labels[key].text for key in keys
    }
    assert len(service.asked) == len(set(service.paid)) == len(keys)


def test_settings_of_a_method_reach_the_prompt(
    routed: Path, tmp_path: Path, service: Service
) -> None:
    label(routed, tmp_path, *CLAUDE, "--tier2-set", "examples=2", "--tier2-set", "max-tokens=77")
    assert {asked["max_tokens"] for asked in service.asked} == {77}
    assert all("\n3. " not in asked["messages"][-1]["content"].split("<texts")[1] for asked in service.asked)  # fmt: skip
    for bad, why in (("examples", "is no NAME=VALUE"), ("shots=3", "has no setting")):
        done = run("label", routed, *INDEX, "-o", tmp_path / "x.json", *CLAUDE, "--tier2-set", bad)
        assert (done.returncode, why in done.stderr) == (2, True)
    assert not (tmp_path / "x.json").exists()


def test_people_and_files_keep_their_labels(routed: Path, tmp_path: Path, service: Service) -> None:
    document = read_graph(routed)
    mine, *others = waiting_nodes(document.graph, document.annotations, Tier.MODEL)
    edit = SetLabel((mine,), "my own", Provenance(Origin.PERSON, "ada"), Scope.FEATURE)
    before = edit.patch(document.annotations).apply(document.annotations)
    path = tmp_path / "mine.json"
    write_graph(document.annotated(before), path)
    done, after = label(path, tmp_path, *CLAUDE, "--json")
    facts = json.loads(done.stdout)
    assert after.annotations.labels[mine.feature_key].text == "my own"
    assert facts["tiers"]["2"]["kept"] == 1
    assert len(service.asked) == len(others)


def test_each_kind_of_failure_has_a_line_and_loses_nobody_else(
    routed: Path, tmp_path: Path, service: Service
) -> None:
    answers = ["Explanation: " + "long " * 3000, "", "no idea at all"]
    service.says = lambda prompt: answers.pop() if answers else explain(prompt)
    service.replies[MESSAGES] = [error(400, "invalid_request_error", "nope")]
    count = len(tier_two(read_graph(routed)))
    done, document = label(routed, tmp_path, *CLAUDE, "--concurrency", "1")
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert sum(line.startswith("1 × ") for line in lines) == 4
    assert any(line.startswith("1 × refused:") for line in lines)
    assert any("unusable answer: the answer has no “Explanation:” (tier 2, the first is L" in line for line in lines)  # fmt: skip
    left = waiting_nodes(document.graph, document.annotations, Tier.MODEL)
    assert len(left) == 4
    assert len(document.annotations.labels.keys() & set(tier_two(document))) == count - 4
    facts = json.loads(label(routed, tmp_path, *CLAUDE, "--json")[0].stdout)
    raw = {each["raw"] for each in facts["failures"]}
    assert {"", "no idea at all"} < raw  # asked again nowhere: the cache has it
    assert "graphlabel ledger --unusable" in done.stderr
    kept = json.loads(run("ledger", "--unusable", "--json").stdout)["unusable"]
    assert {each["raw"] for each in kept} == raw
    assert all(each["about"].startswith("L") and each["tier"] == 2 for each in kept)
    shown = run("ledger", "--unusable").stdout
    assert "    no idea at all" in shown
    assert "    an empty answer" in shown
    assert "characters, --json has them all" in shown


def test_a_key_that_is_refused_saves_tier_one_and_says_so_once(
    routed: Path, tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-expired")
    done, document = label(routed, tmp_path, *CLAUDE)
    assert done.returncode == 2
    assert "tier 2 got no answer; key refused" in done.stderr
    assert "sk-ant-expired" not in done.stderr
    assert document.annotations.labels
    assert len(waiting_nodes(document.graph, document.annotations, Tier.MODEL)) == len(tier_two(document))  # fmt: skip


def test_a_budget_stops_in_the_middle_and_a_larger_one_goes_on(
    routed: Path, tmp_path: Path, service: Service
) -> None:
    count = len(tier_two(read_graph(routed)))
    bound = json.loads(run("queue", routed, *INDEX, *CLAUDE, "--json").stdout)["price"]["at_most"]
    one = bound / count
    service.usage = (int(0.6 * one / 1e-7), 0)  # a call costs 0.6 of its bound
    done, document = label(routed, tmp_path, *CLAUDE, "--max-usd", f"{one * 2:.8f}", "--concurrency", "1")  # fmt: skip
    asked = len(service.asked)
    assert 0 < asked < count
    assert "× budget: " in done.stderr
    assert len(waiting_nodes(document.graph, document.annotations, Tier.MODEL)) == count - asked
    done, document = label(routed, tmp_path, *CLAUDE)
    assert waiting_nodes(document.graph, document.annotations, Tier.MODEL) == []
    assert set(service.paid.values()) == {1}


def test_a_dry_run_sends_and_writes_nothing(
    routed: Path, tmp_path: Path, service: Service, no_key: None
) -> None:
    dry = ("label", routed, *INDEX, "--dry-run", "-o", tmp_path / "x.json")
    done = run(*dry, *CLAUDE)
    assert done.returncode == 0
    count = len(tier_two(read_graph(routed)))
    assert f"dry run: {count} calls to" in done.stderr
    whole, half = (run(*dry, *batch).stderr for batch in ((), ("--batch",)))
    assert "with --batch 50% of that" in whole
    prices = [float(re.findall(r"for about \$([\d.]+)", each)[0]) for each in (whole, half)]
    assert prices[1] == pytest.approx(prices[0] / 2, abs=1e-4)  # shown to four digits
    assert service.asked == []
    assert not (tmp_path / "x.json").exists()


def test_tier_one_by_a_small_model(routed: Path, tmp_path: Path, service: Service) -> None:
    service.says = lambda prompt: "Explanation: say a state" if "raised_logits" in prompt else "Explanation: a place"  # fmt: skip
    done = run("label", routed, *INDEX, "-o", tmp_path / "x.json", "--tier1", "llm")
    assert (done.returncode, "name one with --tier1-model" in done.stderr) == (2, True)
    done, document = label(routed, tmp_path, "--tier1", "llm", "--tier1-model", CLAUDE[1])
    assert done.returncode == 0, done.stderr
    labels = document.annotations.labels
    for key, routing in document.annotations.routings.items():
        if routing.tier is Tier.COUNTER:
            output = routing.feature_class is FeatureClass.OUTPUT
            assert labels[key].text == ("say a state" if output else "a place")
            assert labels[key].provenance.method == "side_tokens"


def test_the_graph_and_its_labels_reach_the_model(
    routed: Path, tmp_path: Path, service: Service
) -> None:
    done, document = label(routed, tmp_path, *CLAUDE, "--tier2", "graph_context")
    assert done.returncode == 0, done.stderr
    prompts = [asked["messages"][-1]["content"] for asked in service.asked]
    for prompt in prompts:
        shown = prompt.partition("<prompt ")[2].partition("</prompt")[0]
        assert "Fact: the capital of the state" in shown.replace("<<", "").replace(">>", "")
        assert "<<" in shown
    assert any("output “Austin”" in prompt or "token “Dallas”" in prompt for prompt in prompts)
    made = [each for key, each in document.annotations.labels.items() if len(key) == 4]
    assert {each.scope for each in made} == {Scope.OCCURRENCE}
    assert len(made) >= len(tier_two(document))


def test_methods_that_lack_their_tools_are_refused_in_a_line(routed: Path, tmp_path: Path) -> None:
    for arguments, why in (
        (["--tier2", "nonsense"], "there is no label method"),
        (["--tier2", "nla_feature_vector"], "--verbalizer"),
        (["--tier3", "verbalize"], "needs a verbalizer"),
        (["--tier2-model", "gpt"], "names no language model"),
    ):
        done = run("label", routed, *INDEX, "-o", tmp_path / "x.json", *arguments)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "x.json").exists()


def test_ctrl_c_keeps_what_was_answered(routed: Path, tmp_path: Path, service: Service) -> None:
    service.slow = 1.0
    second = threading.Event()

    def says(prompt: str) -> str:
        if len(service.asked) == 2:
            second.set()
        return explain(prompt)

    service.says = says
    output = tmp_path / "stopped.json"
    command = [sys.executable, "-m", "graphlabel", "label", str(routed), *INDEX, "-o", str(output), *CLAUDE, "--concurrency", "1"]  # fmt: skip
    # Where tests run in the background Ctrl-C is ignored, and children would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    signal.signal(signal.SIGINT, before)
    assert second.wait(60)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    document = read_graph(output)
    left = waiting_nodes(document.graph, document.annotations, Tier.MODEL)
    count = len(tier_two(document))
    assert 0 < len(left) == count - len(service.asked) < count
    service.slow = 0.0
    _, document = label(routed, tmp_path, *CLAUDE)
    assert waiting_nodes(document.graph, document.annotations, Tier.MODEL) == []
    assert set(service.paid.values()) == {1}


def test_queue_lists_who_waits_for_whom(routed: Path, no_key: None) -> None:
    facts = json.loads(run("queue", routed, *INDEX, "--json").stdout)
    for tier, part in enumerate(("awaiting_counter", "awaiting_model", "awaiting_person"), start=1):
        found = facts[part]
        assert {each["tier"] for each in found} == {tier}
        influence = [each["influence"] for each in found]
        assert influence == sorted(influence)
        assert all(each["reason"] for each in found)
    two = facts["awaiting_model"]
    assert facts["price"]["dollars"] == pytest.approx(
        sum(each["dollars"] for each in two), rel=1e-9
    )
    shown = run("queue", routed, *INDEX, "--limit", "1").stdout
    assert re.search("▼▲ awaits? the token counter \\(tier 1\\), free", shown)
    assert "a model (tier 2); np_max-act-logits by" in shown
    assert re.search("○ awaits? you \\(tier 3\\)", shown)
    assert re.search(r"^\d+ features? ◆ awaits? a model", shown, re.M)
    assert re.search(r"^  feature +token +influence +price  why$", shown, re.M)
    assert "more (--limit)" in shown
    plain = run("queue", routed)
    assert plain.returncode == 0
    assert "$" not in plain.stdout
    free = run("queue", routed, *INDEX, "--tier2-model", "local:folder").stdout
    assert "for nothing" in free


def test_queue_sorts_labels_by_doubt(routed: Path, tmp_path: Path) -> None:
    _, document = label(routed, tmp_path)
    facts = json.loads(run("queue", tmp_path / "labelled.json", "--by-trust", "--json").stdout)
    doubtful = facts["doubtful"]
    assert doubtful
    assert all(each["label"] and each["trust"] < 1 for each in doubtful)
    features = [(each["layer"], each["feature"]) for each in doubtful]
    assert len(features) == len(set(features))
    shown = run("queue", tmp_path / "labelled.json", "--by-trust").stdout
    assert "labels that nobody vouches for" in shown
    assert re.search(r"^  feature +token +influence +trust  label$", shown, re.M)
    assert document.annotations.labels


def test_queue_of_a_graph_nobody_routed(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    assert run("trace", PROMPT, *MODEL, "--node-threshold", "0.98", "-o", path).returncode == 0
    facts = json.loads(run("queue", path, "--json").stdout)
    assert facts["awaiting_model"] == facts["awaiting_person"] == []
    assert facts["unrouted"] > 0
    assert "run graphlabel route" in run("queue", path).stdout


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small activation verbalizer and the model it reads."""
    pair = make_pair(tmp_path_factory.mktemp("nla"), "qwen2", steps=1)
    return ["--verbalizer", str(pair.av), "--model", str(pair.source)]


def test_a_verbalizers_words_reach_the_model_and_are_remembered(
    routed: Path, tmp_path: Path, service: Service, speaker: list[str]
) -> None:
    service.says = lambda prompt: "[EXPLANATION]: what was verbalized"
    arguments = [*CLAUDE, "--tier2", "baez", "--tier2-set", "examples=1", *speaker]
    done, document = label(routed, tmp_path, *arguments)
    assert done.returncode == 0, done.stderr
    # the small model has no vector for words it does not know; those features wait
    waiting = {node.feature_key for node in waiting_nodes(document.graph, document.annotations, Tier.MODEL)}  # fmt: skip
    named = set(tier_two(document)) - waiting
    assert {document.annotations.labels[key].text for key in named} == {"what was verbalized"}
    assert not waiting or f"{len(waiting)} × verbalizer (tier 2" in done.stderr
    assert all(asked["messages"][-1]["content"].startswith("10\n<description ") for asked in service.asked)  # fmt: skip
    count = len(service.asked)
    done, _ = label(routed, tmp_path, *arguments)
    assert "0 answers" in done.stderr
    assert len(service.asked) == count


def test_tier_three_gets_an_aid_and_no_label(
    routed: Path, tmp_path: Path, speaker: list[str]
) -> None:
    done, document = label(routed, tmp_path, "--tier3", "verbalize", *speaker, "--json")
    assert done.returncode == 0, done.stderr
    annotations = document.annotations
    nodes = waiting_nodes(document.graph, annotations, Tier.PERSON)
    assert nodes
    assert set(annotations.verbalizations) <= set(nodes)
    assert not any(annotations.label_of(key) for key in nodes)
    assert f"{len(nodes)} obscure nodes put into words" in done.stderr


def test_directions_that_do_not_fit_the_verbalizer_are_counted(
    routed: Path, tmp_path: Path, speaker: list[str]
) -> None:
    transcoders = ["--transcoders", str(atlas.TRANSCODERS_FOLDER)]
    done, document = label(routed, tmp_path, "--tier2", "nla_feature_vector", *speaker, *transcoders)  # fmt: skip
    count = len(tier_two(document))
    assert f"{count} × verbalizer (tier 2, the first is L" in done.stderr
    assert "it was made for another model" in done.stderr
    assert not set(tier_two(document)) & set(document.annotations.labels)

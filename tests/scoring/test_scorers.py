"""Each scorer on labels whose worth is known."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from graphlabel.embedding import load_encoder
from graphlabel.errors import UsageError
from graphlabel.llm import Failure, FailureKind
from graphlabel.scoring.detection import Detection
from graphlabel.scoring.embedding import Embedding
from graphlabel.scoring.fuzzing import Fuzzing
from graphlabel.scoring.intruder import Intruder
from graphlabel.scoring.negatives import text_pool
from graphlabel.scoring.outcome import LabelTest
from graphlabel.scoring.prepare import Prepared, SampleSettings, for_new_labels, prepare_features
from graphlabel.scoring.registry import ASKING, NAMES, Means, check_scorers, make_scorers
from graphlabel.scoring.scorer import Scorer
from graphlabel.scoring.silence import ByRecords
from graphlabel.scoring.simulation import Simulation
from tests.scoring.made_scoring import COLOURS, DAYS, RuleGateway, knows, listed_texts, record


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    records = [record(DAYS, 0), *(record(COLOURS, i) for i in range(1, 5))]
    return prepare_features(
        records[:1],
        for_new_labels(SampleSettings(5, 9)),
        text_pool(records),
        ByRecords(),
        SampleSettings(5, 9),
    )


@pytest.fixture
def test_of_days(prepared: Prepared) -> LabelTest:
    (found,) = prepared.tests(dict.fromkeys(prepared.splits, "days of the week"))
    return found


def test_a_right_judge_scores_one_and_a_blind_one_chance(test_of_days: LabelTest) -> None:
    (right,) = Detection(RuleGateway(knows(DAYS))).score([test_of_days])
    (blind,) = Detection(RuleGateway(lambda q: json.dumps([1] * len(listed_texts(q))))).score(
        [test_of_days]
    )
    assert (right.value, blind.value, right.chance) == (1.0, 0.5, 0.5)
    assert dict(right.by_quantile) == dict.fromkeys(range(9, 0, -1), 1.0)
    assert dict(blind.by_quantile) == dict.fromkeys(range(9, 0, -1), 0.5)
    assert blind.measures["precision"] == 0.5
    assert blind.measures["recall"] == 1.0
    assert (right.measures["true_positives"], right.measures["true_negatives"]) == (9, 9)


def test_texts_are_shuffled_and_the_last_batch_is_short(test_of_days: LabelTest) -> None:
    gateway = RuleGateway(knows(DAYS))
    Detection(gateway).score([test_of_days])
    batches = [listed_texts(query.request.turns[-1].text) for query in gateway.queries]
    assert [len(batch) for batch in batches] == [5, 5, 5, 3]
    shown = [text for batch in batches for text in batch]
    assert sorted(shown) == sorted(text.excerpt.text for text in test_of_days.texts)
    fires = [any(day in text for day in DAYS) for text in shown]
    assert fires != sorted(fires, reverse=True)
    assert {query.purpose for query in gateway.queries} == {"score:detection"}


def test_a_label_that_holds_only_at_the_top_shows_by_quantile(test_of_days: LabelTest) -> None:
    strong = [t.excerpt.text for t in test_of_days.positives if t.quantile and t.quantile > 6]
    (found,) = Detection(RuleGateway(knows(strong))).score([test_of_days])
    assert [found.by_quantile[q] for q in (9, 8, 7, 6, 1)] == [1.0, 1.0, 1.0, 0.5, 0.5]
    assert found.value == pytest.approx((3 / 9 + 1) / 2, abs=1e-12)


def test_unreadable_answers_count_apart(test_of_days: LabelTest) -> None:
    calls = iter(range(10))

    def rule(question: str) -> str:
        return "hm" if next(calls) == 0 else knows(DAYS)(question)

    (found,) = Detection(RuleGateway(rule)).score([test_of_days])
    assert (found.value, found.unparsed, found.judged) == (1.0, 1, 13)
    (none,) = Detection(RuleGateway(lambda _: "hm")).score([test_of_days])
    assert (none.value, none.unparsed, none.why) == (None, 4, "no readable answer")
    assert none.kept() is None


def test_failures_are_named(test_of_days: LabelTest) -> None:
    (found,) = Detection(RuleGateway(lambda _: Failure(FailureKind.BUDGET, "spent"))).score(
        [test_of_days]
    )
    assert (found.value, found.unparsed, found.failures) == (None, 0, ("budget",))
    assert found.why == "no answer: budget"


def test_fuzzing_marks_the_active_tokens_and_as_many_wrong_ones(test_of_days: LabelTest) -> None:
    gateway = RuleGateway(knows([f"<<{day}>>" for day in DAYS]))
    (found,) = Fuzzing(gateway).score([test_of_days])
    assert found.value == 1.0
    shown = [
        text for query in gateway.queries for text in listed_texts(query.request.turns[-1].text)
    ]
    # every positive has one active token, so every text has one mark
    assert {text.count("<<") for text in shown} == {1}


def test_embedding_prefers_the_label_that_fits(prepared: Prepared) -> None:
    scorer = Embedding(load_encoder())
    values = []
    for label in ("days of the week", "colours"):
        (found,) = scorer.score(prepared.tests(dict.fromkeys(prepared.splits, label)))
        assert found.value is not None
        assert found.measures["gap_of_means"] == pytest.approx(
            found.measures["mean_positive"] - found.measures["mean_negative"], abs=1e-12
        )
        values.append(found.value)
    assert values[0] > 0.9
    assert values[1] < 0.3


def test_the_intruder_needs_no_label(prepared: Prepared) -> None:
    def rule(question: str) -> str:
        shown = listed_texts(question)
        assert "days of the week" not in question
        (odd,) = (
            i
            for i, text in enumerate(shown, 1)
            if not re.search("|".join(f"<<{day}>>" for day in DAYS), text)
        )
        return f"[{odd}]"

    tests = prepared.tests(dict.fromkeys(prepared.splits, "days of the week"))
    gateway = RuleGateway(rule)
    (found,) = Intruder(gateway, n=5).score(tests)
    assert (found.value, found.label) == (1.0, "")
    # nine positives: two trials of five texts; a ninth text alone makes none
    assert (len(gateway.queries), found.chance) == (2, 0.2)
    (first,) = Intruder(RuleGateway(lambda _: "[9]"), n=5).score(tests)
    assert (first.value, first.unparsed) == (None, 2)


def test_the_last_trial_may_be_short(prepared: Prepared) -> None:
    tests = prepared.tests(dict.fromkeys(prepared.splits, ""))
    gateway = RuleGateway(lambda _: "[1]")
    (found,) = Intruder(gateway, n=8).score(tests)
    sizes = [len(listed_texts(query.request.turns[-1].text)) for query in gateway.queries]
    assert sizes == [8, 3]
    assert found.chance == pytest.approx((1 / 8 + 1 / 3) / 2, abs=1e-12)


def simulated(question: str, words: tuple[str, ...]) -> str:
    return json.dumps([10 if token.strip() in words else 0 for token in listed_texts(question)])


def test_simulation_correlates_with_the_true_activations(test_of_days: LabelTest) -> None:
    (right,) = Simulation(RuleGateway(lambda q: simulated(q, DAYS))).score([test_of_days])
    (wrong,) = Simulation(RuleGateway(lambda q: simulated(q, COLOURS))).score([test_of_days])
    (constant,) = Simulation(RuleGateway(lambda q: simulated(q, ()))).score([test_of_days])
    assert right.value is not None
    assert wrong.value is not None
    predicted, true = [], []
    for text in test_of_days.texts:
        predicted += [10 if token.strip() in DAYS else 0 for token in text.excerpt.tokens]
        true += list(text.excerpt.activations) if text.fires else [0.0] * len(text.excerpt.tokens)
    assert right.value == pytest.approx(np.corrcoef(predicted, true)[0, 1], abs=1e-12)
    assert right.value > 0.8
    assert wrong.value < 0
    assert constant.value == 0.0
    assert right.by_quantile[9] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if name in ASKING])
def test_tests_without_texts_have_no_score_and_ask_nothing(
    name: str, test_of_days: LabelTest
) -> None:
    gateway = RuleGateway(lambda _: "[1]")
    empty = replace(test_of_days, positives=(), negatives=())
    (found,) = ASKING[name](gateway, 0).score([empty])
    assert found.value is None
    assert found.why
    assert gateway.queries == []


def test_names_are_checked() -> None:
    with pytest.raises(UsageError, match="no scorer “detektion”"):
        check_scorers(["detektion"], asking=True)
    with pytest.raises(UsageError, match="add --judge"):
        check_scorers(["embedding", "fuzzing"], asking=False)
    with pytest.raises(UsageError, match="no scorer is named"):
        check_scorers([], asking=True)
    made = make_scorers([*NAMES, "fuzzing"], Means(load_encoder, RuleGateway(lambda _: "")))
    assert [each.name for each in made] == list(NAMES)
    assert all(isinstance(each, Scorer) for each in made)

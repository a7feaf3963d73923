"""The comparison of methods: tables, picture, pairs, lines."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from graphlabel.embedding import load_encoder
from graphlabel.graph import FeatureKey
from graphlabel.scoring import (
    ByRecords,
    Prepared,
    SampleSettings,
    for_new_labels,
    prepare_features,
    text_pool,
)
from graphlabel.scoring.comparison import (
    Comparison,
    compare_methods,
    comparison_lines,
    comparison_markdown,
    comparison_svg,
    furthest_apart,
)
from graphlabel.scoring.comparison.compare import LABEL_FREE
from graphlabel.scoring.comparison.shown import inert_code
from graphlabel.scoring.detection import Detection
from graphlabel.scoring.intruder import Intruder
from graphlabel.scoring.output_check import OutputCheck, Raised
from graphlabel.scoring.scorer import Scorer
from tests.scoring.made_scoring import COLOURS, DAYS, RuleGateway, knows, listed_texts, record

RIGHT, WRONG = "days", "the weather"
HOSTILE = "`|\n# x\x1b[31m\u202e<script>alert(1)</script>"


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    settings = SampleSettings(5, 9)
    records = [record(DAYS, 0), record(DAYS, 1), *(record(COLOURS, i) for i in range(2, 6))]
    return prepare_features(
        records[:2], for_new_labels(settings), text_pool(records[2:]), ByRecords(), settings
    )


def judge(question: str) -> str:
    if not question.startswith("Description:"):
        return "[1]"
    return (
        knows(DAYS)(question)
        if RIGHT in question.splitlines()[0]
        else json.dumps([1] * len(listed_texts(question)))
    )


class AlwaysRaised:
    """A lens that sees every text raised most."""

    how = "made"

    def raised(self, *_: object) -> Raised:
        """The first rank."""
        return Raised(1)


@pytest.fixture(scope="module")
def comparison(prepared: Prepared) -> Comparison:
    first, second = prepared.splits
    labels = {
        "good": {first: RIGHT, second: RIGHT},
        "bad": {first: WRONG, second: HOSTILE},
        "shy": {first: WRONG},
    }
    gateway = RuleGateway(judge)
    scorers: list[Scorer] = [Detection(gateway), Intruder(gateway), OutputCheck()]
    scores = compare_methods(prepared, labels, scorers)
    measures = {each.name: each.measure for each in scorers}
    return Comparison(prepared, labels, measures, scores, {"source": "made"}, ["one remark"])


def test_methods_are_scored_apart_and_features_once(comparison: Comparison) -> None:
    detection = comparison.summaries("detection")
    assert {name: found.value.mean for name, found in detection.items() if found.value} == {
        "good": 1.0,
        "bad": 0.5,
        "shy": 0.5,
    }
    assert set(comparison.summaries("intruder")) == {LABEL_FREE}
    assert comparison.summaries("output_check")["good"].unmeasured == 2
    difference = comparison.differences("detection")["good", "bad"]
    assert (difference.mean, difference.n) == (0.5, 2)
    assert comparison.differences("detection")["good", "shy"].n == 1


def test_the_report_holds_every_number_and_no_live_text(comparison: Comparison) -> None:
    pairs = furthest_apart(comparison.labels, load_encoder())
    report = comparison_markdown(comparison, pairs, title="Made", picture="scores.svg")
    assert "| detection | good | 1.00 [1.00, 1.00] | 0.50 | 2 | 0 | TP/FP/TN/FN 18/0/" in report
    assert "* one remark" in report
    assert "negatives were checked by the records at hand" in report
    assert "| detection | good − bad | 0.50 [0.50, 0.50] | 2 | yes |" in report
    assert "«" in report
    assert "<script>" not in report.replace(inert_code(HOSTILE).replace("|", "\\|"), "")
    assert "\x1b" not in report
    assert "\u202e" not in report
    widths = {
        line.replace("\\|", "").count("|")
        for line in report.splitlines()
        if line.startswith("| detection | ")
    }
    assert widths == {8, 13, 6}


def test_the_picture_is_sound_and_always_the_same(comparison: Comparison) -> None:
    picture = comparison_svg(comparison, "Made <up> & \u202e")
    assert picture == comparison_svg(comparison, "Made <up> & \u202e")
    root = ElementTree.fromstring(picture)
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Made <up> & " in texts
    assert "chance 0.50" in texts
    assert "chance 0.20" in texts
    assert any(text.startswith("good ") for text in texts)
    assert any(text.endswith("n = 2") for text in texts)
    assert texts.count("weakest tenth") == 2  # detection and the intruder judge texts
    # the output check measured nothing and has no panel
    assert not any(text.startswith("output_check") for text in texts)


def test_a_scorer_of_whole_labels_has_no_curve(prepared: Prepared) -> None:
    (first, *_) = prepared.splits
    check = OutputCheck(AlwaysRaised())
    scores = compare_methods(prepared, {"say": {first: "say Monday"}}, [check])
    found = Comparison(prepared, {}, {check.name: check.measure}, scores, {}, [])
    picture = comparison_svg(found, "Said")
    assert "in the top 10" in picture
    assert "weakest tenth" not in picture


def test_pairs_are_one_a_feature_and_furthest_first(comparison: Comparison) -> None:
    encoder = load_encoder()
    pairs = furthest_apart(comparison.labels, encoder)
    assert {pair.key for pair in pairs} == set(comparison.prepared.splits)
    assert [pair.cosine for pair in pairs] == sorted(pair.cosine for pair in pairs)
    for pair in pairs:
        one, other = encoder.encode(list(pair.labels))
        assert pair.cosine == pytest.approx(float(np.dot(one, other)), abs=1e-5)  # float32
    assert furthest_apart({"alone": {FeatureKey(0, 0): "a"}}, encoder) == []
    assert furthest_apart({"one": {FeatureKey(0, 0): "a"}, "two": {}}, encoder) == []


def test_lines_hold_every_score(comparison: Comparison) -> None:
    lines = [json.loads(line) for line in comparison_lines(comparison)]
    # detection: 2 + 2 + 1 labels; intruder: 2 features; output check: 5 labels
    assert len(lines) == 12
    first = lines[0]
    assert (first["scorer"], first["method"], first["value"]) == ("detection", "good", 1.0)
    assert first["by_quantile"]["9"] == 1.0


def test_what_limits_the_scores_is_said(comparison: Comparison, prepared: Prepared) -> None:
    key = next(iter(prepared.splits))
    poor = replace(
        prepared.negatives[key], texts=prepared.negatives[key].texts[:1], expected_firing=3.0
    )
    changed = replace(
        prepared, negatives={**prepared.negatives, key: poor}, too_few=(FeatureKey(0, 9),)
    )
    assert changed.remarks[1].startswith("by their density alone, features fire on about ")
    assert changed.remarks[-2:] == [
        "1 features have fewer negatives than positives: they fire so often",
        "1 features were passed over: too few distinct texts",
    ]


def test_the_work_ends_where_it_is_told_to(prepared: Prepared) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    key = next(iter(prepared.splits))
    with pytest.raises(KeyboardInterrupt):
        compare_methods(prepared, {"a": {key: "x"}}, [OutputCheck()], after_each=stop)

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def routing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("routing", ROOT / "benchmarks" / "routing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["routing"] = module
    spec.loader.exec_module(module)
    return module


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_confusion_recall_and_macro_f1(routing: ModuleType) -> None:
    gold = ["input"] * 4 + ["output"] * 2 + ["obscure"]
    routed = ["input", "input", "output", None, "output", "input", "obscure"]
    found = routing.Agreement.of(gold, routed)
    assert found.sizes.tolist() == [4, 2, 0, 1]
    assert found.counts[0].tolist() == [2, 1, 0, 0, 1]
    # F1 of input: 2·2 / (4 gold + 3 routed); of output: 2·1 / (2 + 2); of obscure: 1
    assert found.f1.tolist() == pytest.approx([4 / 7, 0.5, 0.0, 1.0])
    assert found.macro_f1() == pytest.approx((4 / 7 + 0.5 + 1.0) / 3)
    assert found.macro_f1(2) == pytest.approx((4 / 7 + 0.5) / 2)
    assert found.macro_f1(5) != found.macro_f1(5)


def test_shuffled_gold_is_seeded_and_worse_than_the_truth(routing: ModuleType) -> None:
    gold = ["input"] * 40 + ["output"] * 40
    mean, deviation = routing.shuffled(gold, gold)
    assert (mean, deviation) == routing.shuffled(gold, gold)
    assert 0.4 < mean < 0.6
    assert 0 < deviation < 0.1


def test_prints_a_table_of_routes_from_a_file(
    routing: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gold = [
        {"feature": "h.4_feature12", "class": "input"},
        {"feature": "h.4_feature13", "class": "cross", "votes": 2},
        {"feature": "h.4_feature14", "class": None, "status": "partial"},
    ]
    routed = [{"feature": "h.4_feature12", "class": "input", "tier": 1, "reason": ""}]
    write(tmp_path / "gold.jsonl", gold)
    file = write(tmp_path / "routed.jsonl", routed)
    arguments = ["routing", "--gold", str(tmp_path), "--routed", str(file)]
    monkeypatch.setattr(sys, "argv", arguments)
    routing.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "left out of the gold: 1 partial"
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert rows["input"][:7] == ["1", "0", "0", "0", "0", "1.000", "0.207"]
    assert rows["cross"][:6] == ["0", "0", "0", "0", "1", "0.000"]
    assert "macro-F1 nan over classes of at least 15 features, 0.500 over all" in lines[-1]


@pytest.mark.parametrize(
    "line", ['{"feature": "1/2", "class": "inputs"}', "{", '{"class": "input"}']
)
def test_bad_gold_is_refused_in_one_line(
    routing: ModuleType,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(line, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["routing", "--gold", str(path)])
    with pytest.raises(SystemExit) as caught:
        routing.main()
    assert caught.value.code == 2
    assert str(path) in capsys.readouterr().err.splitlines()[-1]


def test_features_go_by_the_names_of_the_sources_beside_the_gold(
    routing: ModuleType, real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    features = real_data("features")
    (tmp_path / "gold.jsonl").write_text(
        '{"feature": "h.4_feature12", "class": "input"}\n{"feature": "resid_5/3036", "class": "output"}\n'
    )
    for name in ("delphi-gpt2", "feature-circuits"):
        (tmp_path / name).symlink_to(features / name)
    options = argparse.Namespace(
        gold=tmp_path,
        features=None,
        routed=None,
        rule="raw",
        tau=0.3,
        n=None,
        encoder=None,
        calibration=None,
    )
    found = routing.routes_of(["h.4_feature12", "resid_5/3036", "not/there"], options)
    assert found["h.4_feature12"] == "input"
    assert found.keys() == {"h.4_feature12", "resid_5/3036"}

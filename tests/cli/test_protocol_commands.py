"""calibrate, route --all and profile as a person runs them, on the embedded index."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphlabel import atlas
from graphlabel.cli.protocol_options import ProtocolOptions, parse_window
from graphlabel.cli.route_all import parse_layers
from graphlabel.errors import UsageError
from graphlabel.evidence.index.format import LAYER_SCHEMA
from graphlabel.protocol import CalibratedSettings, RawSettings, Strategy, Window, read_calibration

sys.path.insert(0, str(Path(__file__).parent))
from test_commands import Done, run

INDEX = ["--features", str(atlas.INDEX_FOLDER)]
RAW = ["--rule", "raw", "--n", "3", "--input-window", "0:0", "--output-window", "1:1"]


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibration") / "c.npz"
    done = run(
        "calibrate", *INDEX, "-o", path, "--n", "3", "--max-features", "200", "--draws", "2000",
        "--input-window", "0:0", "--output-window", "1:1", "--cross-window", "-2:2", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["features"], facts["draws"]) == (200, 2000)
    assert [each["window"] for each in facts["windows"]] == [[0, 0], [1, 1], [-2, 2]]
    assert all(each["null_mean"] < each["null_95"] <= each["q95"] for each in facts["windows"])
    return path


def lines(done: Done) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_calibration_knows_where_it_comes_from(calibration: Path) -> None:
    found = read_calibration(calibration)
    assert found.source.startswith("atlas ▸ atlas sha256:")
    assert found.encoder_revision.startswith("sha256:")
    assert (found.settings.n, found.settings.draws, found.n_features) == (3, 2000, 200)


def test_a_whole_source_is_routed_a_line_each(calibration: Path) -> None:
    found = lines(
        run("route", "--all", *INDEX, "--calibration", calibration, "--layers", "1-2", "--limit", "20", "--json")
    )  # fmt: skip
    assert len(found) == 20
    assert found[0]["feature"].startswith("1/")
    for row in found:
        assert {"feature", "class", "tier", "scores", "reason"} <= row.keys()
        assert row["tier"] == {"input": 1, "output": 1, "cross": 2, "obscure": 3}[row["class"]]
        assert row["scores"].keys() == {"input", "output", "cross"}
        for score in row["scores"].values():
            assert score is None or {"s", "weighted", "n", "p", "effect"} <= score.keys()
        assert row["reason"]


def test_the_raw_rule_leaves_cross_out_where_it_is_not_needed() -> None:
    found = lines(run("route", "--all", *INDEX, *RAW, "--limit", "12", "--json"))
    for row in found:
        assert (row["scores"]["cross"] is None) == (row["class"] in ("input", "output"))
        assert all(score is None or score["p"] is None for score in row["scores"].values())


def test_lines_go_to_a_file_and_a_table_to_the_screen(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    done = run("route", "--all", *INDEX, *RAW, "--limit", "12", "-o", path)
    assert "classes by layer" in done.stdout
    assert len(path.read_text().splitlines()) == 12
    shown = run("route", "--all", *INDEX, *RAW, "--limit", "12")
    assert shown.stdout.splitlines()[0].startswith("0/0 ")
    profiled = json.loads(run("profile", path, "--json").stdout)
    classes = profiled["layers"][0]["classes"]
    assert sum(each["count"] for each in classes.values()) == 12


def test_extensions_and_the_tail_are_switched_on(calibration: Path) -> None:
    found = lines(
        run("route", "--all", *INDEX, "--calibration", calibration, "--limit", "12", "--tail",
            "--logit-agreement", "--theta", "0.3", "--json")
    )  # fmt: skip
    assert any("S by stretch: top" in note for row in found for note in row["notes"])


@pytest.fixture
def broken_index(tmp_path: Path) -> Path:
    """The embedded index with a NaN in one feature and features of no, one and broken examples."""
    folder = tmp_path / "broken"
    shutil.copytree(atlas.INDEX_FOLDER, folder)
    path = folder / "layer_0.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[1]["quantiles"][0]["examples"][0]["acts"][0] = float("nan")
    rows[2]["quantiles"] = []
    rows[3]["quantiles"][0]["examples"] = rows[3]["quantiles"][0]["examples"][:1]
    rows[4]["quantiles"] = [{"name": "top", "examples": [{"ids": [], "acts": []}]}]
    pq.write_table(pa.Table.from_pylist(rows, LAYER_SCHEMA), path, row_group_size=64)
    return folder


def test_broken_evidence_is_skipped_said_and_counted(broken_index: Path) -> None:
    arguments = ["route", "--all", "--features", broken_index, *RAW, "--limit", "6", "--json"]
    done = run(*arguments)
    rows = {row["feature"]: row for row in lines(done)}
    assert rows.keys() == {"0/0", "0/1", "0/2", "0/3", "0/5"}
    for name, words in (("0/2", "no example"), ("0/3", "only one example")):
        assert rows[name]["class"] == "obscure"
        assert rows[name]["scores"] == {"input": None, "output": None, "cross": None}
        assert words in rows[name]["reason"]
    assert "1 broken example left out" in rows["0/1"]["notes"]
    assert "1 of 6 features have broken examples, which were left out" in done.stderr
    assert "skipped 0/4: all of its examples are broken (1)" in done.stderr
    assert "1 of 6 features were skipped" in done.stderr
    strict = run(*arguments, "--strict")
    assert strict.returncode == 2
    assert "0/1: 1 of its examples are broken (--strict)" in strict.stderr


def test_a_profile_is_drawn(tmp_path: Path, calibration: Path) -> None:
    picture = tmp_path / "p.svg"
    done = run(
        "profile",
        atlas.INDEX_FOLDER,
        "--calibration",
        calibration,
        "--limit",
        "24",
        "--svg",
        picture,
    )
    assert done.returncode == 0, done.stderr
    assert "▼ input" in done.stdout
    assert "early input, middle abstract, late output: z" in done.stdout
    assert "\x1b" not in done.stdout
    root = ElementTree.parse(picture).getroot()
    assert root.tag.endswith("svg")
    texts = [each.text or "" for each in root.iter() if each.tag.endswith("}text")]
    layers = sum(text.startswith("n = ") for text in texts)
    assert layers == 3
    intervals = [text for text in texts if re.fullmatch(r"\d+ \[\d+, \d+\]", text)]
    assert len(intervals) == 4 * layers


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["route", *INDEX, "--all", "g.json"], "drop g.json or --all"),
        (["route", *INDEX], "name a GRAPH"),
        (["route", *INDEX, "--all", "--layers", "x"], "names no layers"),
        (["route", *INDEX, "--all", "--layers", "99", *RAW], "no such features"),
        (["route", *INDEX, "--all", "--layers", "3-1"], "3-1 end before they begin"),
        (["route", *INDEX, "--all", "--theta", "nan"], "--theta is nan"),
        (["route", *INDEX, "--all", "--cross-floor", "inf"], "--cross-floor is inf"),
        (["route", *INDEX, "--all", "--rule", "raw", "--tau", "nan"], "--tau is nan"),
        (["calibrate", *INDEX, "-o", "c.npz", "--theta", "nan"], "--theta is nan"),
        (["profile", __file__, "--rule", "raw", "--limit", "3"], "drop --rule, --limit"),
        (["profile", __file__, "--encoder", "x"], "routed already"),
        (["route", *INDEX, "--all", "--rule", "dice"], "dice"),
        (["route", *INDEX, "--all", "--rule", "raw", "--theta", "1"], "--theta belongs to the calibrated"),
        (["route", *INDEX, "--all", "--rule", "raw", "--fdr", "0.1"], "--fdr belongs to the calibrated"),
        (["route", *INDEX, "--all", *RAW, "--input-window", "1:2"], "one --input-window"),
        (["route", *INDEX, "--all", "--input-window", "left"], "is no window"),
        (["route", *INDEX, "--all", "--input-window", "2:1"], "before it begins"),
        (["route", *INDEX, "--all", "--examples", "best"], "strong or quantiles"),
        (["route", *INDEX, "--all", "--calibration", "no.npz"], "there is no calibration at no.npz"),
        (["route", *INDEX, "--all", "--n", "1"], "--n"),
        (["calibrate", *INDEX, "-o", "/proc/none/c.npz"], "cannot write"),
        (["calibrate", *INDEX, "-o", "c.npz", "--min-features", "5000", "--max-features", "9000"], "--rule raw"),
        (["profile", "no-such-place"], "no feature source"),
    ],
)  # fmt: skip
def test_bad_options_are_one_line_and_exit_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if line.startswith("graphlabel: ")]
    assert len(said) == 1
    assert message in said[0]
    assert not list(tmp_path.glob("*.npz"))


def test_a_calibration_of_other_windows_is_refused(calibration: Path) -> None:
    done = run("route", "--all", *INDEX, "--calibration", calibration, "--n", "5")
    assert (done.returncode, "made with other windows" in done.stderr) == (2, True)


def test_options_become_settings() -> None:
    assert ProtocolOptions().settings() == CalibratedSettings()
    assert ProtocolOptions(rule="raw").settings() == RawSettings()
    given = ProtocolOptions(
        theta=0.3, cross_floor=0.2, false_discovery_rate=0.1, n=7, weighted=True, whole_words=True,
        examples="quantiles", input_window=["0:0", "[-3, 0]"], cross_window=["-4,4"], draws=500,
        min_features=20, seed=3, cross_without_peak=True, matched_null=True, logit_agreement=True,
    ).settings()  # fmt: skip
    assert given == CalibratedSettings(
        theta=0.3, cross_floor=0.2, false_discovery_rate=0.1, n=7, weighted=True, whole_words=True,
        examples=Strategy.QUANTILES, input=(Window(0, 0), Window(-3, 0)), cross=(Window(-4, 4),),
        draws=500, min_features=20, seed=3, cross_without_peak=True, matched_null=True,
        logit_agreement=True,
    )  # fmt: skip
    assert parse_window("-1:0") == Window(-1, 0)
    assert parse_layers("0-2, 5") == {0, 1, 2, 5}
    with pytest.raises(UsageError):
        parse_window("1")

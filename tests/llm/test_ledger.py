"""The ledger: calls, tokens and dollars by tier, method and model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from graphlabel.llm import Completion
from graphlabel.llm.ledger import read_ledger
from tests.llm.conftest import Opener, queries, query
from tests.llm.server import MESSAGES, Reply, Service, error


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graphlabel", "ledger", *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_calls_are_counted_by_tier_method_and_model(service: Service, opener: Opener) -> None:
    assert read_ledger() == []
    service.replies[MESSAGES] = [error(529, "overloaded_error", "Overloaded"), Reply(after=0.3)]
    opener(concurrency=1, timeout=0.15).ask(queries(3))
    opener().ask(queries(3))  # from the cache: no calls
    opener(batch=True).ask([query("more", purpose="score:detection", tier=None), *queries(3)])  # type: ignore[arg-type]
    opener("anthropic:claude-opus-5").ask(queries(1))
    rows = read_ledger()
    assert [(row.tier, row.purpose, row.answered, row.in_batches) for row in rows] == [
        (2, "label:np_max-act", 1, 0), (2, "label:np_max-act", 3, 0), (None, "score:detection", 1, 1),
    ]  # fmt: skip
    opus, haiku, batch = rows
    assert opus.dollars == pytest.approx((100 * 5 + 20 * 25) / 1e6)
    assert haiku.dollars == pytest.approx(3 * (100 * 0.1 + 20 * 0.5) / 1e6)
    assert batch.dollars == pytest.approx(haiku.dollars / 6)
    assert (haiku.failed, haiku.unsure, haiku.input_tokens, haiku.output_tokens) == (1, 1, 300, 60)
    assert haiku.unsure_dollars > 0
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert read_ledger(since=tomorrow) == []
    assert read_ledger(since=datetime.now(UTC) - timedelta(days=1)) == rows


def test_answers_without_a_price(service: Service, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    (answer,) = opener("anthropic:claude-unheard-of").ask([query("hello")])
    assert isinstance(answer, Completion)
    assert answer.dollars is None
    assert read_ledger()[0].unpriced == 1


def test_the_command(service: Service, opener: Opener) -> None:
    assert "no language model was asked yet" in run().stderr
    opener().ask([query("x", purpose="label:evil\x1b[31m[red]")])
    shown = run()
    assert shown.returncode == 0, shown.stderr
    assert "label:evil␛[31m[red]" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert not any(each in shown.stdout for each in ("batches", "failed", "unsure"))  # all are zero
    (row,) = json.loads(run("--json").stdout)["rows"]
    assert (row["answered"], row["input_tokens"], row["tier"]) == (1, 100, 2)
    refused = run("--since", "yesterday")
    assert refused.returncode == 2
    assert "YYYY-MM-DD" in refused.stderr

"""Neuronpedia's API against a real server in a thread that behaves as documented."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from graphlabel.errors import EvidenceError, FeatureListError
from graphlabel.evidence import get_records, open_source
from graphlabel.evidence.sources.cache import default_cache_path
from graphlabel.evidence.sources.neuronpedia_api import NeuronpediaApi, parse_place, server
from graphlabel.evidence.sources.remote import Remote
from graphlabel.graph import FeatureKey
from graphlabel.records import TranscoderSet

PLACE = "neuronpedia:m-2b/set-16k"


def api(base: str, waits: list[float] | None = None, **options: object) -> NeuronpediaApi:
    """The source with its waits noted down instead of slept through."""
    waits = [] if waits is None else waits
    return NeuronpediaApi("m-2b", "set-16k", None, Remote(base, sleep=waits.append, **options))  # type: ignore[arg-type]


def test_a_feature_with_everything(neuronpedia) -> None:
    source = open_source(PLACE)
    record = source.get(FeatureKey(3, 7))
    assert record is not None
    assert source.transcoder_set == record.transcoder_set == TranscoderSet("m-2b", "set-16k")
    assert [quantile.name for quantile in record.quantiles] == ["top", "1–3"]
    top, low = (quantile.examples[0] for quantile in record.quantiles)
    assert (top.peak, top.peak_activation, top.sampled) == (2, 12.0, None)
    assert (low.peak, low.sampled) == (2, 3)
    assert [(e.token, e.value) for e in record.top_logits] == [(" Austin", 1.5), (" Texas", 0.5)]
    assert record.histogram is not None
    assert (record.histogram.low, record.histogram.high) == (0.0, 6.0)
    assert (record.density, record.max_activation) == (0.01, 12.0)
    assert (record.explanations[0].text, record.explanations[0].score) == ("Texas cities", 0.75)
    assert neuronpedia.requests == [("GET", "/api/feature/m-2b/3-set-16k/7")]
    assert source.name_of(FeatureKey(3, 7)) == "3-set-16k/7"
    assert source.key_named("m-2b/3-set-16k/7") == source.key_named("3-set-16k/7") == (3, 7)
    assert source.key_named("3-other/7") is None


def test_answers_are_kept_and_offline_uses_them_alone(neuronpedia) -> None:
    keys = [FeatureKey(3, 7), FeatureKey(3, 5000)]
    first = get_records(open_source(PLACE), keys)
    asked = len(neuronpedia.requests)
    for offline in (False, True):
        again = get_records(open_source(PLACE, offline=offline), keys)
        assert again == first
    assert again[FeatureKey(3, 5000)] is None
    assert len(neuronpedia.requests) == asked
    offline = open_source(PLACE, offline=True)
    assert offline.get(FeatureKey(9, 1)) is None
    assert len(neuronpedia.requests) == asked
    assert "(offline)" in offline.name


def test_many_features_come_in_batches_of_one_layer_and_few_at_once(neuronpedia) -> None:
    keys = [FeatureKey(layer, feature) for layer in (1, 2) for feature in range(90)]
    told: list[tuple[int, int]] = []
    records = get_records(open_source(PLACE), keys, lambda *done: told.append(done))
    assert all(records[key].key == key for key in keys)
    assert all(records[key].max_activation == 5.0 + key.feature for key in keys)
    assert {method for method, _ in neuronpedia.requests} == {"POST"}
    assert len(neuronpedia.requests) == 6
    assert neuronpedia.most_at_once <= 4
    assert sorted(told)[-1] == (180, 180)


def test_the_key_is_sent_and_kept_nowhere(neuronpedia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONPEDIA_API_KEY", "sk-secret-1")
    open_source(PLACE).get(FeatureKey(3, 7))
    assert neuronpedia.keys == ["sk-secret-1"]
    neuronpedia.failures.append((401, {}))
    with pytest.raises(EvidenceError, match="NEURONPEDIA_API_KEY") as refused:
        open_source(PLACE).get(FeatureKey(3, 8))
    assert "sk-secret-1" not in str(refused.value)
    assert b"sk-secret-1" not in default_cache_path().read_bytes()


def test_a_redirect_never_takes_the_key_elsewhere(neuronpedia, web, monkeypatch) -> None:
    thief = web(lambda *_: (200, {}, b"{}"))
    monkeypatch.setenv("NEURONPEDIA_API_KEY", "sk-secret-1")
    neuronpedia.failures.append((302, {"Location": thief.base + "/x"}))
    with pytest.raises(EvidenceError, match="has moved to 127"):
        open_source(PLACE).get(FeatureKey(3, 7))
    assert thief.requests == []


def test_busy_servers_are_asked_again_as_they_say(neuronpedia) -> None:
    waits: list[float] = []
    neuronpedia.failures += [(429, {"Retry-After": "7"}), (503, {}), (500, {})]
    assert api(neuronpedia.base, waits).get(FeatureKey(3, 7)) is not None
    assert waits[0] == 7.0
    assert 0.5 <= waits[1] <= 3.0
    assert waits[1] < waits[2] <= 6.0


@pytest.mark.parametrize(
    ("failures", "message"),
    [
        ([(429, {"Retry-After": "1"})] * 3, "answers with status 429, 3 times"),
        ([(503, {})] * 3, "answers with status 503, 3 times"),
        ([(429, {"Retry-After": "3000"})], "asks to wait 3000 s"),
        ([(401, {})], "NEURONPEDIA_API_KEY"),
        ([(418, {})], "status 418"),
    ],
)
def test_refusals_are_one_clear_line(neuronpedia, failures, message: str) -> None:
    neuronpedia.failures += failures
    with pytest.raises(EvidenceError, match=message) as raised:
        api(neuronpedia.base, attempts=3).get(FeatureKey(3, 7))
    assert "\n" not in str(raised.value)
    assert neuronpedia.failures == []


def test_a_server_that_is_not_there() -> None:
    waits: list[float] = []
    with pytest.raises(EvidenceError, match="does not answer"):
        api("http://127.0.0.1:9", waits, attempts=3).get(FeatureKey(3, 7))
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<!doctype html><p>Welcome", "web page, not JSON"),
        (b'{"index": "7", "activations"', "not JSON"),
        (b"[1, 2]", "a list where an object"),
        (b'{"activations": {"tokens": []}}', "an object where a list"),
    ],
)
def test_nonsense_is_refused_and_not_kept(web, body: bytes, message: str) -> None:
    server = web(lambda *_: (200, {}, body))
    source = api(server.base)
    for asked in (1, 2):
        with pytest.raises(EvidenceError, match=message):
            source.get(FeatureKey(3, 7))
        if "where a list" not in message:
            assert len(server.requests) == asked


def test_what_arrived_before_a_failure_is_kept(neuronpedia) -> None:
    keys = [FeatureKey(1, feature) for feature in range(64)]
    source = api(neuronpedia.base, attempts=1)
    neuronpedia.failures.append((500, {}))
    with pytest.raises(EvidenceError, match="500"):
        source.fetch(keys)
    kept = [key for key in keys if open_source(PLACE, offline=True).get(key)]
    assert len(kept) in (0, 32)
    source.fetch(keys)
    assert all(open_source(PLACE, offline=True).get(key) for key in keys)


def test_the_pace_holds_over_threads(neuronpedia) -> None:
    waits: list[float] = []
    source = api(neuronpedia.base, waits, interval=10.0)
    threads = [threading.Thread(target=source.get, args=(FeatureKey(3, n),)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, -1) for wait in waits) == [10.0, 20.0]


def test_a_broken_cache_is_one_line(neuronpedia) -> None:
    path = default_cache_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(EvidenceError, match="delete the file"):
        open_source(PLACE).get(FeatureKey(3, 7))


def test_misses_are_believed_for_a_day(neuronpedia) -> None:
    source, key = open_source(PLACE), FeatureKey(3, 5000)
    assert source.get(key) is None
    with sqlite3.connect(default_cache_path()) as database:
        database.execute("update answers set time = time - 90000")
    database.close()
    assert source.get(key) is None
    assert len(neuronpedia.requests) == 2


def test_its_features_cannot_be_listed(neuronpedia) -> None:
    with pytest.raises(FeatureListError, match="export"):
        open_source(PLACE).keys()


def test_places() -> None:
    assert parse_place("neuronpedia:gemma-2-2b/gemmascope-transcoder-16k") == ("gemma-2-2b", "gemmascope-transcoder-16k", None)  # fmt: skip
    assert parse_place("neuronpedia:gemma-2-2b/20-gemmascope-res-16k") == ("gemma-2-2b", "gemmascope-res-16k", 20)  # fmt: skip
    assert parse_place("https://www.neuronpedia.org/gpt2-small/7-res-jb/3") == ("gpt2-small", "res-jb", 7)  # fmt: skip
    for wrong in ("neuronpedia:gemma-2-2b", "neuronpedia:", "neuronpedia:a?b/c"):
        with pytest.raises(EvidenceError, match="MODEL/SET"):
            open_source(wrong)


def test_one_layer_only(neuronpedia) -> None:
    source = open_source("neuronpedia:m-2b/3-set-16k")
    assert source.get(FeatureKey(3, 1)) is not None
    assert source.get(FeatureKey(4, 1)) is None
    assert len(neuronpedia.requests) == 1


def test_a_key_with_a_line_break_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURONPEDIA_API_KEY", "a\nb")
    with pytest.raises(EvidenceError, match="NEURONPEDIA_API_KEY") as refused:
        server()
    assert "a\nb" not in str(refused.value)


def test_a_server_without_batches_is_asked_one_by_one(neuronpedia) -> None:
    answer = neuronpedia.answer
    neuronpedia.answer = lambda method, *rest: (
        (404, {}, b"") if method == "POST" else answer(method, *rest)
    )
    keys = [FeatureKey(1, feature) for feature in range(3)]
    records = get_records(open_source(PLACE), keys)
    assert all(records.values())
    assert [method for method, _ in neuronpedia.requests] == ["POST", "GET", "GET", "GET"]


def test_a_failure_wakes_those_that_wait(neuronpedia) -> None:
    """One request is told to wait a minute, another is refused: nobody waits for the minute."""
    neuronpedia.failures += [(429, {"Retry-After": "60"}), (401, {})]
    keys = [FeatureKey(layer, 1) for layer in (1, 2)]
    source = open_source(PLACE)
    with pytest.raises(EvidenceError, match="API_KEY"):
        source.fetch(keys)
    source.fetch(keys)
    assert all(open_source(PLACE, offline=True).get(key) for key in keys)

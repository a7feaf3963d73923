"""Verbalizers behind servers, against the same tiny NLA run here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from graphlabel.annotation import Reading
from graphlabel.errors import GraphLabelError, RemoteError, VerbalizerError
from graphlabel.labeling.verbalizers import (
    Passage,
    ResidualVector,
    Sampling,
    Verbalizer,
    VerbalizerPlace,
    open_verbalizer,
)
from graphlabel.labeling.verbalizers.embeddings import embedding_rows
from graphlabel.labeling.verbalizers.local import LocalVerbalizer
from graphlabel.labeling.verbalizers.neuronpedia_server import open_server
from graphlabel.labeling.verbalizers.sglang import open_sglang
from tests.labeling.verbalizers import servers
from tests.labeling.verbalizers.nla import LAYER, VOCABULARY, WIDTH, WORDS, Pair

GREEDY = Sampling(temperature=0.0, max_tokens=8)
PASSAGE = Passage("the rivers of Dallas", Reading.EXAMPLE)
SECRET = "sesame-open-quietly"


def here(pair: Pair) -> LocalVerbalizer:
    """The NLA in this process, with all that belongs to it."""
    found = open_verbalizer(
        VerbalizerPlace(
            str(pair.av), reconstructor=str(pair.ar), model=str(pair.source), dtype="float32", device="cpu",
            sampling=GREEDY,
        )
    )  # fmt: skip
    assert isinstance(found, LocalVerbalizer)
    return found


def vectors(pair: Pair) -> list[ResidualVector]:
    return [ResidualVector(row, LAYER, Reading.PROMPT) for row in pair.directions]


def test_sglang_says_what_the_same_av_says_here(pair: Pair) -> None:
    local = here(pair)
    with servers.serving(servers.sglang(local._network, local.model.tokenizer)) as running:
        where = VerbalizerPlace(str(pair.av), sglang=running.url, reconstructor=str(pair.ar), dtype="float32", sampling=GREEDY)  # fmt: skip
        remote = open_verbalizer(where)
        assert isinstance(remote, Verbalizer)
        texts = remote.verbalize(vectors(pair))
    assert [each.text for each in texts] == [f"the {word}" for word in WORDS]
    assert min(each.cosine or 0.0 for each in texts) > 0.95
    assert not any(each.truncated for each in texts)
    sent = np.array(running.asked[1][1]["input_embeds"], dtype=np.float32)
    np.testing.assert_allclose(sent, local._injected(vectors(pair)[:1])[0], atol=1e-4)


def test_embedding_rows_are_read_from_shards_too(pair: Pair, tmp_path: Path) -> None:
    local = here(pair)
    local._network.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert (tmp_path / "shards" / "model.safetensors.index.json").is_file()
    ids = [VOCABULARY["code"], VOCABULARY["the"], VOCABULARY["code"]]
    whole, shards = embedding_rows(str(pair.av), ids), embedding_rows(str(tmp_path / "shards"), ids)
    np.testing.assert_array_equal(whole, shards)
    np.testing.assert_array_equal(whole[0], whole[2])


def test_an_sglang_server_that_caches_prefixes_is_refused(qwen: Pair) -> None:
    local = here(qwen)
    handler = servers.sglang(local._network, local.model.tokenizer, radix_cache=True)
    with (
        servers.serving(handler) as running,
        pytest.raises(VerbalizerError, match="--disable-radix-cache"),
    ):
        open_sglang(str(qwen.av), running.url)


def test_the_self_hosted_server_reads_vectors_and_texts(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NLA_SERVER_SECRET", SECRET)
    local = here(pair)
    with servers.serving(servers.nla_server(local, WIDTH, secret=SECRET)) as running:
        remote = open_verbalizer(VerbalizerPlace(running.url, sampling=GREEDY))
        assert isinstance(remote, Verbalizer)
        assert (remote.name, remote.layer) == ("kitft/nla-tiny-av", LAYER)
        told: list[int] = []
        texts = remote.verbalize([*vectors(pair), PASSAGE], lambda at, _: told.append(at))
    assert [each.text for each in texts[:-1]] == [f"the {word}" for word in WORDS]
    assert told == list(range(len(WORDS) + 1))
    [wanted] = local.verbalize([PASSAGE])
    assert (texts[-1].text, texts[-1].layer, texts[-1].passage) == (
        wanted.text,
        LAYER,
        PASSAGE.text,
    )
    assert texts[-1].cosine == pytest.approx(wanted.cosine)
    assert all(headers["x-secret-key"] == SECRET for headers in running.headers)


@pytest.fixture
def api(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[servers.Running, LocalVerbalizer]]:
    """Neuronpedia's API, named by the environment, and the NLA in it."""
    local = here(pair)
    with servers.serving(servers.neuronpedia(local)) as running:
        monkeypatch.setenv("NEURONPEDIA_BASE_URL", running.url)
        monkeypatch.setenv("NEURONPEDIA_API_KEY", SECRET)
        yield running, local


def test_neuronpedia_describes_the_last_token(api: tuple[servers.Running, LocalVerbalizer]) -> None:
    running, local = api
    remote = open_verbalizer(VerbalizerPlace("neuronpedia:tiny-it", sampling=GREEDY))
    assert isinstance(remote, Verbalizer)
    [said], [wanted] = remote.verbalize([PASSAGE]), local.verbalize([PASSAGE])
    assert (said.text, said.layer, said.verbalizer) == (
        wanted.text,
        1,
        "neuronpedia:tiny-it/kitft-l1",
    )
    assert said.cosine == pytest.approx(wanted.cosine)
    assert said.out_of_distribution == ""
    assert [path for path, _ in running.asked] == [
        "/api/nla/sources",
        "/api/nla/completion",
        "/api/nla/explain",
    ]
    assert all(headers["x-api-key"] == SECRET for headers in running.headers)


def test_neuronpedia_reads_no_vectors_and_is_not_asked(
    api: tuple[servers.Running, LocalVerbalizer], pair: Pair
) -> None:
    running, _ = api
    remote = open_verbalizer(VerbalizerPlace("neuronpedia:tiny-it/kitft-l1"))
    with pytest.raises(VerbalizerError, match="no vectors"):
        remote.verbalize([PASSAGE, vectors(pair)[0]])
    assert len(running.asked) == 1


@pytest.mark.parametrize("name", ["other-it", "two-it", "tiny-it/x", ""])
def test_hosted_nlas_are_listed_when_a_name_does_not_fit(
    api: tuple[servers.Running, LocalVerbalizer], name: str
) -> None:
    with pytest.raises(VerbalizerError, match="tiny-it/kitft-l1, two-it/one"):
        open_verbalizer(VerbalizerPlace(f"neuronpedia:{name}"))


def test_limits_of_neuronpedia_are_said_and_what_was_done_is_kept(
    api: tuple[servers.Running, LocalVerbalizer],
) -> None:
    running, _ = api
    remote = open_verbalizer(VerbalizerPlace("neuronpedia:tiny-it", sampling=GREEDY))
    told: list[str] = []

    def done(_: int, said: object) -> None:
        told.append(str(said))
        running.refusals.append((429, b'{"error": "Rate limit"}', {"retry-after": "120"}))

    with pytest.raises(RemoteError, match=r"too many requests \(429\); try again in 120 s"):
        remote.verbalize([PASSAGE, PASSAGE], done)
    assert len(told) == 1


def test_a_busy_server_is_asked_again_and_a_dead_one_is_said(qwen: Pair) -> None:
    with servers.serving(servers.nla_server(here(qwen), WIDTH)) as running:
        remote = open_server(running.url, sampling=GREEDY, pause=0.0)
        running.refusals = [(429, b"busy", {"retry-after": "0"}), (503, b"", {})]
        assert len(remote.verbalize(vectors(qwen)[:1])) == 1
        running.refusals = [(503, b"<html>\nlong</html>", {})] * 9
        with pytest.raises(VerbalizerError, match=r"refused \(503\): <html> long") as refusal:
            remote.verbalize(vectors(qwen)[:1])
        assert len(running.refusals) == 5  # four tries
    assert "\n" not in str(refusal.value)
    with pytest.raises(VerbalizerError, match="cannot be reached"):
        remote.verbalize(vectors(qwen)[:1])


def test_vectors_of_another_width_cost_no_call(qwen: Pair) -> None:
    with servers.serving(servers.nla_server(here(qwen), WIDTH, source=None)) as running:
        remote = open_server(running.url)
        wide = ResidualVector(np.ones(WIDTH + 1, dtype=np.float32), LAYER, Reading.PROMPT)
        with pytest.raises(VerbalizerError, match="33 dimensions"):
            remote.verbalize([*vectors(qwen), wide])
        with pytest.raises(VerbalizerError, match="without a source model"):
            remote.verbalize([*vectors(qwen), PASSAGE])
        assert len(running.asked) == 1


@pytest.mark.parametrize(
    ("status", "answer", "message"),
    [
        (200, {"hello": "world"}, "does not answer as known"),
        (401, {"detail": "Invalid or missing X-SECRET-KEY header"}, "refused.*401.*X-SECRET-KEY"),
        (302, {}, r"refused \(302\)"),
    ],
)
def test_other_servers_are_refused_in_one_line(
    status: int, answer: object, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NLA_SERVER_SECRET", SECRET)
    with (
        servers.serving(lambda *_: (status, answer)) as running,
        pytest.raises(VerbalizerError, match=message) as refusal,
    ):
        open_verbalizer(VerbalizerPlace(running.url))
    assert "\n" not in str(refusal.value)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    "where",
    [
        VerbalizerPlace("http://"),
        VerbalizerPlace("http://127.0.0.1:9", reconstructor="x"),
        VerbalizerPlace("neuronpedia:x", sglang="http://127.0.0.1:9"),
    ],
)
def test_places_that_make_no_sense(where: VerbalizerPlace) -> None:
    with pytest.raises(GraphLabelError) as refusal:
        open_verbalizer(where)
    assert "\n" not in str(refusal.value)


def test_a_truncated_description_of_a_server_says_so(qwen: Pair) -> None:
    def cut(path: str, body: object, headers: object) -> servers.Answer:
        if path == "/":
            return 200, {"verbalizer_model": "v", "d_model": WIDTH, "extraction_layer": LAYER}
        return 200, {
            "results": [{"description": "<explanation> A text on riv", "cosine_similarity": None}]
        }

    with servers.serving(cut) as running:
        [said] = open_server(running.url).verbalize(vectors(qwen)[:1])
    assert (said.text, said.truncated, said.cosine) == ("A text on riv", True, None)

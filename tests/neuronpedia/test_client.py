"""What every failure of the service comes to: one line that says what to do."""

from __future__ import annotations

import pytest

from graphlabel.errors import RemoteError
from graphlabel.neuronpedia import (
    GenerateSettings,
    Neuronpedia,
    fetch_graph,
    generate_graph,
    save_subgraph,
    upload_graph,
)
from tests.neuronpedia.server import KEY, Reply, Service

GRAPH = b'{"metadata": {"scan": "m", "slug": "s"}, "nodes": [], "links": []}'
PATH = "/api/graph/m/s"
JSON = {"content-type": "application/json"}


def client(**options: float) -> Neuronpedia:
    return Neuronpedia(pause=0.0, **options)  # type: ignore[arg-type]


def test_a_graph_is_fetched_and_storage_never_sees_the_key(service: Service) -> None:
    service.graphs["m/s"] = GRAPH
    seen: list[tuple[str, int, int]] = []
    with client() as api:
        assert fetch_graph(api, "m", "s", lambda *each: seen.append(each)) == GRAPH
    assert service.keys[PATH] == [KEY]
    assert service.keys["/storage/m/s"] == [None]
    assert seen[-1] == ("download", len(GRAPH), len(GRAPH))


REFUSALS = {
    "401": (Reply(401, b'{"error": "Unauthorized"}', JSON), "refused the key.*NEURONPEDIA_API_KEY.*Unauthorized"),
    "403": (Reply(403), "refused the key"),
    "404": (Reply(404, b"<html>no</html>"), "no such thing.*check the name"),
    "413": (Reply(413), "too large"),
    "429": (Reply(429, b"{}", {"retry-after": "30"}), "try again in 30 s"),
    "429 html": (Reply(429, b"slow down"), "too many requests.*later"),
    "500": (Reply(500, b'{"error": "Failed", "message": "boom\\nbang"}'), "server failed .500.: Failed"),
    "400": (Reply(400, b'{"error": "Validation error", "details": "bad slug"}'), "refused .400.: Validation error — bad slug"),
    "redirect": (Reply(308, b"", {"location": "https://elsewhere.example/"}), "points to https://elsewhere"),
    "web page": (Reply(200, b"<!doctype html><p>Sign in"), "a web page instead of JSON"),
    "empty": (Reply(200, b""), "nothing instead of JSON"),
    "broken JSON": (Reply(200, b'{"url": "http'), "a broken text instead of JSON"),
    "deep JSON": (Reply(200, b"[" * 100_000), "a broken text"),
    "no url": (Reply(200, b'{"id": 1}'), "no “url”"),
    "a list": (Reply(200, b"[]"), "no “url”"),
    "odd url": (Reply(200, b'{"url": "file:///etc/passwd"}'), "no web address"),
    "bad gzip": (Reply(200, b"\x1f\x8brubbish", {"content-encoding": "gzip"}), "broke off"),
    "escapes": (Reply(418, b'{"error": "a\\u001b[31mb"}'), "refused .418."),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_line_without_the_key(name: str, service: Service) -> None:
    reply, message = REFUSALS[name]
    service.replies[PATH] = [reply, reply, reply]
    with client() as api, pytest.raises(RemoteError, match=message) as caught:
        fetch_graph(api, "m", "s")
    assert KEY not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int, service: Service) -> None:
    service.graphs["m/s"] = GRAPH
    service.replies[PATH] = [Reply(status), Reply(status)]
    with client() as api:
        assert fetch_graph(api, "m", "s") == GRAPH
    service.replies[PATH] = [Reply(status)] * 3
    with client() as api, pytest.raises(RemoteError, match=str(status)):
        fetch_graph(api, "m", "s")
    assert len(service.keys[PATH]) == 6


def test_a_body_cut_short_is_noticed(service: Service) -> None:
    service.graphs["m/s"] = GRAPH
    service.replies["/storage/m/s"] = [Reply(200, GRAPH, cut=100)]
    with client() as api, pytest.raises(RemoteError, match="broke off its answer"):
        fetch_graph(api, "m", "s")
    service.replies[PATH] = [Reply(200, b"{", cut=10)] * 3
    with client() as api, pytest.raises(RemoteError, match="broke off its answer"):
        fetch_graph(api, "m", "s")


def test_silence_is_not_waited_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts, and never says a word
        monkeypatch.setenv("NEURONPEDIA_BASE_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with client(timeout=0.05) as api, pytest.raises(RemoteError, match="in time"):
            fetch_graph(api, "m", "s")
    with client() as api, pytest.raises(RemoteError, match="cannot be reached"):
        fetch_graph(api, "m", "s")


def test_generate_says_it_is_busy(service: Service) -> None:
    service.replies["/api/graph/generate"] = [Reply(503, b'{"error": "GPUs Busy"}')]
    with client() as api, pytest.raises(RemoteError, match=r"busy \(503\).*GPUs Busy"):
        generate_graph(api, "p", "m", "slug", GenerateSettings())
    assert len(service.keys["/api/graph/generate"]) == 1


def test_generate_sends_what_was_chosen(service: Service) -> None:
    service.made = GRAPH
    with client() as api:
        made = generate_graph(
            api, "p", "m", "slug", GenerateSettings(source_set="clt", max_n_logits=5)
        )
        assert api.download(made.file) == GRAPH
    assert service.generated == [
        {"prompt": "p", "modelId": "m", "slug": "slug", "sourceSetName": "clt", "maxNLogits": 5}
    ]


def test_an_upload_is_signed_put_and_registered(service: Service) -> None:
    data = GRAPH + b" " * 2000
    with client() as api:
        assert upload_graph(api, data, "s") == f"{service.url}/m/graph?slug=s"
    assert service.uploads == {"s.json": data}
    assert service.keys["/storage/s.json"] == [None]
    with client() as api, pytest.raises(RemoteError, match="66 bytes"):
        upload_graph(api, GRAPH, "s")


def test_a_subgraph_is_saved_in_the_documented_form(service: Service) -> None:
    with client() as api:
        saved = save_subgraph(
            api, "m", "s", name="mine", pinned=["1_2_3"], supernodes=[["a", "1_2_3"]],
            clerps=[("1_8_3", "label")], overwrite="old",
        )  # fmt: skip
    assert saved == "sub1"
    assert service.subgraphs == [{
        "modelId": "m", "slug": "s", "displayName": "mine", "pinnedIds": ["1_2_3"],
        "supernodes": [["a", "1_2_3"]], "clerps": [["1_8_3", "label"]],
        "pruningThreshold": None, "densityThreshold": None, "overwriteId": "old",
    }]  # fmt: skip


def test_a_key_is_needed_to_write(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURONPEDIA_API_KEY")
    with client() as api, pytest.raises(RemoteError, match="set NEURONPEDIA_API_KEY"):
        upload_graph(api, GRAPH * 30, "s")
    service.replies[PATH] = [Reply(401)]
    with client() as api, pytest.raises(RemoteError, match="wants a key"):
        fetch_graph(api, "m", "s")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "ü", "x?y", "a\nb", "a\n"])
def test_odd_names_are_never_asked_for(name: str, service: Service) -> None:
    with client() as api:
        for model, slug in ((name, "s"), ("m", name)):
            with pytest.raises(RemoteError, match="no name on Neuronpedia"):
                fetch_graph(api, model, slug)
    assert not service.keys


@pytest.mark.parametrize("address", ["nonsense", "ftp://x", "http://", "http://[::1"])
def test_an_odd_address_is_refused(address: str) -> None:
    with pytest.raises(RemoteError, match="no web address"):
        Neuronpedia(address)

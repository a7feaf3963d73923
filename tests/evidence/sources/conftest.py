"""Real web servers in a thread: one that behaves like Neuronpedia's API, one that serves a folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest


@dataclass
class WebServer:
    """A server that answers by a function of method, path, headers and body."""

    answer: Callable[[str, str, Any, bytes], tuple[int, dict[str, str], bytes]]
    requests: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the next answers, before those of ``answer``."""
    at_once: int = 0
    most_at_once: int = 0
    base: str = ""

    def serve(self) -> ThreadingHTTPServer:
        server, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._do("GET")

            def do_POST(self) -> None:
                self._do("POST")

            def _do(self, method: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = unquote(self.path)
                with lock:
                    server.requests.append((method, path))
                    server.keys.append(self.headers.get("x-api-key"))
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                    failure = server.failures.pop(0) if server.failures else None
                if failure:
                    status, headers, data = failure[0], failure[1], b"busy"
                else:
                    status, headers, data = server.answer(method, path, self.headers, body)
                with lock:
                    server.at_once -= 1
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        http.daemon_threads = True
        self.base = f"http://127.0.0.1:{http.server_address[1]}"
        return http


def dashboard_feature(index: int, layer: str = "3-set-16k", model: str = "m-2b") -> dict[str, Any]:
    """A feature as Neuronpedia's API gives it."""
    values = [0.0, 0.0, 5.0 + index, 1.0]
    return {
        "modelId": model,
        "layer": layer,
        "index": str(index),
        "frac_nonzero": 0.01,
        "maxActApprox": 5.0 + index,
        "pos_str": [" Austin", " Texas"],
        "pos_values": [1.5, 0.5],
        "neg_str": ["x"],
        "neg_values": [-0.5],
        "freq_hist_data_bar_heights": [5, 3, 1],
        "freq_hist_data_bar_values": [1.0, 3.0, 5.0],
        "activations": [
            {
                "tokens": ["<bos>", "in", " Dallas", ","],
                "values": values,
                "maxValue": 5.0 + index,
                "maxValueTokenIndex": 2,
            },
            {
                "tokens": ["<bos>", "to", " Houston", "."],
                "values": values,
                "binMin": 1,
                "binMax": 3,
                "binContains": 0.1,
                "qualifyingTokenIndex": 3,
            },
        ],
        "explanations": [
            {
                "description": "Texas cities",
                "typeName": "oai_token-act-pair",
                "explanationModelName": "gpt-4o-mini",
                "scores": [{"value": 0.5}, {"value": 0.75}],
            }
        ],
    }


def neuronpedia_answer(n_features: int) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """An API that knows features 0 … n - 1 of every layer of m-2b/set-16k."""

    def feature(model: str, layer: str, index: int) -> dict[str, Any] | None:
        known = model == "m-2b" and layer.endswith("-set-16k") and index < n_features
        return dashboard_feature(index, layer) if known else None

    def answer(method: str, path: str, _: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        parts = path.strip("/").split("/")
        if method == "GET" and parts[:2] == ["api", "feature"] and len(parts) == 5:
            found = feature(parts[2], parts[3], int(parts[4]))
            return (200, {}, json.dumps(found).encode()) if found else (404, {}, b"null")
        if method == "POST" and parts == ["api", "features"]:
            asked = [feature(e["modelId"], e["layer"], int(e["index"])) for e in json.loads(body)]
            # not in the order that was asked for
            return 200, {}, json.dumps([each for each in reversed(asked) if each]).encode()
        return 404, {}, b"<html>not found</html>"

    return answer


def folder_answer(folder: Path) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    """A folder's files, with byte ranges."""

    def answer(_: str, path: str, headers: Any, __: bytes) -> tuple[int, dict[str, str], bytes]:
        file = folder / path.strip("/")
        if not file.is_file():
            return 404, {}, b""
        data = file.read_bytes()
        span = headers.get("Range", "")
        if span.startswith("bytes="):
            start, stop = map(int, span[6:].split("-"))
            return 206, {}, data[start : stop + 1]
        return 200, {}, data

    return answer


@pytest.fixture
def web() -> Iterator[Callable[[Any], WebServer]]:
    """Start servers; they stop when the test ends."""
    started: list[ThreadingHTTPServer] = []

    def start(answer: Any) -> WebServer:
        server = WebServer(answer)
        http = server.serve()
        threading.Thread(
            target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        started.append(http)
        return server

    yield start
    for http in started:
        http.shutdown()
        http.server_close()


@pytest.fixture
def neuronpedia(web: Any, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """A server like Neuronpedia's, which the environment names."""
    server: WebServer = web(neuronpedia_answer(100))
    monkeypatch.setenv("NEURONPEDIA_BASE_URL", server.base)
    monkeypatch.delenv("NEURONPEDIA_API_KEY", raising=False)
    return server


@pytest.fixture
def feature_of() -> Callable[..., dict[str, Any]]:
    """``dashboard_feature``."""
    return dashboard_feature


@pytest.fixture
def serve_folder(web: Any) -> Callable[[Path], WebServer]:
    """Serve a folder's files."""
    return lambda folder: web(folder_answer(folder))

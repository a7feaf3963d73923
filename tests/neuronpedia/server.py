"""A server that behaves as Neuronpedia documents its graph endpoints, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KEY = "sk-np-secret"


@dataclass
class Reply:
    """An answer given instead of the usual one."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    """Announce so many bytes more than are sent."""


@dataclass
class Service:
    """What the server holds and what it was asked."""

    url: str = ""
    graphs: dict[str, bytes] = field(default_factory=dict)
    """Graph JSON by ``model/slug``."""
    uploads: dict[str, bytes] = field(default_factory=dict)
    subgraphs: list[dict[str, Any]] = field(default_factory=list)
    generated: list[dict[str, Any]] = field(default_factory=list)
    made: bytes = b""
    """What the generate endpoint makes."""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    """Answers to give once each, by path."""
    keys: dict[str, list[str | None]] = field(default_factory=dict)
    """The keys that came with requests, by path."""

    def answer(self, method: str, path: str, body: bytes, key: str | None) -> Reply:
        """The answer to a request."""
        self.keys.setdefault(path, []).append(key)
        if self.replies.get(path):
            return self.replies[path].pop(0)
        if path.startswith("/storage/"):
            return self._storage(method, path.removeprefix("/storage/"), body)
        if method == "GET" and path.startswith("/api/graph/"):
            name = path.removeprefix("/api/graph/")
            if name not in self.graphs:
                return _json(404, {"error": "Graph not found"})
            model, slug = name.split("/")
            return _json(200, {"modelId": model, "slug": slug, "url": f"{self.url}/storage/{name}"})
        if path == "/api/graph/generate":
            asked = json.loads(body)
            self.generated.append(asked)
            name = f"{asked['modelId']}/{asked['slug']}"
            self.graphs[name] = self.made
            page = f"{self.url}/{asked['modelId']}/graph?slug={asked['slug']}"
            return _json(200, {"s3url": f"{self.url}/storage/{name}", "url": page, "numNodes": 1, "numLinks": 0})  # fmt: skip
        if key != KEY:
            return _json(401, {"error": "Unauthorized"})
        return self._authorized(path, json.loads(body))

    def _storage(self, method: str, name: str, body: bytes) -> Reply:
        if method == "PUT":
            self.uploads[name] = body
            return Reply(200, b"")
        return Reply(200, self.graphs[name]) if name in self.graphs else Reply(404, b"<Error/>")

    def _authorized(self, path: str, body: dict[str, Any]) -> Reply:
        if path == "/api/graph/signed-put":
            url = f"{self.url}/storage/{body['filename']}?signature=abc"
            return _json(200, {"url": url, "putRequestId": "put1"})
        if path == "/api/graph/save-to-db":
            assert body == {"putRequestId": "put1"}
            metadata = json.loads(next(iter(self.uploads.values())))["metadata"]
            page = f"{self.url}/{metadata['scan']}/graph?slug={metadata['slug']}"
            return _json(200, {"message": "Graph saved to database", "url": page})
        if path == "/api/graph/subgraph/save":
            self.subgraphs.append(body)
            return _json(200, {"success": True, "subgraphId": "sub1"})
        return _json(404, {"error": "Not found"})


def _json(status: int, value: object) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json"})


@contextmanager
def serving() -> Iterator[Service]:
    """A running server."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            path = urlsplit(self.path).path
            reply = service.answer(self.command, path, body, self.headers.get("x-api-key"))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body) + reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = bool(reply.cut)

        do_GET = do_POST = do_PUT = _do  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

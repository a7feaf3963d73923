"""A server that behaves as Anthropic and OpenAI document their APIs, on this machine."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

KEY = "sk-ant-api03-secret-of-the-tests"
MESSAGES = "/v1/messages"
BATCHES = "/v1/messages/batches"
CHAT = "/v1/chat/completions"


@dataclass
class Reply:
    """An answer given instead of the usual one."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    after: float = 0.0
    """Seconds to wait first."""
    cut: bool = False
    """Break the connection off in the middle of the answer."""


@dataclass
class Batch:
    """A message batch and what becomes of its requests."""

    id: str
    requests: list[dict[str, Any]]
    made: datetime
    looks: int
    """How many more looks until it has ended."""


@dataclass
class Service:
    """What the server was asked and how it answers."""

    url: str = ""
    key: str = KEY
    says: Callable[[str], str] = lambda prompt: f"answer to {prompt}"
    """The text for a prompt: the last turn's."""
    stop: str = "end_turn"
    usage: tuple[int, int] = (100, 20)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    """Answers to give once each, by path."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of calls, single and in batches."""
    headers: list[dict[str, str]] = field(default_factory=list)
    paid: Counter[str] = field(default_factory=Counter)
    """How often each prompt was answered in full, which is what it costs."""
    batches: dict[str, Batch] = field(default_factory=dict)
    looks: int = 2
    """How many looks a new batch takes."""
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Results of requests in batches by prompt, where they are not the usual ones."""
    slow: float = 0.0
    """Seconds every call takes."""
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """The answer to a request."""
        with self.lock:
            self.headers.append(headers)
            if self.replies.get(path):
                return self.replies[path].pop(0)
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if path.startswith(MESSAGES) and key != self.key:
            return error(401, "authentication_error", "invalid x-api-key")
        if path == MESSAGES:
            return self._message(json.loads(body))
        if path == CHAT:
            return self._chat(json.loads(body))
        if path.startswith(BATCHES):
            return self._batch(method, path, body)
        return error(404, "not_found_error", "Not found")

    def _message(self, asked: dict[str, Any]) -> Reply:
        with self.lock:
            self.asked.append(asked)
        prompt = asked["messages"][-1]["content"]
        return _json(200, self.message(prompt, asked["model"]))

    def message(self, prompt: str, model: str) -> dict[str, Any]:
        """A message as the Messages API writes it, after thinking."""
        return {
            "id": "msg_01", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"}, {"type": "text", "text": self.says(prompt)}],
            "stop_reason": self.stop, "stop_sequence": None,
            "usage": {"input_tokens": self.usage[0], "output_tokens": self.usage[1]},
        }  # fmt: skip

    def _chat(self, asked: dict[str, Any]) -> Reply:
        with self.lock:
            self.asked.append(asked)
        said = self.says(asked["messages"][-1]["content"])
        return _json(200, {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"],
            "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": self.usage[0], "completion_tokens": self.usage[1], "total_tokens": sum(self.usage)},
        })  # fmt: skip

    def _batch(self, method: str, path: str, body: bytes) -> Reply:
        parts = path.removeprefix(BATCHES).strip("/").split("/")
        if method == "POST":
            return _json(200, self.described(self.made_batch(json.loads(body)["requests"])))
        if parts == [""]:
            newest = sorted(self.batches.values(), key=lambda batch: batch.made, reverse=True)
            data = [self.described(batch) for batch in newest]
            return _json(200, {"data": data, "has_more": False, "first_id": None, "last_id": None})
        batch = self.batches.get(parts[0])
        if batch is None:
            return error(404, "not_found_error", "no such batch")
        if len(parts) == 1:
            batch.looks -= 1
            return _json(200, self.described(batch))
        lines = [{"custom_id": each["custom_id"], "result": self._result(each["params"])} for each in reversed(batch.requests)]  # fmt: skip
        return Reply(body=b"".join(json.dumps(line).encode() + b"\n" for line in lines), kind="application/x-jsonl")  # fmt: skip

    def made_batch(self, requests: list[dict[str, Any]]) -> Batch:
        """A new batch; everything in it is paid for."""
        with self.lock:
            made = datetime.now(UTC) + timedelta(microseconds=len(self.batches))
            batch = Batch(f"msgbatch_{len(self.batches) + 1:02}", requests, made, self.looks)
            self.batches[batch.id] = batch
            for each in requests:
                self.asked.append(each["params"])
                self.paid[each["params"]["messages"][-1]["content"]] += 1
        return batch

    def described(self, batch: Batch) -> dict[str, Any]:
        """A batch as the API writes it."""
        ended, size = batch.looks <= 0, len(batch.requests)
        counts = {"processing": 0 if ended else size, "succeeded": size if ended else 0, "errored": 0, "canceled": 0, "expired": 0}  # fmt: skip
        return {
            "id": batch.id, "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts, "created_at": batch.made.isoformat(),
            "expires_at": (batch.made + timedelta(days=1)).isoformat(),
            "ended_at": batch.made.isoformat() if ended else None, "archived_at": None, "cancel_initiated_at": None,
            "results_url": f"{self.url}{BATCHES}/{batch.id}/results" if ended else None,
        }  # fmt: skip

    def _result(self, asked: dict[str, Any]) -> dict[str, Any]:
        prompt = asked["messages"][-1]["content"]
        usual = {"type": "succeeded", "message": self.message(prompt, asked["model"])}
        return self.outcomes.get(prompt, usual)


def error(status: int, kind: str, message: str, headers: dict[str, str] | None = None, details: dict[str, Any] | None = None) -> Reply:  # fmt: skip
    """An error as Anthropic's API writes it."""
    problem: dict[str, Any] = {"type": kind, "message": message}
    if details:
        problem["details"] = details
    reply = _json(status, {"type": "error", "error": problem, "request_id": "req_01"})
    reply.headers = headers or {}
    return reply


def openai_error(status: int, kind: str, message: str, code: str | None = None) -> Reply:
    """An error as OpenAI's API writes it."""
    return _json(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})


def _json(status: int, value: object) -> Reply:
    return Reply(status, json.dumps(value).encode())


@contextmanager
def serving() -> Iterator[Service]:
    """Run the server on a free port."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = urlsplit(self.path).path
            with service.lock:
                service.at_once += 1
                service.most_at_once = max(service.most_at_once, service.at_once)
            try:
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = service.answer(self.command, path, body, headers)
                time.sleep(reply.after or (service.slow if path in (MESSAGES, CHAT) else 0))
            finally:
                with service.lock:
                    service.at_once -= 1
            self._write(reply, path, body)

        def _write(self, reply: Reply, path: str, body: bytes) -> None:
            try:
                self.send_response(reply.status)
                self.send_header("content-type", reply.kind)
                self.send_header("content-length", str(len(reply.body) + (50 if reply.cut else 0)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
                self.wfile.flush()
            except OSError:
                return
            if reply.cut:
                self.close_connection = True
                self.connection.close()
            elif path in (MESSAGES, CHAT) and reply.status == 200:
                with service.lock:
                    service.paid[json.loads(body)["messages"][-1]["content"]] += 1

        do_GET = do_POST = _answer  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

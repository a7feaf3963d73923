"""Servers that answer as SGLang and Neuronpedia's NLA services document, with a tiny NLA inside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import torch

from graphlabel.annotation import Reading
from graphlabel.labeling.verbalizers import Passage, ResidualVector, Verbalizer

Answer = tuple[int, Any]
Handler = Callable[[str, dict[str, Any], dict[str, str]], Answer]


@dataclass
class Running:
    """A server's address and what it was asked."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    """Given once each before anything is answered."""


@contextmanager
def serving(handle: Handler) -> Iterator[Running]:
    """A server on this machine that answers with ``handle``; path, body and headers go in."""
    running = Running()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._answer(json.loads(body))

        def _answer(self, body: dict[str, Any]) -> None:
            running.asked.append((self.path, body))
            headers = {name.lower(): value for name, value in self.headers.items()}
            running.headers.append(headers)
            if running.refusals:
                status, data, extra = running.refusals.pop(0)
            else:
                status, answer = handle(self.path, body, headers)
                data, extra = json.dumps(answer).encode(), {}
            self.send_response(status)
            for name, value in {**extra, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sglang(model: Any, tokenizer: Any, *, radix_cache: bool = False) -> Handler:
    """SGLang's ``/generate`` with ``input_embeds``, by the model itself, greedily."""

    def handle(path: str, body: dict[str, Any], _: dict[str, str]) -> Answer:
        if path == "/get_server_info":
            return 200, {"disable_radix_cache": not radix_cache}
        assert path == "/generate"
        assert set(body) == {"input_embeds", "sampling_params"}
        embeddings = torch.tensor([body["input_embeds"]])
        settings = body["sampling_params"]
        with torch.no_grad():
            ids = model.generate(
                inputs_embeds=embeddings,
                attention_mask=torch.ones(embeddings.shape[:2], dtype=torch.long),
                max_new_tokens=settings["max_new_tokens"],
                do_sample=False,
            )[0]
        text = tokenizer.decode(ids, skip_special_tokens=settings["skip_special_tokens"])
        return 200, {"text": text, "meta_info": {"finish_reason": {"type": "stop"}}}

    return handle


def nla_server(
    verbalizer: Verbalizer, d_model: int, *, secret: str = "", source: str | None = "tiny"
) -> Handler:
    """Neuronpedia's ``apps/nla``: ``/describe`` for vectors, ``/explain`` for texts."""

    def handle(path: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        if secret and headers.get("x-secret-key") != secret:
            return 401, {"detail": "Invalid or missing X-SECRET-KEY header"}
        if path == "/":
            return 200, {
                "status": "ok", "verbalizer_model": "kitft/nla-tiny-av", "d_model": d_model,
                "reconstructor_available": True, "source_model": source, "extraction_layer": verbalizer.layer,
            }  # fmt: skip
        assert {"temperature", "max_new_tokens"} <= set(body)
        if path == "/describe":
            rows = np.array(body["activations"], dtype=np.float32)
            vectors = [ResidualVector(row, verbalizer.layer, Reading.PROMPT) for row in rows]
            said = verbalizer.verbalize(vectors)
            return 200, {"results": [_described(each) for each in said]}
        assert path == "/explain"
        assert body["positions"] == [-1]
        said = verbalizer.verbalize([Passage(body["text"], Reading.PROMPT)])
        last = len(body["text"].split()) - 1
        found = {
            "token": "x",
            "token_id": 1,
            "position": last,
            "l2_norm": 1.0,
            **_described(said[0]),
        }
        return 200, {"layer_index": verbalizer.layer, "results": [found]}

    return handle


def neuronpedia(verbalizer: Verbalizer) -> Handler:
    """Neuronpedia's API: ``/api/nla/sources``, ``completion`` (which also counts) and ``explain``."""

    def handle(path: str, body: dict[str, Any], _: dict[str, str]) -> Answer:
        if path == "/api/nla/sources":
            sources = [
                {"modelId": "tiny-it", "id": "kitft-l1", "layerNum": 1, "av": "a/b", "ar": "a/c", "norm": 0.05},
                {"modelId": "two-it", "id": "one", "layerNum": 3}, {"modelId": "two-it", "id": "other", "layerNum": 4},
            ]  # fmt: skip
            return 200, {"sources": sources}
        if (body["modelId"], body["nlaSourceId"]) != ("tiny-it", "kitft-l1"):
            return 400, {"error": "no such NLA"}
        tokens = body["text"].split()
        if path == "/api/nla/completion":
            assert body["completion_tokens"] == 0
            listed = [{"position": at, "token": token} for at, token in enumerate(tokens)]
            return 200, {"tokens": listed, "prompt_length": len(tokens), "text": body["text"]}
        assert path == "/api/nla/explain"
        if not all(at >= 0 for at in body["positions"]):
            return 400, {"error": "positions must contain non-negative integers"}
        assert body["positions"] == [len(tokens) - 1]
        [said] = verbalizer.verbalize([Passage(body["text"], Reading.PROMPT)])
        found = {
            "position": len(tokens) - 1,
            "token": tokens[-1],
            "l2_norm": 9.0,
            **_described(said),
        }
        return 200, {
            "results": [found],
            "layer_index": 1,
            "prompt_length": len(tokens),
            "cacheId": "c",
        }

    return handle


def _described(said: Any) -> dict[str, Any]:
    return {"description": said.text, "cosine_similarity": said.cosine, "mse": 0.1}

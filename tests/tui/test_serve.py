"""The workbench in a real browser, and nothing at all for whoever lacks the token."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from fixture_graph import dallas_document

from graphlabel.files import read_graph, write_graph
from graphlabel.store import Store
from tests.export.browser import browser

pytestmark = pytest.mark.slow

pytest.importorskip("textual_serve", reason="textual-serve is not installed (the extra serve)")

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture
def served(tmp_path):
    """A served graph: the address with the token, the graph's path and the store's."""
    path, store = tmp_path / "dallas.json", tmp_path / "store.db"
    write_graph(dallas_document(), path)
    environment = {**os.environ, "GRAPHLABEL_CONFIG_FOLDER": str(tmp_path)}
    (tmp_path / "workbench.toml").write_text("toured = true\n")
    environment.pop("GRAPHLABEL_SERVE_TOKEN", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "graphlabel", "serve", path, "--store", store, "--port", "0",
         "--author", "sam"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    try:
        said = process.stderr.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", said)
        assert address, said
        yield address[0], path, store
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        process.stderr.close()


def status(url: str, **headers: str) -> int:
    """How a request is answered, redirects followed."""
    try:
        with urlopen(Request(url, headers=headers), timeout=20) as answer:
            return answer.status
    except HTTPError as error:
        error.close()
        return error.code


def test_without_the_token_there_is_nothing(served):
    address, *_ = served
    base, token = address.split("/?token=")
    assert len(token) >= 32
    for path in (
        "/",
        "/?token=",
        "/?token=wrong",
        "/static/js/textual.js",
        "/download/x",
        "/nothing",
    ):
        assert status(base + path) == 403, path
    assert status(f"{base}/ws", **UPGRADE) == 403
    assert status(f"{base}/ws", Cookie="graphlabel_token=wrong", **UPGRADE) == 403
    right = {"Cookie": f"graphlabel_token={token}"}
    assert status(base, **right) == 200
    assert status(f"{base}/ws", Origin="http://evil.example", **right, **UPGRADE) == 403


def test_the_page_may_load_nothing_from_elsewhere(served):
    base, token = served[0].split("/?token=")
    with urlopen(Request(base, headers={"Cookie": f"graphlabel_token={token}"})) as answer:
        policy, page = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "googleapis" not in page
    assert "textual.js" in page
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy


def test_it_listens_on_this_machine_alone(served):
    port = int(re.search(r":(\d+)/", served[0])[1])
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in own - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((address, port), timeout=5).close()


def test_an_edit_in_the_browser_is_in_the_store(served, tmp_path):
    address, path, place = served
    document = read_graph(path)
    with browser(tmp_path) as page:
        page.call("Target.setDiscoverTargets", discover=False)
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        page._session = page.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network"):
            page.call(f"{domain}.enable")
        page.call("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        before = set(document.annotations.pinned)
        while True:
            assert time.monotonic() < deadline, page.complaints
            time.sleep(0.5)
            if not page.run("document.querySelector('.xterm-helper-textarea') !== null"):
                continue
            page.run("document.querySelector('.xterm-helper-textarea').focus()")
            page.press("p")
            time.sleep(2.0)
            with_store = Store(place)
            pinned = set(
                with_store.history(
                    document.graph, document.annotations, "dallas"
                ).annotations.pinned
            )
            with_store.close()
            if pinned != before:
                break
        assert "token=" not in page.run("location.href")
        shown = page.call("Page.captureScreenshot", format="png")["data"]
        folder = os.environ.get("GRAPHLABEL_TEST_PICTURES")
        if folder:
            import base64
            from pathlib import Path

            (Path(folder) / "serve.png").write_bytes(base64.b64decode(shown))
        assert not page.complaints


def test_refusals_are_one_line(tmp_path):
    path = tmp_path / "dallas.json"
    write_graph(dallas_document(), path)
    command = [sys.executable, "-m", "graphlabel", "serve", path]
    short = {**os.environ, "GRAPHLABEL_SERVE_TOKEN": "short"}
    done = subprocess.run(command, capture_output=True, text=True, env=short, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*command, "--port", port], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "cannot be listened on" in done.stderr

"""kill -9 during a save: the file is always a whole one, and no older than what was reported."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphlabel.files import read_graph

pytestmark = pytest.mark.slow

KILLS = 12

SAVER = """
import sys
from dataclasses import replace
from pathlib import Path
from graphlabel.files import read_graph, write_graph
from graphlabel.annotation import History, Origin, Provenance, SetNote
path = Path(sys.argv[1])
document = read_graph(path)
key = document.graph.nodes[0].key
history = History(document.annotations)
n = int(history.annotations.notes.get(key, "0"))
while True:
    n += 1
    history.do(SetNote(key, str(n)))
    write_graph(document.annotated(history.annotations), path)
    print(n, flush=True)
"""


def test_a_kill_during_a_save_loses_nothing_saved(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    node = {"feature_type": "cross layer transcoder", "layer": "0", "feature": 0, "ctx_idx": 1,
            "jsNodeId": "x", "clerp": ""}  # fmt: skip
    nodes = [{**node, "node_id": f"0_{i}_1"} for i in range(3000)]
    metadata = {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a", "b"]}
    path.write_text(json.dumps({"metadata": metadata, "qParams": {}, "nodes": nodes, "links": []}))
    random.seed(0)
    saved = 0
    for _ in range(KILLS):
        saver = subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert saver.stdout
        saved = int(saver.stdout.readline())
        time.sleep(random.random() * 0.1)
        saver.send_signal(signal.SIGKILL)
        for line in saver.stdout:
            if line.strip().isdecimal():
                saved = int(line)
        saver.wait()
        saver.stdout.close()
        document = read_graph(path)
        assert len(document.graph) == 3000
        assert int(document.annotations.notes[document.graph.nodes[0].key]) >= saved
    assert saved >= KILLS

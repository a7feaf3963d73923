"""What opening a large graph file costs, beside a JSON parser alone.

Run: `python benchmarks/open_graph.py [--links 500000] [--runs 5]`. Makes a graph file of about
60 MB, then opens it: the best CPU time of some runs, the ways taking turns in one process, and the
peak memory above an idle interpreter, each way in a process of its own (on Linux). The last columns
compare with msgspec's untyped parser (time) and with the file (memory). orjson is shown where
installed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from graphlabel.files import read_graph
from graphlabel.files.node_ids import cantor

N_LAYERS, N_POSITIONS = 26, 12

IMPORTS = "import msgspec, numpy, scipy.sparse; from graphlabel.files import read_graph"
MEMORY = """
import sys
from pathlib import Path
{imports}

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

path = Path(sys.argv[1])
idle = peak()
kept = {work}
print(peak() - idle)
"""


def write_example(path: Path, n_links: int, seed: int = 0) -> None:
    """A graph in circuit-tracer's form, indented as it writes them."""
    chance = random.Random(seed)
    nodes = []
    for _ in range(max(n_links // 40, 2)):
        layer, index = chance.randrange(N_LAYERS), chance.randrange(16384)
        position = chance.randrange(1, N_POSITIONS)
        nodes.append(
            {
                "node_id": f"{layer}_{index}_{position}",
                "feature": cantor(layer, index),
                "layer": str(layer),
                "ctx_idx": position,
                "feature_type": "cross layer transcoder",
                "token_prob": 0.0,
                "is_target_logit": False,
                "run_idx": 0,
                "reverse_ctx_idx": 0,
                "jsNodeId": f"{layer}_{index}-0",
                "clerp": "a label",
                "influence": chance.random(),
                "activation": chance.random() * 10,
            }
        )
    nodes.sort(key=lambda node: int(str(node["layer"])))
    links = []
    for _ in range(n_links):
        low, high = sorted((chance.randrange(len(nodes)), chance.randrange(len(nodes))))
        ends = {"source": nodes[low]["node_id"], "target": nodes[high]["node_id"]}
        links.append({**ends, "weight": chance.gauss(0, 1)})
    metadata = {
        "slug": "large",
        "scan": "model",
        "transcoder_list": [],
        "prompt_tokens": ["t"] * N_POSITIONS,
        "prompt": "t" * N_POSITIONS,
        "schema_version": 1,
    }
    graph = {"metadata": metadata, "qParams": {}, "nodes": nodes, "links": links}
    path.write_text(json.dumps(graph, indent=2))


def best_seconds(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The best CPU time of each way, the ways taking turns; other programs disturb it little."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(runs):
        for name, work in ways.items():
            started = time.process_time()
            result = work()
            best[name] = min(best[name], time.process_time() - started)
            del result
    return best


def peak_bytes(work: str, path: Path) -> int:
    """Peak memory above idle while an expression's value is made, in a fresh process."""
    script = MEMORY.format(imports=IMPORTS, work=work)
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--links", type=int, default=500_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.json"
        write_example(path, options.links)
        size = path.stat().st_size
        ways: dict[str, Callable[[], object]] = {
            "msgspec, JSON alone": lambda: msgspec.json.decode(path.read_bytes()),
        }
        memory = {"msgspec, JSON alone": "msgspec.json.decode(path.read_bytes())"}
        try:
            import orjson
        except ImportError:
            pass
        else:
            ways["orjson, JSON alone"] = lambda: orjson.loads(path.read_bytes())
            memory["orjson, JSON alone"] = "__import__('orjson').loads(path.read_bytes())"
        ways["graphlabel, opened"] = lambda: read_graph(path)
        memory["graphlabel, opened"] = "read_graph(path)"
        seconds = best_seconds(ways, options.runs)
        print(f"{size / 1e6:.0f} MB, {options.links:,} links\n")
        print(f"{'way':<24}{'seconds':>9}{'ratio':>8}{'peak MB':>10}{'of file':>9}")
        for name in ways:
            peak = peak_bytes(memory[name], path)
            ratio = seconds[name] / seconds["msgspec, JSON alone"]
            row = f"{name:<24}{seconds[name]:>9.2f}{ratio:>8.2f}"
            print(f"{row}{peak / 1e6:>10.0f}{peak / size:>9.2f}")


if __name__ == "__main__":
    main()

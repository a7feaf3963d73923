"""Feed broken graph files to the commands: no traceback, no hang.

Run: `python scripts/fuzz_graphs.py [--count 10000] [--seed 0] [--graphs FOLDER]`. Mutates the graph
files in FOLDER (those of the repository's tests otherwise), in bytes and in structure, and runs
info, lint --fix, diff and export (to the same form and to another) on each. Prints how many were
opened, refused and mended, and the slowest; every failure is kept in --keep. Exit status 1 when
there was a traceback or a hang.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlabel.export import ExportFormat

LIMIT = 5.0
"""Seconds of processor time a file may take for all commands together."""

HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, -0.0, 2**63, 10**40, 10**400, float("nan"), float("inf"), "", "\0",
    "\x1b[31mred", "[red]x[/red]", "\u202eevil", "=cmd()", "<script>", "x" * 100_000, [], {}, [[]],
    [None], {"graphlabel": {"label": 7}}, "0_1_1", "E_2_0", "-1", "9" * 400, "1e5", " 7 ",
)  # fmt: skip


class Hang(BaseException):
    """A file took longer than the limit; no handler of errors takes it for one."""


def main() -> int:
    """Run the commands on mutated files and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graphs", type=Path, help="folder of graph files to mutate")
    parser.add_argument("--keep", type=Path, default=Path("fuzz_failures"))
    options = parser.parse_args()
    seeds = list(originals(options.graphs))
    counts: Counter[str] = Counter()
    slowest = (0.0, "")
    signal.signal(signal.SIGPROF, _too_long)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRAPHLABEL_STORE"] = str(Path(folder) / "store.db")
        os.environ["GRAPHLABEL_CONFIG"] = ""
        whole = Path(folder) / "original.json"
        for number in range(options.count):
            chance = random.Random(f"{options.seed}-{number}")
            name, original = chance.choice(seeds)
            path = Path(folder) / f"mutant.{'pt' if name.endswith('.pt') else 'json'}"
            path.write_bytes(mutated(original, chance))
            whole.write_bytes(original)
            started = time.process_time()
            outcome, detail = one(path, whole, chance)
            slowest = max(slowest, (time.process_time() - started, f"{name} #{number}"))
            counts[outcome] += 1
            if outcome in ("traceback", "hang"):
                options.keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, options.keep / f"{number}_{path.name}")
                print(f"#{number} {name}: {outcome}\n{detail}", flush=True)
            if (number + 1) % 1000 == 0:
                print(f"{number + 1:>6}  {dict(counts)}", flush=True)
    print(f"\n{options.count} files, mutations of {len(seeds)} graphs, seed {options.seed}\n")
    for outcome in ("opened", "mended", "refused", "traceback", "hang"):
        print(f"{outcome:<12}{counts[outcome]:>8}")
    print(f"{'slowest':<12}{slowest[0]:>7.2f}s  {slowest[1]}")
    return 1 if counts["traceback"] or counts["hang"] else 0


def one(path: Path, whole: Path, chance: random.Random) -> tuple[str, str]:
    """What became of a file, and the traceback if there was one."""
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        opened = command("info", path) == 0
        mended = path.with_name("mended.json")
        mended.unlink(missing_ok=True)
        command("lint", path, "--fix", "--json", "-o", mended)
        if opened:
            command("diff", path, whole, "--any-set", "--json")
            command("export", path, "--to", "same", "-o", path.with_name("again.json"))
            to = chance.choice(_exports())
            command("export", path, "--to", to.name, "-o", path.with_name(f"out{to.suffix}"))
        elif mended.exists() and command("info", mended, "--json") == 0:
            return "mended", ""
    except Hang:
        return "hang", traceback.format_exc()
    except Exception:
        return "traceback", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ("opened" if opened else "refused"), ""


def _exports() -> Sequence[ExportFormat]:
    from graphlabel.export import FORMATS

    return tuple(FORMATS.values())


@cache
def _program() -> Any:
    import typer

    from graphlabel.cli.main import app

    return typer.main.get_command(app)


def command(*arguments: str | Path) -> int:
    """Run a command in this process; its exit status. Raises on what no command may do."""
    from graphlabel.errors import GraphLabelError

    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = _program().main([*map(str, arguments)], "graphlabel", standalone_mode=False)
    except GraphLabelError as error:
        if "\n" in str(error):
            raise AssertionError(f"a message of several lines: {error!r}") from error
        status = 2
    shown = out.getvalue() + err.getvalue()
    if any(char in shown for char in "\x1b\x9b\u202e"):
        raise AssertionError(f"{arguments[0]} shows characters that act")
    return int(status or 0)


def originals(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """Graphs to mutate, by name: each whole, and cut to sizes that many can be tried of."""
    files = sorted(folder.rglob("*.json")) if folder else []
    for path in files or [None]:
        data = path.read_bytes() if path else json.dumps(_made()).encode()
        name = path.name if path else "made.json"
        for most in (10, 20, 40, 80):
            cut = json.dumps(_cut(json.loads(data), most)).encode()
            yield f"{name} ({most} nodes)", cut
        yield f"{name}.gz", gzip.compress(cut, 1)
        if len(data) < 500_000:
            yield name, data
    with contextlib.suppress(ImportError):
        yield "made.pt", _pickled()


def _cut(graph: dict[str, Any], most: int) -> dict[str, Any]:
    nodes = graph["nodes"]
    graph["nodes"] = nodes[:: max(len(nodes) // most, 1)]
    kept = {node["node_id"] for node in graph["nodes"]}
    near = [link for link in graph["links"] if link["source"] in kept or link["target"] in kept]
    graph["links"] = near[: most * 5]
    return graph


def _made() -> dict[str, Any]:
    """A graph with a collision, a supernode and every kind of node."""
    rows = [
        ("0_1_1", "cross layer transcoder", "0", 2, 1),
        ("0_1_1", "mlp reconstruction error", "1", -1, 1),
        ("1_5_1", "cross layer transcoder", "1", 26, 1),
        ("E_2_0", "embedding", "E", 0, 0),
        ("3_9_1", "logit", "3", 9, 1),
    ]
    nodes = [
        {"node_id": node_id, "feature": feature, "layer": layer, "ctx_idx": position,
         "feature_type": kind, "jsNodeId": f"{node_id}-0", "clerp": "", "influence": 0.5,
         "activation": 1.5, "token_prob": 0.25}
        for node_id, kind, layer, feature, position in rows
    ]  # fmt: skip
    links = [
        {"source": "E_2_0", "target": "0_1_1", "weight": 1.25},
        {"source": "0_1_1", "target": "3_9_1", "weight": -2},
    ]
    metadata = {"slug": "made", "scan": "m", "prompt": "ab", "prompt_tokens": ["a", "b"]}
    q_params = {
        "pinnedIds": ["0_1_1"],
        "supernodes": [["group", "0_1_1", "E_2_0"]],
        "clerps": [["1_26_1", "x"]],
    }
    return {"metadata": metadata, "qParams": q_params, "nodes": nodes, "links": links}


def _pickled() -> bytes:
    import torch

    matrix = torch.zeros(7, 7)
    matrix[0, 4], matrix[6, 0], matrix[6, 5] = 1.0, 2.0, 0.5
    graph = {
        "input_string": "ab", "adjacency_matrix": matrix, "cfg": None, "vocab_size": 9,
        "active_features": torch.tensor([[0, 1, 3]]), "selected_features": torch.tensor([0]),
        "activation_values": torch.tensor([2.0]), "input_tokens": torch.tensor([1, 2, 3][:2]),
        "logit_targets": torch.tensor([5, 6]), "logit_probabilities": torch.tensor([0.5, 0.25]),
        "scan_name": "set",
    }  # fmt: skip
    stream = io.BytesIO()
    torch.save(graph, stream)
    return stream.getvalue()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The data with one to a few changes, in structure or in bytes."""
    try:
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        graph = json.loads(plain)
    except (ValueError, OSError):
        return _mutated_bytes(data, chance)
    if chance.random() < 0.3:
        return _mutated_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 12))):
        _mutate_value(graph, chance)
    encoded = json.dumps(graph, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    return gzip.compress(encoded, 1) if plain is not data else encoded


def _mutated_bytes(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 3, 10, 50))):
        place, length = chance.randrange(len(found) + 1), chance.choice((1, 2, 8, 64, 4096))
        changes: tuple[Callable[[], bytes], ...] = (
            lambda n=length: chance.randbytes(n),
            lambda: b"",
            lambda p=place, n=length: bytes(found[p : p + n]) * 2,
            lambda: chance.choice(
                (b'"', b"{", b"[", b"]", b"}", b",", b":", b"\\", b"NaN", b"1e999", b"\\ud800")
            ),
            lambda n=length: b"[" * n * 50,
            lambda n=length: b"9" * n,
        )
        found[place : place + length] = chance.choice(changes)()
        if chance.random() < 0.05:
            del found[place:]
    return bytes(found)


def _mutate_value(graph: Any, chance: random.Random) -> None:
    """Change one value, name or item somewhere within."""
    here = graph
    while True:
        inner = [
            each for each in _items(here) if isinstance(here[each], (dict, list)) and here[each]
        ]
        if not inner or chance.random() < 0.12:
            break
        here = here[chance.choice(inner)]
    if not here:
        return
    place = chance.choice(_items(here))
    match chance.randrange(5):
        case 0:
            del here[place]
        case 1:
            here[place] = _nested(chance.choice((3, 50, 900, 5000)))
        case 2 if isinstance(here, list):
            # so often that a file stays below some megabytes
            most = 100_000 // len(json.dumps(here[place])) + 1
            here[place:place] = [here[place]] * min(chance.choice((1, 2, 300)), most)
        case 3 if isinstance(here, dict):
            here[str(chance.choice(HOSTILE))[:50]] = here.pop(place)
        case _:
            here[place] = deepcopy(chance.choice(HOSTILE))


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else list(range(len(value)))


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(min(depth, 900)):  # the encoder here goes no deeper; bytes do
        value = [value]
    return value


def _too_long(*_: object) -> None:
    raise Hang


if __name__ == "__main__":
    sys.exit(main())

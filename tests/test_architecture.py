"""The walls between the rooms, proved at run time by importing in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "transformers", "sentence_transformers", "sae_lens")


def loaded_after(code: str) -> set[str]:
    """Top-level modules that are loaded once some code has run."""
    script = (
        f"{code}\nimport sys\nprint('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import graphlabel",
        "import graphlabel.api",
        "import graphlabel.cli.main",
        "import graphlabel.files, graphlabel.store, graphlabel.export, graphlabel.labeling",
        "import graphlabel.evidence.index.reader, graphlabel.evidence.opening",
        "import graphlabel.protocol",
        "import graphlabel.labeling.verbalizers",
        "import graphlabel.grouping",
        "import graphlabel.neuronpedia",
        "import graphlabel.llm.opening, graphlabel.llm.ledger",
        "import graphlabel.files.torch_graph",
        "import graphlabel.atlas",
        "import graphlabel_tui.app",
    ],
)
def test_light_rooms_load_no_torch(code: str) -> None:
    assert not loaded_after(code) & set(HEAVY)


@pytest.mark.parametrize(
    "room",
    [
        "graph",
        "records",
        "annotation",
        "files",
        "store",
        "evidence",
        "export",
        "labeling",
        "neuronpedia",
    ],
)
def test_the_library_loads_no_user_interface(room: str) -> None:
    assert not loaded_after(f"import graphlabel.{room}") & {"textual", "graphlabel_tui"}


def test_help_answers_at_once() -> None:
    """Well under half a second on an idle machine; allowed twice that here, best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "graphlabel", "--help"], check=True, capture_output=True
        )
        times.append(time.perf_counter() - started)
    assert min(times) < 1.0


def test_every_public_name_exists_and_is_sorted() -> None:
    import importlib

    rooms = ["", ".api", ".graph", ".records", ".annotation", ".files", ".store", ".evidence", ".export",
             ".protocol", ".labeling", ".embedding", ".models", ".tracing", ".atlas", ".neuronpedia", ".llm", ".grouping", ".labeling.verbalizers", ".training"]  # fmt: skip
    for room in rooms:
        module = importlib.import_module(f"graphlabel{room}")
        names = module.__all__
        assert sorted(set(names), key=_order) == list(names), room
        assert all(hasattr(module, name) for name in names), room


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as the linter sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_modules_stay_small() -> None:
    files = [*ROOT.glob("graphlabel/**/*.py"), *ROOT.glob("tui/**/*.py")]
    long = {str(path): n for path in files if (n := len(path.read_text().splitlines())) > 400}
    assert not long

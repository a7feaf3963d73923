"""The documentation is tested: commands run, snippets run, the reference is current, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "sample_graphs/README.md",
        *ROOT.glob("docs/**/*.md"),
    ]
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?:\]\(|src=\")([^)#\"\s]+)")
# these need a terminal or set the project up; other tests cover them
INTERACTIVE = re.compile(r"^\s*(make |graphlabel open|git |cd )")


# the same long command on many pages: it runs once, the others get a copy of what it wrote
DEMO = re.compile(r"^graphlabel demo --no-open -o (\S+)", re.MULTILINE)


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8"))):
            if match[1] == language:
                found.append((f"{page.stem}-{number}", match[2]))
    return found


@pytest.fixture(scope="session")
def demo_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "dallas.json"
    command = Path(sys.executable).parent / "graphlabel"
    subprocess.run([command, "demo", "--no-open", "-o", path], capture_output=True, check=True)
    return path


@pytest.mark.parametrize(("name", "text"), blocks("bash"), ids=lambda value: value[:30])
def test_commands_run(name: str, text: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if DEMO.search(text):
        text = DEMO.sub(rf"cp {request.getfixturevalue('demo_graph')} \1", text)
    lines = [line for line in text.splitlines() if not INTERACTIVE.match(line)]
    if not any(line.strip() for line in lines):
        return
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    (tmp_path / "sample_graphs").symlink_to(ROOT / "sample_graphs")
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "text"), blocks("python"), ids=lambda value: value[:30])
def test_python_snippets_run(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(text, name, "exec"), module.__dict__)


def test_the_command_reference_is_current() -> None:
    script = "import sys; sys.path.insert(0, 'scripts'); import command_reference; print(command_reference.reference(), end='')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs/commands.md").read_text(encoding="utf-8"), "run make docs"


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    """Every page is in the navigation, every link and anchor leads somewhere, every room imports."""
    pytest.importorskip("mkdocs")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            str(tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The pruned attribution graph" in (tmp_path / "python/api/index.html").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target

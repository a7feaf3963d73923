"""A MkDocs hook: pages of the documentation that are made of other files.

The start page is the README, the samples have their own, the changes are CHANGELOG.md, and every
room gets a page of its public names, with what the code says of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those that lie in docs/."""
    made = {
        "index.md": _readme(),
        "sample-graphs.md": _text("sample_graphs/README.md").replace("](../docs/", "]("),
        "changelog.md": _text("CHANGELOG.md"),
    }
    for room in rooms():
        made[f"python/{room.rpartition('.')[2]}.md"] = _reference(room)
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def rooms() -> Iterator[str]:
    """The modules and packages directly inside graphlabel that say what they offer."""
    for path in sorted((ROOT / "graphlabel").iterdir()):
        module = path / "__init__.py" if path.is_dir() else path
        if module.suffix == ".py" and path.name != "__init__.py" and module.is_file():
            room = f"graphlabel.{path.stem}"
            if public_names(module) or room == "graphlabel.errors":
                yield room


def public_names(module: Path) -> list[str]:
    """What the module's ``__all__`` lists."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _reference(room: str) -> str:
    if room == "graphlabel.errors":  # it lists nothing: all of the tree is public
        return f"# {room}\n\n::: {room}\n"
    return f"# {room}\n\n::: {room}\n    options:\n      members: {_members(room)}\n"


def _members(room: str) -> str:
    path = ROOT / room.replace(".", "/")
    module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return "[" + ", ".join(public_names(module)) + "]"


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _readme() -> str:
    return (
        _text("README.md")
        .replace("](docs/", "](")
        .replace("](CHANGELOG.md", "](changelog.md")
        .replace("](sample_graphs/README.md", "](sample-graphs.md")
    )

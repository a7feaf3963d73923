"""Write the command reference from the commands themselves.

Run from the repository root: `python scripts/command_reference.py docs/commands.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from graphlabel.cli.main import app

HEADER = """# Commands

Made from the code by `make docs`; do not edit. Every option can be given a default in a TOML file
(`graphlabel --config FILE`, or `config.toml` in the user configuration folder), under the
command's name:

```toml
[trace]
model = "my-model"
node_threshold = 0.9

[features.show]
features = "my-index"
```
"""


WIDTH = 84
"""Characters a line: what a page of the site shows without scrolling."""


def reference() -> str:
    """The whole page, the same in every terminal."""
    command = typer.main.get_command(app)
    # what the command itself and all below it inherit
    context = typer.Context(
        command, info_name="graphlabel", terminal_width=WIDTH, **command.context_settings
    )
    parts = [HEADER, _section("graphlabel", command, context)]
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        inner = typer.Context(child, info_name=name, parent=context)
        if hasattr(child, "list_commands"):
            for leaf in child.list_commands(inner):
                grandchild = child.get_command(inner, leaf)
                deepest = typer.Context(grandchild, info_name=leaf, parent=inner)
                parts.append(_section(f"graphlabel {name} {leaf}", grandchild, deepest))
        else:
            parts.append(_section(f"graphlabel {name}", child, inner))
    return "\n".join(parts)


def _section(title: str, command: typer.core.TyperCommand, context: typer.Context) -> str:
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {title}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")

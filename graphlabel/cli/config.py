"""Defaults from a TOML file: one table a command, one entry an option."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from graphlabel.errors import UsageError

CONFIG_VARIABLE = "GRAPHLABEL_CONFIG"


def default_path() -> Path:
    """Where the configuration is looked for: GRAPHLABEL_CONFIG or the user's config folder."""
    from platformdirs import user_config_path

    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else user_config_path("graphlabel") / "config.toml"


def check(defaults: dict[str, Any], command: Any, path: str) -> None:
    """Raise UsageError when a table names no command or an entry no option.

    One value of an option that can be given several times becomes a list.
    """
    commands = getattr(command, "commands", {})
    options = {parameter.name: parameter for parameter in command.params}
    for name, value in defaults.items():
        if name in commands and isinstance(value, dict):
            check(value, commands[name], f"{path}{name}.")
        elif not path or name not in options:
            known = ", ".join(sorted(commands or options))
            raise UsageError(f"the configuration's “{path}{name}” is unknown; known are {known}")
        elif getattr(options.get(name), "multiple", False) and not isinstance(value, list):
            defaults[name] = [value]


def load(named: str | None) -> dict[str, Any]:
    """The defaults by command; empty when there is no file.

    Raises UsageError when the file named does not exist or is not TOML.
    """
    path = Path(named) if named else default_path()
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except FileNotFoundError as error:
        if named or os.environ.get(CONFIG_VARIABLE):
            raise UsageError(f"there is no configuration file {path}; check --config") from error
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration {path} cannot be read: {error}") from error
    loose = [name for name, value in tables.items() if not isinstance(value, dict)]
    if loose:
        raise UsageError(
            f"{path}: “{loose[0]}” stands outside a table; write it under the command it is for, "
            "such as [trace]"
        )
    return {
        command: {option.replace("-", "_"): value for option, value in options.items()}
        for command, options in tables.items()
    }

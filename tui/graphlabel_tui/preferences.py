"""What the person prefers: keys, theme, whether the tour was seen. Files in the config folder.

``keys.toml`` is written by people, ``workbench.toml`` by the workbench. No Textual here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from graphlabel.atomic import write_bytes
from graphlabel.errors import GraphLabelError, UsageError
from graphlabel_tui.commands import BY_ID, COMMANDS, REGIONS, Command

FOLDER_VARIABLE = "GRAPHLABEL_CONFIG_FOLDER"


def config_folder() -> Path:
    """Where preferences are kept: GRAPHLABEL_CONFIG_FOLDER or the user's config folder."""
    from platformdirs import user_config_path

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_config_path("graphlabel")


@dataclass(frozen=True)
class Preferences:
    """How one person likes the workbench."""

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Commands' keys where they differ from the usual ones, in the toolkit's names."""
    theme: str = ""
    toured: bool = False
    complaints: tuple[str, ...] = ()
    """What in the files cannot be used, a line each."""

    def keys_of(self, command: Command) -> tuple[str, ...]:
        """The keys of a command."""
        return self.keys.get(command.id, command.keys)


def load_preferences(folder: Path | None = None) -> Preferences:
    """What the files say; what they say wrongly is left out and listed."""
    folder = folder or config_folder()
    complaints: list[str] = []
    keys = _keys(_table(folder / "keys.toml", complaints), complaints)
    state = _table(folder / "workbench.toml", complaints)
    theme = state.get("theme", "")
    return Preferences(
        keys,
        theme if isinstance(theme, str) else "",
        state.get("toured") is True,
        tuple(complaints),
    )


def _table(path: Path, complaints: list[str]) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        complaints.append(f"{path} cannot be read: {' '.join(str(error).split())}")
        return {}


def _keys(table: Mapping[str, object], complaints: list[str]) -> dict[str, tuple[str, ...]]:
    """The keys a file gives, without what names no command and what collides."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        given = [value] if isinstance(value, str) else value
        if name not in BY_ID:
            complaints.append(f"keys.toml: there is no command “{name[:40]}”")
        elif not _is_keys(given):
            complaints.append(f"keys.toml: {name} should be a key or a list of keys")
        else:
            assert isinstance(given, list)
            found[name] = tuple(key_name(str(each)) for each in given)
    while clash := conflict(found):
        one, other, key = clash
        loser = one if one in found else other
        complaints.append(f"keys.toml: “{key}” is both {one} and {other}; {loser} keeps its own")
        del found[loser]
    return found


def _is_keys(given: object) -> bool:
    return isinstance(given, list) and bool(given) and all(map(_is_key, given))


def _is_key(given: object) -> bool:
    if not isinstance(given, str) or not given.isprintable():
        return False
    # the toolkit separates keys by commas
    return bool(given.strip()) and (given.strip() == "," or "," not in given)


def key_name(text: str) -> str:
    """The toolkit's name of a key that a person wrote, such as ``/`` or ``^s``."""
    from textual.keys import _character_to_key

    text = text.strip()
    if len(text) == 1:
        return _character_to_key(text)
    return f"ctrl+{text[1:]}" if text.startswith("^") and len(text) == 2 else text


def conflict(keys: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """Two commands that have one key where both work: their ids and the key."""
    for region in REGIONS:
        taken: dict[str, str] = {}
        for command in COMMANDS:
            if command.regions and region not in command.regions:
                continue
            for key in keys.get(command.id, command.keys):
                if key in taken and taken[key] != command.id:
                    return taken[key], command.id, key
                taken[key] = command.id
    return None


def with_keys(preferences: Preferences, command: str, keys: Iterable[str]) -> Preferences:
    """The preferences with a command's keys changed; raises UsageError when they are taken."""
    changed = {**preferences.keys, command: tuple(keys)}
    if changed[command] in ((), BY_ID[command].keys):
        del changed[command]
    clash = conflict(changed)
    if clash:
        one, other, key = clash
        holder = other if one == command else one
        raise UsageError(f"“{key}” is the key of {BY_ID[holder].title} already; change that first")
    return replace(preferences, keys=changed)


def save_keys(preferences: Preferences, folder: Path | None = None) -> Path:
    """Write keys.toml; raises UsageError when it cannot be."""
    path = (folder or config_folder()) / "keys.toml"
    lines = ["# keys of the workbench's commands; those left out keep their usual ones"]
    for name, keys in sorted(preferences.keys.items()):
        lines.append(f"{name} = [{', '.join(_quoted(key) for key in keys)}]")
    _write(path, "\n".join(lines) + "\n")
    return path


def save_state(preferences: Preferences, folder: Path | None = None) -> None:
    """Write workbench.toml; raises UsageError when it cannot be."""
    toured = "true" if preferences.toured else "false"
    text = f"theme = {_quoted(preferences.theme)}\ntoured = {toured}\n"
    _write((folder or config_folder()) / "workbench.toml", text)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, text.encode(), UsageError)
    except (OSError, GraphLabelError) as error:
        raise UsageError(f"preferences cannot be kept: {error}") from error


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

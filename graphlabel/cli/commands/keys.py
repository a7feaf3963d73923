"""``graphlabel keys``."""

from __future__ import annotations

from graphlabel.cli.options import JsonFlag


def keys(json: JsonFlag = False) -> None:
    """List the workbench's commands and their keys, as you set them."""
    from graphlabel.cli.console import note, print_json, say
    from graphlabel_tui.commands import COMMANDS, shown_key
    from graphlabel_tui.preferences import load_preferences

    preferences = load_preferences()
    for complaint in preferences.complaints:
        note(complaint)
    rows = [
        {
            "command": each.id,
            "group": each.group,
            "keys": list(preferences.keys_of(each)),
            "changed": each.id in preferences.keys,
            "help": each.help,
        }
        for each in COMMANDS
    ]
    if json:
        print_json(rows)
        return
    for each in COMMANDS:
        shown = " ".join(map(shown_key, preferences.keys_of(each)))
        mark = "•" if each.id in preferences.keys else " "
        say(f"{mark}{shown:>12}  {each.id:<16} {each.help}")

"""The one registry of commands: bindings, footer, help and palette all come from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding

REGIONS = ("graph", "feature", "nodes", "supernodes")
"""The four regions of the workbench, by the numbers of their tabs."""
SIDEWAYS = ("graph", "supernodes")
"""Regions in which one moves to the left and to the right, too."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something the person can do."""

    id: str
    """Also its action: ``action_<id>`` on the screen, or ``go_<id>`` on a region."""
    keys: tuple[str, ...]
    title: str
    """One or two words, for the footer."""
    help: str
    """A sentence, for the help screen and the palette."""
    group: str
    regions: tuple[str, ...] = ()
    """Where it works when it does not work everywhere; then the region carries it out."""
    rank: int = 50
    """Footer order, the lowest first; commands above 90 are left to the help screen."""

    @property
    def shown_keys(self) -> str:
        """The keys as people write them."""
        return " ".join(map(shown_key, self.keys))

    @property
    def first_key(self) -> str:
        """The key the footer shows."""
        return shown_key(self.keys[0])


KEY_NAMES = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "enter": "⏎", "space": "space",
    "left_square_bracket": "[", "right_square_bracket": "]", "minus": "-", "plus": "+",
    "equals_sign": "=", "slash": "/", "colon": ":", "question_mark": "?", "ctrl+s": "^s",
    "ctrl+p": "^p", "ctrl+r": "^r", "full_stop": ".", "comma": ",", "escape": "esc",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "less_than_sign": "<",
    "greater_than_sign": ">", "shift+left": "⇧←", "shift+right": "⇧→", "shift+up": "⇧↑",
    "shift+down": "⇧↓", "tab": "tab", "shift+tab": "⇧tab", "exclamation_mark": "!",
    "asterisk": "*", "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip


def shown_key(key: str) -> str:
    """A key as people write it."""
    return KEY_NAMES.get(key, key)


EDIT, LOOK, MOVE, FILE, HELP = "edit", "look", "move", "file", "help"

COMMANDS: tuple[Command, ...] = (
    Command("label", ("e",), "label", "Name the node, or all marked nodes", EDIT, rank=1),
    Command("note", ("t",), "note", "Write a note on the node", EDIT, rank=30),
    Command("group", ("g",), "group", "Put the marked nodes into a supernode", EDIT, rank=2),
    Command("ungroup", ("G",), "ungroup", "Take the nodes out of their supernode", EDIT, rank=31),
    Command("rename", ("r",), "rename", "Rename the node's supernode", EDIT, rank=32),
    Command("merge", ("M",), "merge", "Merge supernodes into one", EDIT, rank=33),
    Command("split", ("S",), "split", "Split marked nodes off, under a new name", EDIT, rank=33),
    Command("pin", ("p",), "pin", "Pin the nodes to the subgraph, or unpin them", EDIT, rank=3),
    Command("accept", ("a",), "accept", "Accept the label; again takes it back", EDIT, rank=4),
    Command("reject", ("x",), "reject", "Reject the label; again takes it back", EDIT, rank=5),
    Command("mark", ("space",), "mark", "Mark the node; edits apply to all marked", EDIT, rank=9),
    Command(
        "mark_up", ("shift+up", "K"), "mark up", "Mark rows from here upwards", EDIT, ("nodes",), 96
    ),
    Command(
        "mark_down",
        ("shift+down", "J"),
        "mark on",
        "Mark rows from here down",
        EDIT,
        ("nodes",),
        13,
    ),
    Command("mark_all", ("asterisk",), "all", "Mark all rows of the table, or none", EDIT, rank=14),
    Command(
        "unmark", ("escape",), "unmark", "Leave the zoom, the marks, the filter", EDIT, rank=95
    ),
    Command(
        "suggest", ("s",), "suggest", "Have supernodes suggested; decide on each", EDIT, rank=5
    ),
    Command(
        "label_by_model",
        ("m",),
        "by model",
        "Have a model label tier 2, its price shown first",
        EDIT,
        rank=16,
    ),
    Command("undo", ("u",), "undo", "Take the last edit back", EDIT, rank=10),
    Command("redo", ("U", "ctrl+r"), "redo", "Make the undone edit again", EDIT, rank=33),
    Command(
        "review", ("n",), "next for review", "Go to the next node that needs you", LOOK, rank=6
    ),
    Command(
        "review_mode", ("v",), "review", "Review one by one: accept, edit, skip", LOOK, rank=15
    ),
    Command("filter", ("slash",), "filter", "Filter the node table", LOOK, rank=7),
    Command("sort", ("o",), "order", "Step through the orders of the node table", LOOK, rank=34),
    Command("order", ("O",), "order by", "Choose the node table's order", LOOK, rank=34),
    Command("reverse", ("R",), "turn order", "Turn the table's order round", LOOK, rank=34),
    Command("fewer", ("minus",), "fewer", "Show only more influential nodes", LOOK, rank=35),
    Command(
        "more", ("plus", "equals_sign"), "more", "Show less influential nodes too", LOOK, rank=36
    ),
    Command(
        "fewer_edges",
        ("left_curly_bracket",),
        "fewer edges",
        "Show only edges that carry most of a node's input or output",
        LOOK,
        rank=43,
    ),
    Command(
        "more_edges", ("right_curly_bracket",), "more edges", "Show weaker edges too", LOOK, rank=44
    ),
    Command("errors", ("E",), "errors", "Hide or show the error nodes", LOOK, rank=37),
    Command(
        "lower", ("full_stop",), "lower examples", "Examples of lower activation", LOOK, rank=38
    ),
    Command(
        "higher", ("comma",), "higher examples", "Examples of higher activation", LOOK, rank=91
    ),
    Command(
        "follow", ("enter",), "follow", "Follow the strongest edge, or enter the line", MOVE, rank=8
    ),
    Command("jump", ("f",), "jump", "Jump to a node by typing what it is", MOVE, rank=13),
    Command("back", ("left_square_bracket",), "back", "Go back to the node before", MOVE, rank=39),
    Command("forward", ("right_square_bracket",), "forward", "Go forward again", MOVE, rank=92),
    Command("region_1", ("1",), "graph", "Go to the link graph", MOVE, rank=93),
    Command("region_2", ("2",), "feature", "Go to the feature panel", MOVE, rank=93),
    Command("region_3", ("3",), "nodes", "Go to the node table", MOVE, rank=93),
    Command("region_4", ("4",), "supernodes", "Go to the supernodes", MOVE, rank=93),
    Command("next_region", ("tab",), "next", "Go to the next region", MOVE, rank=93),
    Command("previous_region", ("shift+tab",), "before", "The region before", MOVE, rank=93),
    Command(
        "zoom", ("z",), "zoom", "Give the region the whole screen, or take it back", MOVE, rank=40
    ),
    Command("left", ("left", "h"), "left", "The node or box to the left", MOVE, SIDEWAYS, rank=94),
    Command(
        "right", ("right", "l"), "right", "The node or box to the right", MOVE, SIDEWAYS, rank=94
    ),
    Command("wider", ("greater_than_sign",), "zoom in", "Wider columns", LOOK, ("graph",), rank=45),
    Command(
        "narrower",
        ("less_than_sign",),
        "zoom out",
        "Narrower columns, then several layers in a row",
        LOOK,
        ("graph",),
        rank=46,
    ),
    Command("pan_left", ("shift+left", "H"), "pan", "Pan left", MOVE, ("graph",), rank=94),
    Command("pan_right", ("shift+right", "L"), "pan", "Pan right", MOVE, ("graph",), rank=94),
    Command("pan_up", ("shift+up", "K"), "pan", "Pan up", MOVE, ("graph",), rank=94),
    Command("pan_down", ("shift+down", "J"), "pan", "Pan down", MOVE, ("graph",), rank=94),
    Command("up", ("up", "k"), "up", "The node or line above", MOVE, REGIONS, rank=94),
    Command("down", ("down", "j"), "down", "The node or line below", MOVE, REGIONS, rank=94),
    Command("page_up", ("pageup",), "page up", "A page up", MOVE, REGIONS, rank=94),
    Command("page_down", ("pagedown",), "page down", "A page down", MOVE, REGIONS, rank=94),
    Command("first", ("home",), "first", "The first node or line", MOVE, REGIONS, rank=94),
    Command("last", ("end",), "last", "The last node or line", MOVE, REGIONS, rank=94),
    Command("save", ("ctrl+s",), "save", "Write the annotated graph file", FILE, rank=11),
    Command(
        "intervene",
        ("i",),
        "intervene",
        "Change features in the model itself",
        LOOK,
        rank=15,
    ),
    Command("export", ("X",), "export", "Write the graph in another format", FILE, rank=41),
    Command("run", ("exclamation_mark",), "run", "Trace, build, route or label", FILE, rank=41),
    Command("copy_id", ("y",), "copy id", "Copy the nodes' ids to the clipboard", FILE, rank=43),
    Command(
        "copy_label", ("Y",), "copy label", "Copy the nodes' labels to the clipboard", FILE, rank=43
    ),
    Command("compare", ("C",), "compare", "Another graph beside this one", FILE, rank=41),
    Command("quit", ("q",), "quit", "Leave; unsaved work is asked about", FILE, rank=42),
    Command(
        "palette", ("colon", "ctrl+p"), "command", "Find any command by its name", HELP, rank=12
    ),
    Command("help", ("question_mark",), "help", "All commands, glyphs and classes", HELP, rank=0),
    Command("theme", ("T",), "theme", "Dark, light or high contrast; remembered", HELP, rank=93),
    Command("keys", ("f2",), "keys", "See and change every command's keys", HELP, rank=93),
    Command("tour", ("f1",), "tour", "A short tour of the workbench", HELP, rank=93),
)
"""Every command."""

BY_ID = {command.id: command for command in COMMANDS}


def screen_bindings() -> list[Binding]:
    """Bindings of the commands that work everywhere."""
    return [_binding(command, command.id) for command in COMMANDS if not command.regions]


def region_bindings(region: str) -> list[Binding]:
    """Bindings of the commands that a region carries out itself."""
    return [
        _binding(command, f"screen.go('{region}', '{command.id}')")
        for command in COMMANDS
        if region in command.regions
    ]


def _binding(command: Command, action: str) -> Binding:
    keys = ",".join(command.keys)
    return Binding(keys, action, command.title, tooltip=command.help, id=command.id)


def footer_commands(region: str, commands: Sequence[Command] = COMMANDS) -> list[Command]:
    """What the footer shows in a region, the most useful first."""
    here = [
        command
        for command in commands
        if command.rank <= 90 and (not command.regions or region in command.regions)
    ]
    return sorted(here, key=lambda command: command.rank)

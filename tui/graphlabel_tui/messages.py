"""What widgets tell the screen. They never change the session themselves."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from graphlabel.annotation import Scope
from graphlabel.graph import NodeKey


@dataclass
class NodeChosen(Message):
    """A node was chosen with the keyboard or the mouse."""

    key: NodeKey


@dataclass
class MarksChosen(Message):
    """These nodes were marked, and no others; the last of them is to be selected."""

    marked: dict[NodeKey, None]
    key: NodeKey


@dataclass
class OrderChosen(Message):
    """The head of a column was clicked; again turns its order round."""

    order: str


@dataclass
class NodeFollowed(Message):
    """A node in a list was entered: select it and show it."""

    key: NodeKey


@dataclass
class ListOpened(Message):
    """The rest of a list in the feature panel was asked for."""

    name: str


@dataclass
class SupernodeChosen(Message):
    """A supernode was entered: mark its members."""

    name: str


@dataclass
class BoxMarked(Message):
    """A box of the supernode graph was marked: mark its members."""

    keys: tuple[NodeKey, ...]


@dataclass
class CommandChosen(Message):
    """A command was clicked in the footer."""

    command: str


@dataclass
class RegionChosen(Message):
    """A tab was clicked."""

    region: str


@dataclass
class LineEdited(Message):
    """The edit line was changed (filters act while being typed)."""

    purpose: str
    text: str


@dataclass
class LineEntered(Message):
    """The edit line was confirmed with Enter."""

    purpose: str
    text: str
    scope: Scope


@dataclass
class LineCancelled(Message):
    """The edit line was left with Escape."""

    purpose: str


@dataclass
class LabelsKnown(Message):
    """Labels that the store has were read, the most frequent first."""

    texts: list[str]


class StoreChanged(Message):
    """Others wrote to the annotation store."""


@dataclass
class StoreUnreachable(Message):
    """The annotation store cannot be asked."""

    text: str
    """Why."""

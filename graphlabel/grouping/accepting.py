"""Making suggestions supernodes."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.annotation import Annotations, Group, Several
from graphlabel.grouping.suggestion import Suggestion


def accepting(annotations: Annotations, suggestions: Sequence[Suggestion]) -> Several:
    """The edit that makes suggestions supernodes; one undo takes it back.

    What people grouped stays: members that are in a supernode already are left out, and a
    suggestion of which fewer than two then remain. Names in use get a number.
    """
    taken = {key for group in annotations.supernodes for key in group.members}
    commands: list[Group] = []
    named = annotations
    for suggestion in suggestions:
        free = tuple(key for key in suggestion.members if key not in taken)
        if len(free) < 2:
            continue
        command = Group(named.free_name(suggestion.name), free)
        named = command.patch(named).apply(named)
        commands.append(command)
    return Several(f"accept {len(commands)} suggested supernodes", commands)

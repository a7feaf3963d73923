"""Which nodes ``graphlabel intervene`` changes, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument
from graphlabel.graph import Node

if TYPE_CHECKING:
    from graphlabel.tracing.interventions import Intervention

_SUFFIX = re.compile(r"^(.*?)\s*([*×=])\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$", re.I)


@dataclass(frozen=True, slots=True)
class Changed:
    """Nodes that are changed together."""

    name: str
    """A supernode's name or a node's id."""
    nodes: tuple[Node, ...]
    amount: float
    sets: bool
    """Whether the amount is the new activation and not a factor."""

    def __str__(self) -> str:
        return f"{self.name} {'=' if self.sets else '×'} {self.amount:g}"


@dataclass(frozen=True, slots=True)
class Swap:
    """Features of another graph that take the changed ones' place."""

    document: GraphDocument
    names: tuple[str, ...]
    nodes: tuple[Node, ...]
    amount: float = 1.0
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything one run changes."""

    changed: tuple[Changed, ...]
    swap: Swap | None = None
    everywhere: bool = False
    conditional: bool = False

    @property
    def nodes(self) -> list[Node]:
        """The graph's own nodes that are changed."""
        return [node for each in self.changed for node in each.nodes]

    def interventions(self, n_positions: int) -> list[Intervention]:
        """What is done to the model; ``n_positions`` are the prompt's tokens.

        Raises UsageError when a node is changed twice, in different groups, say.
        """
        from graphlabel.tracing.interventions import Action, for_nodes, in_place_of

        own = [
            intervention
            for each in self.changed
            for intervention in for_nodes(
                each.nodes,
                each.amount,
                Action.SET if each.sets else Action.SCALE,
                everywhere=self.everywhere,
                conditional=self.conditional,
            )
        ]
        if self.swap is None:
            return own
        swap = self.swap
        # without a position of their own they keep their distance from the prompt's end
        shift = n_positions - len(swap.document.graph.tokens)
        return in_place_of(own, swap.nodes, swap.amount, shift=shift, position=swap.position)


def wanted_nodes(
    document: GraphDocument,
    supernodes: Sequence[str],
    nodes: Sequence[str],
    *,
    scale: float | None,
    value: float | None,
) -> tuple[Changed, ...]:
    """The nodes that options name, each with its factor or new activation.

    ``NAME*-1`` and ``NAME=3`` say it for one name, ``scale`` or ``value`` for the others. Raises
    UsageError for names that are not there and nodes that are no features.
    """
    if scale is not None and value is not None:
        raise UsageError("--scale and --set exclude each other; NAME*-1 and NAME=3 say it by name")
    default = (value, True) if value is not None else (0.0 if scale is None else scale, False)
    found = []
    for text, is_group in [*((each, True) for each in supernodes), *((n, False) for n in nodes)]:
        name, (amount, sets) = _apart(document, text, is_group, default)
        chosen = _group(document, name) if is_group else (_node(document, name),)
        found.append(Changed(name, chosen, amount, sets))
    if not found:
        raise UsageError("nothing is changed; name features with --supernode or --node")
    return tuple(found)


def _apart(
    document: GraphDocument, text: str, is_group: bool, default: tuple[float, bool]
) -> tuple[str, tuple[float, bool]]:
    """A name and what is done to it; a name that is there to the letter is only a name."""
    known = document.annotations.supernode(text) if is_group else document.place_of_id.get(text)
    match = _SUFFIX.match(text)
    if known is not None or match is None:
        return text, default
    return match[1], (float(match[3]), match[2] == "=")


def _group(document: GraphDocument, name: str) -> tuple[Node, ...]:
    """The features of a supernode; raises UsageError when there are none."""
    groups = document.annotations.supernodes
    group = document.annotations.supernode(name)
    if group is None:
        known = ", ".join(f"“{each.name}”" for each in groups[:12]) or "none; make one with open"
        raise UsageError(f"the graph has no supernode “{name}”; it has {known}")
    graph = document.graph
    members = [graph.nodes[graph.index_of[key]] for key in group.members if key in graph.index_of]
    features = tuple(node for node in members if node.is_feature)
    if not features:
        raise UsageError(f"the supernode “{name}” holds no features; only features can be changed")
    return features


def _node(document: GraphDocument, node_id: str) -> Node:
    place = document.place_of_id.get(node_id)
    if place is None:
        example = next(iter(document.node_ids), "2_100_4")
        raise UsageError(f"the graph has no node “{node_id}”; ids look like {example}")
    node = document.graph.nodes[place]
    if not node.is_feature:
        raise UsageError(
            f"{node_id} is no feature but of kind {node.key.kind}; only features can be changed"
        )
    return node


def swap_of(
    document: GraphDocument,
    supernodes: Sequence[str],
    nodes: Sequence[str],
    *,
    amount: float,
    position: int | None,
) -> Swap:
    """The features of another graph that options name; raises UsageError."""
    chosen = [node for name in supernodes for node in _group(document, name)]
    chosen += [_node(document, name) for name in nodes]
    if not chosen:
        raise UsageError("--swap-from needs --swap-supernode or --swap-node: which features?")
    return Swap(document, (*supernodes, *nodes), tuple(chosen), amount, position)

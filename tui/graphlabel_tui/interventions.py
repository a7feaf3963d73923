"""Interventions asked for in the workbench, and what came of them. No Textual here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from graphlabel.errors import UsageError
from graphlabel.graph import NodeKey
from graphlabel_tui.session import Session
from graphlabel_tui.wording import where

TOP = 8
"""Tokens of each run that are shown."""

REGIMES = {
    "constrained": "direct effects only: attention patterns, norm scales, other features held",
    "patterns": "attention patterns held, all else reacts",
    "free": "everything reacts",
}
"""What reacts to a change, in words; the order in which they are stepped through."""

_AMOUNT = re.compile(r"^([×x*=]?)\s*([-+−]?(?:\d+\.?\d*|\.\d+))$", re.I)


@dataclass(frozen=True, slots=True)
class Amount:
    """What is done to activations."""

    value: float
    sets: bool = False
    """Whether it is the new activation and not a factor."""

    def __str__(self) -> str:
        return f"{'=' if self.sets else '×'}{self.value:g}"

    @property
    def option(self) -> str:
        """The command's option."""
        return f"{'--set' if self.sets else '--scale'}={self.value!r}"


def parse_amount(text: str) -> Amount:
    """``×0``, ``-1`` or ``=3``; raises UsageError."""
    match = _AMOUNT.match(text.strip())
    value = float(match[2].replace("−", "-")) if match else float("nan")
    if match is None or not isfinite(value):
        raise UsageError(f"“{text}” is no change; type ×0 (off), ×-1 (reversed), ×2 or =3 (set)")
    return Amount(value, match[1] == "=")


@dataclass(frozen=True, slots=True)
class Change:
    """What is changed: a supernode, or nodes."""

    words: str
    options: tuple[str, ...]
    keys: tuple[NodeKey, ...] = ()
    """The features."""

    def arguments(self, session: Session, amount: Amount) -> tuple[str, ...]:
        """The command that does it."""
        return (
            "intervene", str(session.path), *self.options, amount.option, f"--top={TOP}",
            "--file-only", "--json",
        )  # fmt: skip


def change_of(session: Session) -> Change:
    """The marked features, or else the selected node's supernode, or else the selected feature.

    Raises UsageError when there is no feature among them.
    """
    annotations, key = session.annotations, session.selected
    group = annotations.supernode_of(key) if key else None
    members = tuple(filter(_is_feature, group.members)) if group else ()
    if group is not None and members and not session.marked:
        return Change(f"[{group.name}]", (f"--supernode={group.name}",), members)
    keys = tuple(each for each in session.targets if _is_feature(each))
    if not keys:
        raise UsageError("only features can be changed; select one, or mark some with space")
    words = "the selected feature" if len(keys) == 1 else f"{len(keys)} features"
    return Change(words, _node_options(session, keys), keys)


def control_of(session: Session, change: Change, seed: int = 0) -> Change:
    """As many other features of the graph, drawn at random from the same layers while they last.

    What they do says how much of a change's effect any features would have had. Raises UsageError
    when the graph has too few others.
    """
    changed = set(change.keys)
    free = [node.key for node in session.graph.nodes if node.is_feature and node.key not in changed]
    if len(free) < len(change.keys):
        raise UsageError(
            f"a control needs {len(change.keys)} other features, and the graph has {len(free)}; "
            "change fewer"
        )
    order = np.random.default_rng(seed).permutation(len(free))
    drawn: list[NodeKey] = []
    for key in change.keys:
        # the sort keeps the random order among equals
        nearest = sorted((free[at] for at in order), key=lambda each: abs(each.layer - key.layer))
        drawn.append(next(each for each in nearest if each not in drawn))
    count = len(drawn)
    words = f"control: {count} random feature{'s' if count > 1 else ''} for {change.words}"
    return Change(words, _node_options(session, drawn), tuple(drawn))


def _node_options(session: Session, keys: Iterable[NodeKey]) -> tuple[str, ...]:
    return tuple(f"--node={session.document.id_of_key[each]}" for each in keys)


def _is_feature(key: NodeKey) -> bool:
    return key.kind.value == "feature"


@dataclass(frozen=True, slots=True)
class TokenChance:
    """A next token before and after; probabilities from 0 to 1, logits."""

    token: str
    before: float
    logit: float
    after: dict[str, tuple[float, float]]
    """By regime: probability, change of the logit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an intervention did."""

    changed: tuple[str, ...]
    regimes: tuple[str, ...]
    tokens: tuple[TokenChance, ...]
    """The likeliest before the change first."""
    supernodes: tuple[tuple[str, dict[str, float]], ...]
    """Names, and by regime the share of its activation that is left (1: all)."""


def in_words(session: Session, found: Outcome) -> Outcome:
    """The outcome with the node ids among what was changed as people write nodes."""
    keys = {node_id: key for key, node_id in session.document.id_of_key.items()}

    def words(changed: str) -> str:
        name, times, amount = changed.partition(" × ")
        return f"{where(session.graph, keys[name])}{times}{amount}" if name in keys else changed

    return replace(found, changed=tuple(map(words, found.changed)))


def read_outcome(text: str) -> Outcome:
    """What ``graphlabel intervene --json`` printed; raises UsageError when it is none of that."""
    try:
        found = json.loads(text)
        rows = found["tokens"]
        regimes = tuple(each for each in REGIMES if rows and each in rows[0])
        tokens = tuple(_token(row, regimes) for row in rows)
        groups = tuple(
            (str(row["name"]), {each: float(row[each]) for each in regimes})
            for row in found["supernodes"]
        )
        changed = tuple(str(each) for each in found["changed"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            "what intervene printed holds no outcome; run “graphlabel intervene” in a terminal to "
            "see why"
        ) from error
    return Outcome(changed, regimes, tokens, groups)


def _token(row: dict[str, dict[str, float]], regimes: tuple[str, ...]) -> TokenChance:
    before = float(row["before"]["logit"])
    after = {
        each: (float(row[each]["probability"]), float(row[each]["logit"]) - before)
        for each in regimes
    }
    return TokenChance(str(row["token"]), float(row["before"]["probability"]), before, after)

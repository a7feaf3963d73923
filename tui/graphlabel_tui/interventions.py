"""Interventions asked for in the workbench, and what came of them. No Textual here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite

from graphlabel.errors import UsageError
from graphlabel.graph import NodeKey
from graphlabel_tui.session import Session

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
    if not session.marked and group is not None and any(map(_is_feature, group.members)):
        return Change(f"[{group.name}]", (f"--supernode={group.name}",))
    keys = [each for each in session.targets if _is_feature(each)]
    if not keys:
        raise UsageError("only features can be changed; select one, or mark some with space")
    ids = session.document.id_of_key
    words = "the selected feature" if len(keys) == 1 else f"{len(keys)} features"
    return Change(words, tuple(f"--node={ids[each]}" for each in keys))


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

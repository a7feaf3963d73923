"""The class that each feature of atlas should be routed to, from the generator's record alone.

The rules and their reasons are in docs/studies/atlas.md. Nothing here knows windows, embeddings
or logits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Bool, Float
from scipy import sparse

from graphlabel.atlas.concepts import (
    ABSTRACT_FAMILIES,
    CARRIED_FAMILIES,
    INPUT_FAMILIES,
    OUTPUT_FAMILIES,
)
from graphlabel.atlas.sentences import Document
from graphlabel.atomic import write_bytes
from graphlabel.errors import EvidenceError

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "input": tuple(family for family in INPUT_FAMILIES if family != "special"),
    "output": OUTPUT_FAMILIES,
    "cross": CARRIED_FAMILIES + ABSTRACT_FAMILIES,
}
"""The concept families of each class."""

LEVELS = (0.0, 0.25, 0.5)
"""A feature fires at a level where its activation exceeds so much of its largest one."""
HAS = 2 / 3
"""The F1 of having a concept: precision and recall are then at least one half."""
MARGIN = 0.1
"""Another class whose F1 comes so near makes a feature ambiguous."""
NOTHING = 0.5
"""Below this F1, and below this precision, nothing is alike."""
BROAD = 0.25
"""A concept that holds on so many tokens explains nothing by its precision."""
LEAST_TOKENS = 20
ALSO = 0.5
"""From this precision on, a concept of another class is said to hold as well."""
CLEAR, CLEAR_MARGIN, CLEAR_NOTHING = 0.8, 0.2, 0.4


_Mask = Bool[np.ndarray, " _"]


class GoldFeature(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is true of a feature; `chosen` is written as `class`, None where it is left out."""

    feature: str
    """Layer and feature, as in 2/100."""
    chosen: str | None = msgspec.field(name="class")
    status: str
    """gold, or why the feature is left out: rare, ambiguous or partial."""
    half: str
    """dev or held-out."""
    clear: bool = False
    """Whether the class hangs on no line that was drawn."""
    concept: str = ""
    """The concept that explains most of the feature, from the class with the highest F1."""
    level: float = 0.0
    """The share of its largest activation above which the feature has the concept."""
    f1: float = 0.0
    precision: float = 0.0
    rival: str = ""
    """The best concept of another class."""
    rival_f1: float = 0.0
    also: str = ""
    """A concept of another class that holds on half or more of the tokens at which it fires at its
    level: the far side of its examples is alike as well."""
    also_precision: float = 0.0


@dataclass(frozen=True, eq=False)
class Concepts:
    """Which concepts hold at which tokens, special tokens left out."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    """The class of each concept."""
    holds: sparse.csr_matrix
    """Tokens by concepts, float32, 1 where the concept holds."""
    kept: Bool[np.ndarray, " all_tokens"]
    """Which tokens of the documents have a row."""

    @classmethod
    def of(cls, documents: Sequence[Document], families: Sequence[str] = ()) -> Concepts:
        """The concepts of the documents' tokens, in order; those of some families, or all."""
        class_of = {name: group for group, names in FAMILIES.items() for name in names}
        index: dict[str, int] = {}
        pointers, columns, kept = [0], [], []
        for record in (concepts for document in documents for concepts in document.concepts):
            known = [c for c in sorted(record) if c.split(":", 1)[0] in class_of]
            kept.append(bool(known))
            if known:
                wanted = [c for c in known if not families or c.split(":", 1)[0] in families]
                columns += [index.setdefault(concept, len(index)) for concept in wanted]
                pointers.append(len(columns))
        shape = (len(pointers) - 1, len(index))
        ones = np.ones(len(columns), dtype=np.float32)
        classes = tuple(class_of[name.split(":", 1)[0]] for name in index)
        holds = sparse.csr_matrix(
            (ones, np.array(columns, dtype=np.int64), np.array(pointers)), shape=shape
        )
        return cls(tuple(index), classes, holds, np.array(kept))


@dataclass(frozen=True, eq=False)
class _Scores:
    """F1 and precision of every feature for every concept on some tokens."""

    f1: Float[np.ndarray, "features concepts"]
    precision: Float[np.ndarray, "features concepts"]
    tokens: Float[np.ndarray, " features"]
    """On how many tokens each feature fires."""

    @classmethod
    def of(cls, fires: sparse.csr_matrix, holds: sparse.csr_matrix) -> _Scores:
        both = np.asarray((fires.T @ holds).todense())
        firing, holding = np.asarray(fires.sum(0)).ravel(), np.asarray(holds.sum(0)).ravel()
        total = np.maximum(firing[:, None] + holding[None], 1)
        return cls(2 * both / total, both / np.maximum(firing[:, None], 1), firing)


class _Class:
    """For every feature the concepts of one class, chosen on one half of the tokens and measured
    on the other: the best by F1 over the levels, and the purest by precision at each level.
    """

    def __init__(
        self, features: int, members: Bool[np.ndarray, " concepts"], narrow: _Mask
    ) -> None:
        self._members = np.flatnonzero(members)
        self._narrow = np.flatnonzero(members & narrow)
        self._chosen = np.full(features, -1.0)
        self.concept = np.full(features, -1)
        self.level = np.zeros(features, dtype=int)
        """Which of LEVELS."""
        self.f1 = np.zeros(features)
        self.precision = np.zeros(features)
        self.purest = np.full((len(LEVELS), features), -1)
        self.purity = np.zeros((len(LEVELS), features))

    def offer(self, level: int, choosing: _Scores, measured: _Scores, usable: _Mask) -> None:
        """Take what a level has to offer to the features that can use it."""
        rows = np.arange(len(usable))
        best = self._members[choosing.f1[:, self._members].argmax(1)]
        value = np.where(usable, choosing.f1[rows, best], -1.0)
        better = value > self._chosen
        self._chosen = np.where(better, value, self._chosen)
        self.concept = np.where(better, best, self.concept)
        self.level = np.where(better, level, self.level)
        self.f1 = np.where(better, measured.f1[rows, best], self.f1)
        self.precision = np.where(better, measured.precision[rows, best], self.precision)
        purest = self._narrow[choosing.precision[:, self._narrow].argmax(1)]
        self.purest[level] = purest
        self.purity[level] = np.where(usable, measured.precision[rows, purest], 0.0)


def half_of(feature: str, seed: int = 0) -> str:
    """The half that a feature belongs to, by its name alone: dev or held-out."""
    first = hashlib.sha256(f"atlas gold {seed}: {feature}".encode()).digest()[0]
    return "held-out" if first % 2 else "dev"


def find_gold(
    names: Sequence[str],
    activations: sparse.csr_matrix,
    documents: Sequence[Document],
) -> list[GoldFeature]:
    """What is true of each feature.

    `activations` has a row for every token of the documents in turn and a column for each name;
    entries are the features' activations, zero where they do not fire.
    """
    concepts = Concepts.of(documents)
    firing = activations[np.flatnonzero(concepts.kept)].tocsc()
    border = int(
        concepts.kept[: sum(len(d.pieces) for d in documents[: len(documents) // 2])].sum()
    )
    first, second = firing[:border], firing[border:]
    peaks = np.asarray(first.max(0).todense()).ravel()
    classes = np.array(concepts.classes)
    narrow = np.asarray(concepts.holds.mean(0)).ravel() < BROAD
    by_class = {name: _Class(len(names), classes == name, narrow) for name in FAMILIES}
    seen = np.zeros(len(names), dtype=bool)
    for place, level in enumerate(LEVELS):
        choosing = _Scores.of(_above(first, level * peaks), concepts.holds[:border])
        measured = _Scores.of(_above(second, level * peaks), concepts.holds[border:])
        usable = np.minimum(choosing.tokens, measured.tokens) >= LEAST_TOKENS
        seen |= usable
        for found in by_class.values():
            found.offer(place, choosing, measured, usable)
    return [
        _judge(name, place, concepts.names, by_class)
        if seen[place]
        else GoldFeature(feature=name, chosen=None, status="rare", half=half_of(name))
        for place, name in enumerate(names)
    ]


def f1_at_levels(
    activations: sparse.csr_matrix, documents: Sequence[Document], families: Sequence[str]
) -> tuple[tuple[str, ...], list[Float[np.ndarray, "features concepts"]]]:
    """The concepts of some families, and the F1 of every feature for each at each of LEVELS."""
    concepts = Concepts.of(documents, families)
    firing = activations[np.flatnonzero(concepts.kept)].tocsc()
    peaks = np.asarray(firing.max(0).todense()).ravel()
    scores = [_Scores.of(_above(firing, x * peaks), concepts.holds).f1 for x in LEVELS]
    return concepts.names, scores


def _above(firing: sparse.csc_matrix, floors: Float[np.ndarray, " features"]) -> sparse.csr_matrix:
    fires = firing.copy()
    fires.data = (fires.data > np.repeat(floors, np.diff(fires.indptr))).astype(np.float32)
    fires.eliminate_zeros()
    return fires.tocsr()


def _judge(
    name: str, place: int, names: Sequence[str], by_class: Mapping[str, _Class]
) -> GoldFeature:
    ranked = sorted(by_class, key=lambda group: -by_class[group].f1[place])
    best, rival = by_class[ranked[0]], by_class[ranked[1]]
    f1, precision, rival_f1 = best.f1[place], best.precision[place], rival.f1[place]
    purest = max(float(found.purity[:, place].max()) for found in by_class.values())
    chosen: str | None = None
    if f1 >= HAS:
        clear = f1 - rival_f1 > CLEAR_MARGIN and min(f1, precision) >= CLEAR
        status = "gold" if f1 - rival_f1 > MARGIN else "ambiguous"
        chosen = ranked[0] if status == "gold" else None
    else:
        status = "gold" if max(f1, purest) < NOTHING else "partial"
        chosen = "obscure" if status == "gold" else None
        clear = max(f1, purest) < CLEAR_NOTHING
    level = best.level[place]
    other = max((by_class[group] for group in ranked[1:]), key=lambda c: c.purity[level, place])
    purity = float(other.purity[level, place]) if chosen in by_class else 0.0
    return GoldFeature(
        feature=name,
        chosen=chosen,
        status=status,
        half=half_of(name),
        clear=bool(clear) and chosen is not None,
        concept=names[best.concept[place]],
        level=LEVELS[level],
        f1=round(float(f1), 3),
        precision=round(float(precision), 3),
        rival="" if status == "partial" else names[rival.concept[place]],
        rival_f1=0.0 if status == "partial" else round(float(rival_f1), 3),
        also=names[other.purest[level, place]] if purity >= ALSO else "",
        also_precision=round(purity, 3) if purity >= ALSO else 0.0,
    )


def write_gold(features: Sequence[GoldFeature], path: Path) -> None:
    """Write one JSON object a line; raises EvidenceError where the file cannot be written."""
    encoder = msgspec.json.Encoder()
    write_bytes(path, encoder.encode_lines(features), EvidenceError)


def read_gold(path: Path) -> Iterator[GoldFeature]:
    """Read what `write_gold` wrote; raises EvidenceError where it cannot be read."""
    decoder = msgspec.json.Decoder(GoldFeature)
    try:
        yield from decoder.decode_lines(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as problem:
        raise EvidenceError(f"{path} is no gold file of atlas ({problem}); make it anew") from None

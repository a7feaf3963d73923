"""Seeded sentences and documents about the world, with the concepts at every token.

`graphlabel.atlas.concepts` documents the concepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphlabel.atlas.concepts import BOS_CONCEPTS, concepts_of
from graphlabel.atlas.drafts import Draft, Drawer
from graphlabel.atlas.pieces import BOS

CONTEXT = 64


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its tokens, and the concepts that hold at each token.

    `label` is the relation of a fact or the kind of prose. The text is the joined tokens.
    """

    text: str
    pieces: tuple[str, ...]
    concepts: tuple[frozenset[str], ...]
    label: str


@dataclass(frozen=True, slots=True)
class Document:
    """Sentences packed into one sequence, whose first token is the beginning-of-sequence token.

    `starts` holds the position at which each sentence starts. The last sentence may be cut.
    """

    pieces: tuple[str, ...]
    concepts: tuple[frozenset[str], ...]
    starts: tuple[int, ...]

    @property
    def text(self) -> str:
        """The text without the beginning-of-sequence token."""
        return "".join(self.pieces[1:])


def sentence_of(draft: Draft, at_start: bool = True) -> Sentence:
    """Spell a draft out, with its concepts."""
    pieces = draft.pieces(at_start)
    return Sentence("".join(pieces), pieces, concepts_of(draft), draft.template.label)


def generate(seed: int, n: int) -> list[Sentence]:
    """Draw `n` sentences; equal seeds give equal sentences."""
    drawer = Drawer(seed)
    return [sentence_of(drawer.draft()) for _ in range(n)]


def documents(seed: int, n_tokens: int, context: int = CONTEXT) -> Iterator[Document]:
    """Draw documents of `context` tokens until they hold at least `n_tokens` tokens in all.

    A document opens with the beginning-of-sequence token, which counts as a token.
    """
    drawer = Drawer(seed)
    for _ in range(0, n_tokens, context):
        pieces: list[str] = [BOS]
        concepts: list[frozenset[str]] = [BOS_CONCEPTS]
        starts: list[int] = []
        while len(pieces) < context:
            starts.append(len(pieces))
            opening = len(pieces) == 1
            draft = drawer.opening() if opening else drawer.draft()
            sentence = sentence_of(draft, at_start=opening)
            pieces.extend(sentence.pieces)
            concepts.extend(sentence.concepts)
        yield Document(tuple(pieces[:context]), tuple(concepts[:context]), tuple(starts))


def find_concepts(text: str) -> tuple[frozenset[str], ...]:
    """The concepts at each token of one sentence of the world, given as text.

    Raises ValueError where no template produces the text.
    """
    from graphlabel.atlas.parsing import parse_sentence

    return concepts_of(parse_sentence(text))

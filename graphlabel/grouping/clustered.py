"""Suggestions by clustering what is known of a graph's nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphlabel.annotation import Annotations, unique_name
from graphlabel.graph import AttributionGraph
from graphlabel.grouping.candidates import INFLUENTIAL, alone, candidates, without_step
from graphlabel.grouping.clustering import LEAST_LIKENESS, fitting, groups_of
from graphlabel.grouping.likeness import likeness, role, votes
from graphlabel.grouping.naming import name_of, reason_of, where
from graphlabel.grouping.suggestion import Known, Suggestion


@dataclass(frozen=True, slots=True)
class ClusteringGrouper:
    """A Grouper: average linkage on the mean of what is known of each pair of nodes.

    What is known: signed total effects from and on all other nodes, position, layer, and meaning
    (labels, examples, peak and output tokens, decoder directions, class). The number of groups
    follows from the data.
    """

    least_likeness: float = LEAST_LIKENESS
    most_members: int | None = None
    """None: the square root of the number of nodes."""
    influential: float = INFLUENTIAL

    def suggest(
        self, graph: AttributionGraph, annotations: Annotations, known: Known
    ) -> list[Suggestion]:
        """See Grouper."""
        features, logits = candidates(graph, annotations, self.influential)
        drafts = [
            draft
            for chosen in (features, logits)
            for draft in self._drafts(graph, annotations, known, chosen)
        ]
        grouped = {place for draft in drafts for place in draft.places}
        drafts += [
            _Draft((place,), f"{where(graph, (place,))}; {share:.0%} of the influence by itself")
            for place, share in alone(graph, features, grouped).items()
        ]
        made: list[Suggestion] = []
        for draft in sorted(drafts, key=lambda each: _first(graph, each.places)):
            name = name_of(graph, annotations, known, draft.places)
            name = unique_name(name, [each.name for each in made])
            keys = (graph.nodes[place].key for place in draft.places)
            members = sorted(keys, key=lambda key: (key.layer, key.position, key.feature))
            made.append(Suggestion(name, tuple(members), draft.reason))
        return made

    def _drafts(
        self,
        graph: AttributionGraph,
        annotations: Annotations,
        known: Known,
        chosen: Sequence[int],
    ) -> Iterator[_Draft]:
        """The groups of two and more of some nodes."""
        if len(chosen) < 2:
            return
        found = votes(graph, annotations, chosen, known)
        done = role(found)
        for whole in groups_of(likeness(found), self.least_likeness, self.most_members):
            fit = fitting(whole, done)
            places = without_step(graph, [chosen[at] for at in fit]) if fit else []
            group = [at for at in fit if chosen[at] in places]
            if group:
                yield _Draft(tuple(places), reason_of(graph, found, group, places))


class _Draft(NamedTuple):
    places: tuple[int, ...]
    """Of the members, in the graph's order."""
    reason: str


def _first(graph: AttributionGraph, places: Sequence[int]) -> tuple[float, int]:
    """Where a group comes among all: by its most influential member."""
    return min(graph.nodes[place].influence or 0.0 for place in places), places[0]

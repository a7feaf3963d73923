"""Suggestions by clustering what is known of a graph's nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from graphlabel.annotation import Annotations, unique_name
from graphlabel.graph import AttributionGraph
from graphlabel.grouping.candidates import INFLUENTIAL, candidates
from graphlabel.grouping.clustering import LEAST_LIKENESS, fitting, groups_of
from graphlabel.grouping.likeness import likeness, role, votes
from graphlabel.grouping.naming import name_of, reason_of
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
        drafts = [
            draft
            for chosen in candidates(graph, annotations, self.influential)
            for draft in self._drafts(graph, annotations, known, chosen)
        ]
        made: list[Suggestion] = []
        for _, draft in sorted(drafts, key=lambda each: each[0]):
            name = unique_name(draft.name, [each.name for each in made])
            made.append(replace(draft, name=name))
        return made

    def _drafts(
        self,
        graph: AttributionGraph,
        annotations: Annotations,
        known: Known,
        chosen: Sequence[int],
    ) -> Iterator[tuple[tuple[float, int], Suggestion]]:
        """The groups of some nodes with where they come: by their most influential member."""
        if len(chosen) < 2:
            return
        found = votes(graph, annotations, chosen, known)
        done = role(found)
        for whole in groups_of(likeness(found), self.least_likeness, self.most_members):
            group = fitting(whole, done)
            if not group:
                continue
            places = [chosen[at] for at in group]
            keys = (graph.nodes[place].key for place in places)
            influence = min(graph.nodes[place].influence or 0.0 for place in places)
            yield (
                (influence, places[0]),
                Suggestion(
                    name_of(graph, annotations, known, places),
                    tuple(sorted(keys, key=lambda key: (key.layer, key.position, key.feature))),
                    reason_of(graph, found, group, places),
                ),
            )

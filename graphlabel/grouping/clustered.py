"""Suggestions by clustering what is known of a graph's nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphlabel.annotation import Annotations, unique_name
from graphlabel.graph import AttributionGraph
from graphlabel.grouping.candidates import INFLUENTIAL, candidates
from graphlabel.grouping.clustering import LEAST_LIKENESS, groups_of
from graphlabel.grouping.likeness import Vote, likeness, votes
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
        chosen = candidates(graph, annotations, self.influential)
        if len(chosen) < 2:
            return []
        found = votes(graph, annotations, chosen, known)
        groups = groups_of(likeness(found), self.least_likeness, self.most_members)
        ranked = sorted(groups, key=lambda group: self._influence(graph, chosen, group))
        return self._named(graph, annotations, known, chosen, found, ranked)

    def _influence(
        self, graph: AttributionGraph, chosen: Sequence[int], group: Sequence[int]
    ) -> tuple[float, int]:
        """Where a group comes: by its most influential member, then by the graph's order."""
        shares = [graph.nodes[chosen[at]].influence or 0.0 for at in group]
        return min(shares), group[0]

    def _named(
        self,
        graph: AttributionGraph,
        annotations: Annotations,
        known: Known,
        chosen: Sequence[int],
        found: dict[str, Vote],
        groups: Sequence[Sequence[int]],
    ) -> list[Suggestion]:
        made: list[Suggestion] = []
        for group in groups:
            places = [chosen[at] for at in group]
            name = name_of(graph, annotations, known, places)
            keys = sorted(
                (graph.nodes[place].key for place in places),
                key=lambda key: (key.layer, key.position, key.feature),
            )
            made.append(
                Suggestion(
                    unique_name(name, [each.name for each in made]),
                    tuple(keys),
                    reason_of(graph, found, group, places),
                )
            )
        return made

"""How well suggested supernodes agree with those that people made, beside published methods.

Run: `python benchmarks/supernodes.py --graphs DIR [--encoder NAME]`. Every graph below DIR with two
supernodes or more counts. Supernodes and pins are taken away before anything is suggested; labels
too, or those that repeat a group's name, or none. Agreement is measured over the nodes that people
grouped; a node in no suggested group is a group of its own. Prints the adjusted Rand index and
pairwise F1.

`--atlas 100` asks of so many of atlas's two-hop prompts whether the state between city and capital
has a supernode of its own (most of its members stand for that state), and what is explained when
the grouped nodes alone are pinned. It takes minutes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, count
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score, silhouette_score

from graphlabel.annotation import Annotations
from graphlabel.embedding import Encoder, load_encoder
from graphlabel.errors import GraphFileError
from graphlabel.files import GraphDocument, read_graph
from graphlabel.graph import NodeKey
from graphlabel.grouping import ClusteringGrouper, Known
from graphlabel.grouping.candidates import candidates
from graphlabel.grouping.clustering import fitting, groups_of
from graphlabel.grouping.effects import cosines
from graphlabel.grouping.likeness import Vote, likeness, role, votes

Partition = Mapping[NodeKey, int]


@dataclass(frozen=True)
class Case:
    """A graph and the groups people made of its nodes."""

    name: str
    document: GraphDocument
    truth: Mapping[NodeKey, str]

    def bare(self, labels: str) -> Annotations:
        """What a method may see: ``no``, ``other`` (not repeating a group's name) or ``all``."""
        names = {name.strip().casefold() for name in self.truth.values()}
        kept = {
            key: label
            for key, label in self.document.annotations.labels.items()
            if labels == "all" or (labels == "other" and label.text.strip().casefold() not in names)
        }
        return replace(Annotations(), labels=kept)

    @property
    def places(self) -> list[int]:
        """The candidates for grouping, logits included."""
        features, logits = candidates(self.document.graph, Annotations())
        return sorted([*features, *logits])

    @property
    def grouped(self) -> list[int]:
        """The nodes that people grouped."""
        return sorted(self.document.graph.index_of[key] for key in self.truth)


def read_cases(folder: Path) -> list[Case]:
    """The graphs below a folder with two supernodes or more."""
    found = []
    for path in sorted(folder.rglob("*.json*")):
        try:
            document = read_graph(path)
        except GraphFileError:
            continue
        groups = document.annotations.supernodes
        truth = {key: group.name for group in reversed(groups) for key in group.members}
        if len(set(truth.values())) > 1:
            found.append(Case(path.stem, document, truth))
    return found


def agreement(case: Case, partition: Partition) -> tuple[float, float]:
    """Adjusted Rand index and pairwise F1 over the nodes that people grouped."""
    keys = sorted(case.truth)
    ours = [partition.get(key, -1 - place) for place, key in enumerate(keys)]
    theirs = [case.truth[key] for key in keys]
    pairs = list(combinations(range(len(keys)), 2))
    together = {(i, j) for i, j in pairs if theirs[i] == theirs[j]}
    said = {(i, j) for i, j in pairs if ours[i] == ours[j]}
    both = len(together & said)
    f1 = 2 * both / (len(together) + len(said)) if together or said else 1.0
    return float(adjusted_rand_score(theirs, ours)), f1


def suggested(case: Case, labels: str, encoder: Encoder | None, **settings: float) -> Partition:
    """What graphlabel suggests."""
    known = Known(encoder=encoder if labels != "no" else None)
    grouper = ClusteringGrouper(**settings)  # type: ignore[arg-type]
    found = grouper.suggest(case.document.graph, case.bare(labels), known)
    return {key: number for number, each in enumerate(found) for key in each.members}


def edge_profiles(case: Case, places: Sequence[int]) -> np.ndarray:
    """Cosines of the nodes' signed direct edges, incoming and outgoing, each normalised."""
    edges, n = case.document.graph.edges, len(case.document.graph)
    matrix = np.zeros((n, n))
    np.add.at(matrix, (edges.target, edges.source), edges.weight)
    incoming = matrix / np.maximum(np.abs(matrix).sum(axis=1, keepdims=True), 1e-12)
    outgoing = (matrix / np.maximum(np.abs(matrix).sum(axis=0, keepdims=True), 1e-12)).T
    return (cosines(incoming[list(places)]) + cosines(outgoing[list(places)])) / 2


def by_edge_profiles(case: Case, places: Sequence[int], k: int | None) -> Partition:
    """Complete linkage; without ``k`` the number of groups with the best silhouette."""
    distance = np.maximum(1 - edge_profiles(case, places), 0)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "complete")
    if k is None:
        tried = range(2, max(3, len(places) // 2))
        k = max(
            tried,
            key=lambda n: (
                silhouette_score(distance, fcluster(tree, n, "maxclust"), metric="precomputed")
                if 1 < len(set(fcluster(tree, n, "maxclust"))) < len(places)
                else -1.0
            ),
        )
    return _partition(case, places, fcluster(tree, k, "maxclust").tolist())


def by_spectrum(case: Case, places: Sequence[int], k: int | None) -> Partition:
    """Spectral clustering of the same profiles; without ``k`` at the largest gap of eigenvalues."""
    affinity = (edge_profiles(case, places) + 1) / 2
    if k is None:
        degree = affinity.sum(axis=1)
        laplacian = np.eye(len(places)) - affinity / np.sqrt(degree[:, None] * degree[None])
        values = np.linalg.eigvalsh(laplacian)
        k = int(np.argmax(np.diff(values[1 : len(places) // 2]))) + 2
    made = SpectralClustering(k, affinity="precomputed", random_state=0, assign_labels="cluster_qr")
    return _partition(case, places, made.fit_predict(affinity).tolist())


def by_louvain(case: Case, places: Sequence[int], _: int | None) -> Partition:
    """Louvain communities of the links' magnitudes, seed 0."""
    communities = nx.community.louvain_communities(_links(case, places), seed=0)
    return {
        case.document.graph.nodes[place].key: number
        for number, community in enumerate(communities)
        for place in community
    }


def by_leiden(case: Case, places: Sequence[int], _: int | None) -> Partition:
    """Leiden communities of the links' magnitudes, by modularity, seed 0; needs igraph."""
    import random

    import igraph

    links = _links(case, places)
    at = {place: number for number, place in enumerate(links)}
    made = igraph.Graph(len(at), [(at[a], at[b]) for a, b in links.edges])
    weights = [links[a][b]["weight"] for a, b in links.edges]
    random.seed(0)
    found = made.community_leiden(objective_function="modularity", weights=weights, n_iterations=-1)
    return _partition(case, list(at), found.membership)


def _links(case: Case, places: Sequence[int]) -> nx.Graph:
    graph, chosen = nx.Graph(), set(places)
    graph.add_nodes_from(places)
    edges = case.document.graph.edges
    rows = zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
    for source, target, weight in rows:
        if source in chosen and target in chosen and weight:
            graph.add_edge(source, target, weight=abs(weight))
    return graph


def _partition(case: Case, places: Sequence[int], labels: Sequence[int]) -> Partition:
    nodes = case.document.graph.nodes
    return {nodes[place].key: int(label) for place, label in zip(places, labels, strict=True)}


Method = Callable[[Case], Partition]


def methods(encoder: Encoder) -> dict[str, Method]:
    """Every method with what it is given."""
    published = {
        "edge profiles, complete linkage": by_edge_profiles,
        "edge profiles, spectral": by_spectrum,
        "links, Louvain": by_louvain,
        "links, Leiden": by_leiden,
    }
    found: dict[str, Method] = {
        "graphlabel, no labels": lambda case: suggested(case, "no", None),
        "graphlabel, other labels": lambda case: suggested(case, "other", encoder),
        "graphlabel, all labels": lambda case: suggested(case, "all", encoder),
    }
    for name, method in published.items():
        found[name] = lambda case, method=method: method(case, case.places, None)
        if "links" not in name:
            found[f"{name}, told the nodes and their number"] = lambda case, method=method: method(
                case, case.grouped, len(set(case.truth.values()))
            )
    return found


def compare(cases: Sequence[Case], encoder: Encoder) -> None:
    """Print every method's agreement on every graph, and the means."""
    width = max(len(name) for name in methods(encoder))
    heads = "".join(f"{case.name[:18]:>20}" for case in cases)
    print(f"{'ARI / pairwise F1':{width}}{heads}{'mean':>20}")
    for name, method in methods(encoder).items():
        try:
            scores = [agreement(case, method(case)) for case in cases]
        except ImportError as error:
            print(f"{name:{width}}  {error}")
            continue
        mean = tuple(np.mean(scores, axis=0))
        cells = "".join(f"{ari:>13.2f} / {f1:.2f}" for ari, f1 in [*scores, mean])
        print(f"{name:{width}}{cells}")


def sweep(cases: Sequence[Case]) -> None:
    """Print the mean index for other settings, without labels."""
    tried: dict[str, Sequence[float]] = {
        "least_likeness": [0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
        "most_members": [4, 6, 8, 12, 16, 24, 1000],
    }
    for setting, values in tried.items():
        means = [
            np.mean(
                [agreement(case, suggested(case, "no", None, **{setting: v}))[0] for case in cases]
            )
            for v in values
        ]
        row = "  ".join(f"{v:g}: {mean:.2f}" for v, mean in zip(values, means, strict=True))
        print(f"{setting}: {row}")


def ablations(cases: Sequence[Case]) -> None:
    """Print the mean index without one vote at a time, and with direct edges for total effects."""
    everything = ("drivers", "driven", "position", "layer")
    for left_out in ("", *everything):
        scores = [agreement(case, _voted(case, set(everything) - {left_out}))[0] for case in cases]
        print(f"without {left_out or 'nothing'}: {np.mean(scores):.2f}")
    scores = [agreement(case, _voted(case, set(everything), direct=True))[0] for case in cases]
    print(f"direct edges for total effects: {np.mean(scores):.2f}")


def _voted(case: Case, names: set[str], *, direct: bool = False) -> Partition:
    """What the votes of some names alone group."""
    found: dict[NodeKey, int] = {}
    numbers = count()
    for places in candidates(case.document.graph, Annotations()):
        every = votes(case.document.graph, Annotations(), places, Known())
        if direct:
            profiles = Vote(edge_profiles(case, places))
            every = {**every, "drivers": profiles, "driven": profiles}
        chosen = {name: vote for name, vote in every.items() if name in names}
        for group in groups_of(likeness(chosen)):
            number = next(numbers)
            for at in fitting(group, role(chosen)):
                found[case.document.graph.nodes[places[at]].key] = number
    return found


def atlas_hops(most: int) -> None:
    """Print whether the state of two-hop prompts is suggested, and what the groups explain."""
    from graphlabel import atlas
    from graphlabel.evidence import open_sources
    from graphlabel.graph.subgraph import subgraph_scores
    from graphlabel.models import load_language_model, load_transcoders, read_prompt
    from graphlabel.tracing import pruned_graph, trace
    from scripts.atlas_training.hop import hop_prompts, state_features

    model = load_language_model(str(atlas.MODEL_FOLDER))
    transcoders = load_transcoders(str(atlas.TRANSCODERS_FOLDER))
    stands = state_features(model, atlas.TRANSCODERS_FOLDER, 0)
    source, encoder = open_sources([str(atlas.INDEX_FOLDER)]), load_encoder()
    counts: Counter[str] = Counter()
    explained = []
    for text, state, _ in list(hop_prompts())[:most]:
        graph = pruned_graph(trace(model, transcoders, read_prompt(model, text)))
        keys = {node.key.feature_key for node in graph.nodes if node.is_feature}
        records = {key: record for key in sorted(keys) if (record := source.get(key))}
        groups = ClusteringGrouper().suggest(graph, Annotations(), Known(records, {}, encoder))
        hop = {
            node.key
            for node in graph.nodes
            if node.is_feature
            and any(
                entry.state == state and (node.activation or 0.0) > entry.floor
                for entry in stands.get(node.key.feature_key, ())
            )
        }
        own = [each for each in groups if 2 * len(hop & set(each.members)) > len(each.members)]
        scores = subgraph_scores(graph, {key for each in groups for key in each.members})
        counts.update(prompts=1, with_state=bool(hop), own=bool(own), groups=len(groups))
        if scores is not None:
            explained.append((scores.replacement, scores.completeness))
    replacement, completeness = np.mean(explained, axis=0)
    n = counts["prompts"]
    print(f"{n} prompts; the state is in the graph of {counts['with_state']}")
    print(f"it has a supernode of its own in {counts['own']} (to reach: 97 of 100)")
    print(f"{counts['groups'] / n:.1f} groups a graph; with their members alone pinned:")
    print(f"replacement {replacement:.3f} (0.6), completeness {completeness:.3f} (0.85)")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=Path, help="a folder with graphs that people grouped")
    parser.add_argument("--atlas", type=int, metavar="PROMPTS", help="two-hop prompts of atlas")
    parser.add_argument("--encoder", help="the sentence encoder for labels")
    arguments = parser.parse_args()
    if arguments.graphs:
        cases = read_cases(arguments.graphs)
        if not cases:
            parser.error(f"no graph below {arguments.graphs} has two supernodes")
        compare(cases, load_encoder(arguments.encoder) if arguments.encoder else load_encoder())
        sweep(cases)
        ablations(cases)
    if arguments.atlas:
        atlas_hops(arguments.atlas)


if __name__ == "__main__":
    main()

"""The tables of the samples' README, which stand between markers."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from pathlib import Path

import msgspec

from graphlabel.files import GraphDocument
from graphlabel.graph import AttributionGraph, GraphScores, NodeKind
from graphlabel.training import Evaluation
from scripts.sample_graphs.samples import Samples


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """A page with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced."""
    for name, table in tables.items():
        head, _, rest = text.partition(f"<!-- {name} -->")
        _, _, tail = rest.partition(f"<!-- /{name} -->")
        text = f"{head}<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->{tail}"
    return text


def graphs_table(samples: Samples, documents: Mapping[str, GraphDocument]) -> str:
    """What is in each graph."""
    lines = [
        "| file | prompt | next token (p) | features | errors | supernodes "
        "| replacement | completeness |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in samples.samples:
        document = documents[each.slug]
        graph = document.graph
        logits = [graph.nodes[place] for place in graph.places(NodeKind.LOGIT)]
        best = max(logits, key=lambda node: node.probability or 0.0)
        scores = graph.scores or GraphScores(nan, nan)
        lines.append(
            f"| {each.slug}.json | {each.prompt} | `{best.text}` ({best.probability:.2f}) "
            f"| {_count(graph, NodeKind.FEATURE)} | {_count(graph, NodeKind.ERROR)} "
            f"| {len(document.annotations.supernodes)} "
            f"| {scores.replacement:.2f} | {scores.completeness:.2f} |"
        )
    return "\n".join(lines)


def _count(graph: AttributionGraph, kind: NodeKind) -> int:
    return sum(1 for _ in graph.places(kind))


def evaluation_table(transcoders: Path) -> str:
    """How well each layer's transcoder stands in for its MLP."""
    raw = (transcoders / "evaluation.json").read_bytes()
    found = msgspec.json.decode(raw, type=Evaluation)
    lines = ["| layer | FVU | L0 | dead | cross-entropy |", "|---|---|---|---|---|"]
    for each in found.layers:
        spliced = "—" if each.cross_entropy is None else f"{each.cross_entropy:.3f}"
        lines.append(
            f"| {each.layer} | {each.fvu:.3f} | {each.l0:.1f} | {each.dead:,} of "
            f"{each.features:,} | {spliced} |"
        )
    mean = sum(each.fvu for each in found.layers) / len(found.layers)
    said = [f"Mean FVU {mean:.3f} on {found.tokens:,} tokens."]
    ways = {
        "as it is": found.cross_entropy,
        "with all transcoders in the place of the MLPs": found.cross_entropy_spliced,
        "with the MLPs silenced": found.cross_entropy_ablated,
    }
    taken = [f"{value:.2f} {way}" for way, value in ways.items() if value is not None]
    if taken:
        said.append(f"Cross-entropy on {found.splice_tokens:,} of them: {', '.join(taken)}.")
    return "\n".join([*lines, "", *said])

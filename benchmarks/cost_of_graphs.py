"""What labelling graphs would cost: every node by the tier-2 method, and by the protocol.

    python benchmarks/cost_of_graphs.py GRAPH… --tokenizer MODEL --features SOURCE --routed FILE

Counts questions and their tokens, and asks nothing. Four prompts are traced and routed with atlas,
so every question about them is known. A graph of somebody else's holds no evidence: it has one
question a feature, and what a question takes and how many are tier 2's is taken from the features
of a source, with what ``graphlabel route --all -o FILE`` made of them. Answers are taken as
``--answer`` tokens long.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from cost import atlas_graphs

from graphlabel import atlas
from graphlabel.annotation import FeatureClass, Routing, Tier
from graphlabel.evidence import every_key, open_source
from graphlabel.files import GraphDocument, read_graph
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.labeling import Evidence, PromptedLabeler, make_method
from graphlabel.labeling.proposing import Unnamed, asking
from graphlabel.llm import Request
from graphlabel.llm.terms import Terms, price_table
from graphlabel.scoring.comparison.markdown import markdown_table
from graphlabel.scoring.comparison.picture import interval_words
from graphlabel.scoring.intervals import mean_interval

Count = Callable[[Request], int]


class RoutedLine(msgspec.Struct):
    """One line of `graphlabel route --all --json`, as far as it matters here."""

    feature: str
    chosen: FeatureClass = msgspec.field(name="class")


@dataclass(frozen=True)
class Questions:
    """What the tier-2 method would ask of some features."""

    tokens: Mapping[FeatureKey, int]
    """Of each question; features that it cannot ask about are left out."""
    tiers: Mapping[FeatureKey, Tier]

    def in_tier(self, tier: Tier) -> list[int]:
        """The tokens of the questions about a tier's features."""
        return [count for key, count in self.tokens.items() if self.tiers[key] is tier]


def counter(place: str) -> Count:
    """Counts a request's tokens with a model's tokenizer and chat template."""
    from transformers import AutoTokenizer

    path = Path(place)
    folder, options = (path.parent, {"gguf_file": path.name}) if path.is_file() else (path, {})
    tokenizer = AutoTokenizer.from_pretrained(str(folder), **options)

    def count(request: Request) -> int:
        turns = [{"role": turn.role.value, "content": turn.text} for turn in request.turns]
        system = [{"role": "system", "content": request.system}] if request.system else []
        text = tokenizer.apply_chat_template(
            system + turns, tokenize=False, add_generation_prompt=True
        )
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    return count


def questions(
    method: PromptedLabeler, evidence: Mapping[FeatureKey, Evidence], count: Count
) -> Questions:
    """The questions about features and their tokens."""
    asked = {key: asking(method, each) for key, each in evidence.items()}
    return Questions(
        {key: count(each) for key, each in asked.items() if not isinstance(each, Unnamed)},
        {key: each.routing.tier for key, each in evidence.items() if each.routing},
    )


def features_of(document: GraphDocument) -> list[FeatureKey]:
    """The features of a graph, each once."""
    graph = document.graph
    return list(
        dict.fromkeys(graph.nodes[i].key.feature_key for i in graph.places(NodeKind.FEATURE))
    )


def atlas_rows(
    method: PromptedLabeler, count: Count, price: Callable[[int, int], str]
) -> list[list[str]]:
    """A row for every prompt: all of its questions are known."""
    source = open_source(atlas.INDEX_FOLDER)
    rows = []
    for document in atlas_graphs(4, source):
        records = {key: source.get(key) for key in features_of(document)}
        routings = document.annotations.routings
        asked = questions(
            method,
            {
                key: Evidence(record, routings[key])
                for key, record in records.items()
                if record is not None and key in routings
            },
            count,
        )
        every, tier_two = list(asked.tokens.values()), asked.in_tier(Tier.MODEL)
        place = document.graph.prompt.rpartition("containing ")[2].split()[0]
        rows.append([
            f"atlas, {place}", str(len(document.graph.nodes)), str(len(every)),
            str(len(tier_two)), f"{sum(every):,}", price(sum(every), len(every)),
            f"{sum(tier_two):,}", price(sum(tier_two), len(tier_two)),
        ])  # fmt: skip
    return rows


def measured(source_place: str, routed: Path, method: PromptedLabeler, count: Count) -> Questions:
    """The questions about a source's features, with the tiers they were routed to."""
    source = open_source(source_place)
    lines = map(msgspec.json.Decoder(RoutedLine).decode, routed.read_text("utf-8").splitlines())
    classes = {line.feature: line.chosen for line in lines}
    evidence = {}
    for part, key in every_key(source):
        chosen, record = classes.get(part.name_of(key)), part.get(key)
        if chosen is not None and record is not None:
            evidence[key] = Evidence(record, Routing(chosen, {}, ""))
    return questions(method, evidence, count)


def estimated_row(
    path: Path, each: float, share: float, price: Callable[[int, int], str]
) -> list[str]:
    """A row for a graph without evidence: one question a feature, each of the usual length."""
    document = read_graph(path)
    count = len(features_of(document))
    ours = round(count * share)
    every, tier_two = round(count * each), round(ours * each)
    return [
        f"{path.parent.name}, {path.stem}", str(len(document.graph.nodes)), str(count), f"≈ {ours}",
        f"≈ {every:,}", f"≈ {price(every, count)}", f"≈ {tier_two:,}", f"≈ {price(tier_two, ours)}",
    ]  # fmt: skip


def page(
    graphs: Sequence[Path],
    asked: Questions,
    method: PromptedLabeler,
    count: Count,
    terms: Terms,
    answer: int,
    facts: Sequence[str],
) -> str:
    """The page."""

    def price(tokens: int, calls: int) -> str:
        dollars = terms.dollars(tokens, answer * calls)
        return "unknown" if dollars is None else f"{dollars:.4f}"

    lengths = mean_interval(list(asked.tokens.values()))
    shares = mean_interval([float(tier is Tier.MODEL) for tier in asked.tiers.values()])
    assert lengths is not None
    assert shares is not None
    rows = atlas_rows(method, count, price)
    rows += [estimated_row(path, lengths.mean, shares.mean, price) for path in graphs]
    head = ["graph", "nodes", "features", "of tier 2", "every node: tokens in", "$",
            "protocol: tokens in", "$"]  # fmt: skip
    low, high = np.percentile(list(asked.tokens.values()), [5, 95])
    told = [
        *facts,
        f"a question of {method.name} takes {lengths.mean:,.0f} tokens on average (90 % between "
        f"{low:,.0f} and {high:,.0f}) over {lengths.n} features of the source; "
        f"{interval_words(shares)} of {shares.n} are tier 2's",
    ]
    return "\n".join(f"* {fact}" for fact in told) + "\n\n" + markdown_table(head, rows) + "\n"


def main() -> None:
    """Count, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", nargs="*", type=Path)
    parser.add_argument("--tokenizer", required=True, help="folder, hub name or GGUF file")
    parser.add_argument("--features", required=True, help="source whose questions are measured")
    parser.add_argument("--routed", required=True, type=Path, help="what route --all made of it")
    parser.add_argument("--method", default="np_max-act-logits")
    parser.add_argument("--priced-as", default="claude-sonnet-5-5")
    parser.add_argument("--answer", type=int, default=30, help="tokens of an answer")
    given = parser.parse_args()
    method = make_method(given.method)
    assert isinstance(method, PromptedLabeler)
    table, count = price_table(), counter(given.tokenizer)
    asked = measured(given.features, given.routed, method, count)
    facts = [
        f"tokens by the tokenizer of {Path(given.tokenizer).name}, answers of {given.answer} "
        f"tokens, at the price of {given.priced_as} ({table.dated})",
        "≈: the file holds no evidence; a question a feature, each as long as those of the source "
        "on average, and the source's share of tier 2",
    ]
    terms = table.terms(given.priced_as)
    print(page(given.graphs, asked, method, count, terms, given.answer, facts))


if __name__ == "__main__":
    main()

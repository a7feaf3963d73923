"""What labelling graphs would cost: every node by the tier-2 method, and by the protocol.

    python benchmarks/cost_of_graphs.py GRAPH… --features SOURCE --tokenizer MODEL

The graphs are routed, and the source holds the evidence of their features, so every question is
known: it is made, its tokens are counted, and nothing is asked. Answers are taken as ``--answer``
tokens long. Labels that the files hold play no part.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graphlabel.annotation import Tier
from graphlabel.cli.pipeline import source_for
from graphlabel.evidence import get_records
from graphlabel.files import GraphDocument, read_graph
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.labeling import Evidence, PromptedLabeler, make_method
from graphlabel.labeling.proposing import Unnamed, asking
from graphlabel.llm import Request
from graphlabel.llm.terms import price_table
from graphlabel.scoring.comparison.markdown import markdown_table

Count = Callable[[Request], int]
Price = Callable[[int], float]
"""Of a question of so many tokens, with its answer; dollars."""


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


def evidence_of(document: GraphDocument, places: Sequence[str]) -> dict[FeatureKey, Evidence]:
    """The evidence and class of a graph's routed features, each once."""
    graph, routings = document.graph, document.annotations.routings
    keys = [graph.nodes[place].key.feature_key for place in graph.places(NodeKind.FEATURE)]
    records = get_records(source_for(document, places), list(dict.fromkeys(keys)))
    return {
        key: Evidence(record, routings[key])
        for key, record in records.items()
        if record is not None and key in routings
    }


def tier_of(evidence: Evidence) -> Tier:
    """The tier that a routed feature belongs to."""
    assert evidence.routing is not None
    return evidence.routing.tier


class Tally:
    """The tokens of the questions about features, counted once for each question."""

    def __init__(self, method: PromptedLabeler, count: Count) -> None:
        """``method`` asks, ``count`` counts."""
        self._method, self._count = method, count
        self._known: dict[Request, int] = {}

    def tokens(self, evidence: Mapping[FeatureKey, Evidence], *tiers: Tier) -> dict[Request, int]:
        """The questions about the features of some tiers, with their tokens.

        A feature that the method cannot ask about has none.
        """
        asked = [asking(self._method, e) for e in evidence.values() if tier_of(e) in tiers]
        questions = [each for each in asked if not isinstance(each, Unnamed)]
        for each in questions:
            if each not in self._known:
                self._known[each] = self._count(each)
        return {each: self._known[each] for each in questions}


def cells(asked: Mapping[Request, int], price: Price) -> list[str]:
    """Questions, their tokens, and dollars."""
    tokens = asked.values()
    return [str(len(tokens)), f"{sum(tokens):,}", f"{sum(map(price, tokens)):.4f}"]


def page(graphs: Sequence[Path], places: Sequence[str], tally: Tally, price: Price) -> str:
    """The table: a row a graph, and one for all of them, where no question is asked twice."""
    rows = []
    all_every, all_two = dict[Request, int](), dict[Request, int]()
    for path in graphs:
        document = read_graph(path)
        evidence = evidence_of(document, places)
        every, two = tally.tokens(evidence, *Tier), tally.tokens(evidence, Tier.MODEL)
        all_every |= every
        all_two |= two
        count = [sum(tier_of(each) is tier for each in evidence.values()) for tier in Tier]
        tiers = " · ".join(map(str, count))
        rows.append([path.stem, str(len(document.graph.nodes)), tiers, *cells(every, price),
                     *cells(two, price)])  # fmt: skip
    rows.append(["all, each question once", "", "", *cells(all_every, price),
                 *cells(all_two, price)])  # fmt: skip
    head = ["graph", "nodes", "features of tiers 1 · 2 · 3", "every node: calls", "tokens in", "$",
            "protocol: calls", "tokens in", "$"]  # fmt: skip
    tokens = list(all_every.values())
    told = (
        f"a question takes {sum(tokens) / len(tokens):,.0f} tokens on average, {min(tokens):,} to "
        f"{max(tokens):,}, and costs ${sum(map(price, tokens)) / len(tokens):.4f} with its answer"
    )
    return f"* {told}\n\n{markdown_table(head, rows)}\n"


def main() -> None:
    """Count, and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", nargs="+", type=Path)
    parser.add_argument("--features", required=True, action="append", help="their evidence")
    parser.add_argument("--tokenizer", required=True, help="folder, hub name or GGUF file")
    parser.add_argument("--method", default="np_max-act-logits")
    parser.add_argument("--priced-as", default="claude-sonnet-5-5")
    parser.add_argument("--answer", type=int, default=30, help="tokens of an answer")
    given = parser.parse_args()
    method, table = make_method(given.method), price_table()
    terms = table.terms(given.priced_as)
    if not isinstance(method, PromptedLabeler) or not terms.priced:
        parser.error("name a method that asks a language model, and a model with a price")

    def price(tokens: int) -> float:
        return terms.dollars(tokens, given.answer) or 0.0

    print(
        f"* {method.name}, tokens by the tokenizer of {Path(given.tokenizer).name}, answers of "
        f"{given.answer} tokens, at the price of {given.priced_as} ({table.dated})"
    )
    print(page(given.graphs, given.features, Tally(method, counter(given.tokenizer)), price))


if __name__ == "__main__":
    main()

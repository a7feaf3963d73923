"""What the protocol costs beside labelling every node with the tier-2 method.

    python benchmarks/cost.py --labeler anthropic:claude-haiku-5-5 -o docs/studies/cost.md

Prompts are traced and routed with atlas. One way labels tier 1 by the token counter, tier 2 by the
method and leaves tier 3 to a person; the other labels every feature by the method. Both are scored
on the same texts. Tokens are those the model counted; dollars are its own price, or that of
``--priced-as`` where it is free. Answers are kept: run again, it is free.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphlabel import atlas
from graphlabel.annotation import Routing, Tier
from graphlabel.cli.pipeline import RouteOptions, route_document
from graphlabel.cli.scoring import negatives_pool, subject_of
from graphlabel.embedding import load_encoder
from graphlabel.evidence import FeatureSource, open_source
from graphlabel.files import GraphDocument, new_document
from graphlabel.graph import FeatureKey
from graphlabel.labeling import Evidence, LabelMethod, Named, TokenCounter, make_method, propose
from graphlabel.llm import GatewaySettings
from graphlabel.llm.metered import MeteredGateway
from graphlabel.llm.opening import open_gateway
from graphlabel.llm.terms import Terms, price_table
from graphlabel.records import FeatureRecord
from graphlabel.scoring import Means, SampleSettings, for_new_labels, make_scorers, prepare_features
from graphlabel.scoring.comparison.markdown import markdown_table
from graphlabel.scoring.comparison.picture import interval_words
from graphlabel.scoring.intervals import mean_interval, paired_difference
from graphlabel.scoring.outcome import Score

PROMPTS = (
    "Fact: the capital of the state containing Dallas is",
    "Fact: the capital of the state containing Houston is",
    "Fact: the capital of the state containing Seattle is",
    "Fact: the capital of the state containing Boston is",
)


@dataclass(frozen=True)
class Way:
    """One way of labelling: what it made and what it took."""

    name: str
    labels: Mapping[FeatureKey, str]
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Spent in the model and the counter, one after the other."""
    without: int = 0
    """Features that it should have labelled and did not."""
    for_a_person: int = 0

    def dollars(self, terms: Terms) -> float | None:
        """At these prices."""
        return terms.dollars(self.input_tokens, self.output_tokens)


def atlas_graphs(count: int, source: FeatureSource) -> list[GraphDocument]:
    """Prompts traced, pruned and routed."""
    from graphlabel.models import load_language_model, load_transcoders, read_prompt
    from graphlabel.tracing import pruned_graph, trace

    model = load_language_model(str(atlas.MODEL_FOLDER))
    transcoders = load_transcoders(str(atlas.TRANSCODERS_FOLDER))
    found = []
    for prompt in PROMPTS[:count]:
        traced = trace(model, transcoders, read_prompt(model, prompt))
        document = new_document(pruned_graph(traced), "cost")
        found.append(route_document(document, source, RouteOptions())[0])
    return found


def label(
    name: str,
    method: LabelMethod,
    evidence: Sequence[Evidence],
    gateway: MeteredGateway | None = None,
) -> Way:
    """Label features by a method; seconds of cached answers are those of the first time."""
    started = time.perf_counter()
    outcomes, stopped = propose(method, evidence, gateway)
    took = time.perf_counter() - started
    if stopped:
        raise KeyboardInterrupt
    answers = [each.answer for each in outcomes if each.answer is not None]
    labels = {
        each.record.key: found.proposal.text
        for each, found in zip(evidence, outcomes, strict=True)
        if isinstance(found, Named)
    }
    return Way(
        name,
        labels,
        len(answers),
        sum(answer.input_tokens for answer in answers),
        sum(answer.output_tokens for answer in answers),
        sum(answer.seconds for answer in answers) if gateway else took,
        len(evidence) - len(labels),
    )


def joined(name: str, one: Way, other: Way, for_a_person: int) -> Way:
    """Two parts of one way."""
    return Way(
        name,
        {**one.labels, **other.labels},
        one.calls + other.calls,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.seconds + other.seconds,
        one.without + other.without,
        for_a_person,
    )


def two_ways(
    records: Mapping[FeatureKey, FeatureRecord],
    routings: Mapping[FeatureKey, Routing],
    method: LabelMethod,
    gateway: MeteredGateway,
) -> tuple[Way, Way]:
    """The protocol, and every feature by the tier-2 method."""
    evidence = {
        tier: [Evidence(records[k], routings[k]) for k in records if routings[k].tier is tier]
        for tier in Tier
    }
    first = label("tier 1", TokenCounter(), evidence[Tier.COUNTER])
    second = label("tier 2", method, evidence[Tier.MODEL], gateway)
    tiered = joined("protocol", first, second, len(evidence[Tier.PERSON]))
    every = [each for some in evidence.values() for each in some]
    return tiered, label(f"every node by {method.name}", method, every, gateway)


def report(
    ways: Sequence[Way],
    scores: Mapping[str, Sequence[Sequence[Score]]],
    terms: Terms,
    facts: Sequence[str],
) -> str:
    """The page."""
    rows = []
    for way in ways:
        dollars = way.dollars(terms)
        cost = "unknown" if dollars is None else f"{dollars:.4f}"
        rows.append([
            way.name, str(len(way.labels)), str(way.without), str(way.for_a_person), str(way.calls),
            f"{way.input_tokens:,}", f"{way.output_tokens:,}", cost, f"{way.seconds:.1f}",
        ])  # fmt: skip
    head = ["way", "labels", "refused", "left to a person", "calls", "tokens in", "out", "$", "s"]
    parts = ["# What the protocol costs", "\n".join(f"* {fact}" for fact in facts)]
    parts += ["## Cost", markdown_table(head, rows), "## Worth", _worth(ways, scores)]
    return "\n\n".join(parts) + "\n"


def _worth(ways: Sequence[Way], scores: Mapping[str, Sequence[Sequence[Score]]]) -> str:
    rows = []
    for scorer, by_way in scores.items():
        means = [mean_interval([s.value for s in each if s.value is not None]) for each in by_way]
        difference = paired_difference(by_way[0], by_way[1])
        rows.append([
            scorer,
            *(interval_words(mean) if mean else "—" for mean in means),
            f"{interval_words(difference)}, n = {difference.n}" if difference else "—",
        ])  # fmt: skip
    head = ["scorer", *(way.name for way in ways), "difference on features both labelled [95 %]"]
    return markdown_table(head, rows)


def main() -> None:
    """Run both ways and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labeler", required=True, help="language model of tier 2")
    parser.add_argument("--judge", help="language model for detection; without one, embedding only")
    parser.add_argument("--method", default="np_max-act-logits")
    parser.add_argument("--priced-as", default="claude-sonnet-5-5")
    parser.add_argument("--graphs", type=int, default=2, choices=range(1, len(PROMPTS) + 1))
    parser.add_argument("--max-usd", type=float)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    source = open_source(atlas.INDEX_FOLDER)
    documents = atlas_graphs(given.graphs, source)
    routings = {k: r for each in documents for k, r in each.annotations.routings.items()}
    subject = subject_of(str(atlas.MODEL_FOLDER), str(atlas.TRANSCODERS_FOLDER))
    settings = SampleSettings(train=10, test=10)
    whole = [record for key in routings if (record := source.get(key)) is not None]
    pool = negatives_pool(source, whole, 0)
    prepared = prepare_features(whole, for_new_labels(settings), pool, subject.check, settings)
    records = {key: split.train for key, split in prepared.splits.items()}
    with ExitStack() as stack:
        asking = GatewaySettings(max_usd=given.max_usd)
        gateway = stack.enter_context(open_gateway(given.labeler, asking, print))
        judge = (
            stack.enter_context(open_gateway(given.judge, asking, print)) if given.judge else None
        )
        ways = two_ways(records, routings, make_method(given.method), gateway)
        names = ["embedding", "output_check", *(["detection"] if judge else [])]
        scorers = make_scorers(names, Means(load_encoder, judge, subject.lens))
        scores = {
            f"{each.name} ({each.measure})": [each.score(prepared.tests(w.labels)) for w in ways]
            for each in scorers
        }
    table = price_table()
    priced = given.priced_as if given.labeler.startswith("local:") else gateway.model
    facts = [
        f"{len(documents)} graphs of atlas, {len(records)} features with enough texts of "
        f"{len(routings)}; {gateway.model} labels with {given.method}, "
        f"{judge.model if judge else 'no language model'} judges",
        f"tokens as {gateway.model} counted them, at the price of {priced} ({table.dated})",
        *prepared.remarks,
        f"run on {datetime.now(UTC):%Y-%m-%d}",
    ]
    page = report(ways, scores, table.terms(priced), facts)
    print(page)
    if given.output is not None:
        given.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

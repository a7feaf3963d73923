"""What the protocol is worth beside labelling every node with the tier-2 method.

    python benchmarks/cost.py GRAPH… --features SOURCE --labeler MODEL [--each 20]

Of the features of routed graphs, ``--each`` of every tier are drawn by seed, from those with enough
texts. One way labels tier 1 by the token counter, tier 2 by the method and leaves tier 3 to a
person; the other labels all of them by the method. Both see the same texts and are scored on the
same others. Labels that the files hold play no part. Tokens are those the model counted; dollars
are its own price, or that of ``--priced-as`` where it is free. Answers are kept: run again, it is
free.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cost_of_graphs import evidence_of, tier_of

from graphlabel.annotation import Tier
from graphlabel.cli.scoring import Subject, negatives_pool, subject_of
from graphlabel.embedding import load_encoder
from graphlabel.evidence import FeatureSource, open_source
from graphlabel.files import read_graph
from graphlabel.graph import FeatureKey
from graphlabel.labeling import Evidence, LabelMethod, Named, TokenCounter, make_method, propose
from graphlabel.llm import GatewaySettings
from graphlabel.llm.metered import MeteredGateway
from graphlabel.llm.opening import open_gateway
from graphlabel.llm.terms import Terms, price_table
from graphlabel.scoring import (
    Means,
    Prepared,
    SampleSettings,
    Scorer,
    for_new_labels,
    make_scorers,
    prepare_features,
)
from graphlabel.scoring.comparison.markdown import markdown_table
from graphlabel.scoring.comparison.picture import interval_words
from graphlabel.scoring.intervals import mean_interval, paired_difference

Known = dict[FeatureKey, Evidence]


@dataclass(frozen=True)
class Way:
    """A method on some features: what it made and what it took."""

    labels: Mapping[FeatureKey, str]
    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float
    """Spent in the model or the counter; of cached answers, the first time's."""
    refused: Counter[str]
    """Features without a label, by the reason."""

    def cells(self, terms: Terms) -> list[str]:
        """What it made and took, for a table; dollars at these prices."""
        dollars = terms.dollars(self.input_tokens, self.output_tokens)
        cost = "unknown" if dollars is None else f"{dollars:.4f}"
        return [
            str(len(self.labels)), str(self.refused.total()), str(self.calls),
            f"{self.input_tokens:,}", f"{self.output_tokens:,}", cost, f"{self.seconds:.1f}",
        ]  # fmt: skip


def drawn(known: Known, prepared: Prepared, each: int, seed: int) -> dict[Tier, Known]:
    """Up to ``each`` features of every tier, drawn by seed, with what may be learned from."""
    rng = np.random.default_rng(seed)
    found = {}
    for tier in Tier:
        ready = sorted(key for key in prepared.splits if tier_of(known[key]) is tier)
        chosen = rng.permutation(len(ready))[:each]
        keys = sorted(ready[place] for place in chosen)
        found[tier] = {k: replace(known[k], record=prepared.splits[k].train) for k in keys}
    return found


def label(method: LabelMethod, known: Known, gateway: MeteredGateway | None = None) -> Way:
    """Label features by a method."""
    started = time.perf_counter()
    outcomes, stopped = propose(method, list(known.values()), gateway)
    took = time.perf_counter() - started
    if stopped:
        raise KeyboardInterrupt
    answers = [each.answer for each in outcomes if each.answer is not None]
    said = list(zip(known, outcomes, strict=True))
    return Way(
        {key: found.proposal.text for key, found in said if isinstance(found, Named)},
        len(answers),
        sum(answer.input_tokens for answer in answers),
        sum(answer.output_tokens for answer in answers),
        sum(answer.seconds for answer in answers) if gateway else took,
        Counter(found.message for found in outcomes if not isinstance(found, Named)),
    )


def worth(
    prepared: Prepared, scorers: Sequence[Scorer], counted: Way, asked: Mapping[Tier, Way]
) -> str:
    """The scores by tier, and on tier 1 the difference between the counter and the method."""
    rows = []
    for scorer in scorers:
        by_counter = scorer.score(prepared.tests(counted.labels))
        for tier, way in asked.items():
            by_method = scorer.score(prepared.tests(way.labels))
            mean, other = (
                mean_interval([score.value for score in scores if score.value is not None])
                for scores in (by_counter if tier is Tier.COUNTER else (), by_method)
            )
            both = paired_difference(by_counter, by_method) if tier is Tier.COUNTER else None
            if mean is None and other is None:
                continue
            rows.append([
                f"{scorer.name} ({scorer.measure})", str(int(tier)),
                *(f"{interval_words(i)}, n = {i.n}" if i else "—" for i in (mean, other, both)),
            ])  # fmt: skip
    head = ["scorer", "tier", "the counter", "the method", "difference where both labelled"]
    return markdown_table(head, rows)


def prepare(
    source: FeatureSource, known: Known, subject: Subject, settings: SampleSettings
) -> Prepared:
    """Texts to learn from and to be tested on, for every feature that has enough."""
    whole = [each.record for each in known.values()]
    pool = negatives_pool(source, whole, settings.seed)
    return prepare_features(whole, for_new_labels(settings), pool, subject.check, settings)


def main() -> None:
    """Run both ways and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", nargs="+", type=Path)
    parser.add_argument("--features", required=True, help="the evidence of their features")
    parser.add_argument("--labeler", required=True, help="language model of tier 2")
    parser.add_argument("--judge", help="language model for detection; without one, embedding only")
    parser.add_argument("--method", default="np_max-act-logits")
    parser.add_argument("--priced-as", default="claude-sonnet-5-5")
    parser.add_argument("--each", type=int, default=20, help="features of every tier")
    parser.add_argument("--train", type=int, default=10, help="texts to learn from")
    parser.add_argument("--test", type=int, default=10, help="texts to be tested on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="the model traced, to check silence with")
    parser.add_argument("--transcoders", help="its transcoders")
    parser.add_argument("--max-usd", type=float)
    given = parser.parse_args()
    known: Known = {}
    for path in given.graphs:
        known |= evidence_of(read_graph(path), [given.features])
    subject = subject_of(given.model, given.transcoders)
    settings = SampleSettings(given.train, given.test, given.seed)
    prepared = prepare(open_source(given.features), known, subject, settings)
    by_tier = drawn(known, prepared, given.each, given.seed)
    with ExitStack() as stack:
        asking = GatewaySettings(max_usd=given.max_usd)
        gateway = stack.enter_context(open_gateway(given.labeler, asking, print))
        judge = (
            stack.enter_context(open_gateway(given.judge, asking, print)) if given.judge else None
        )
        method = make_method(given.method)
        counted = label(TokenCounter(), by_tier[Tier.COUNTER])
        asked = {tier: label(method, some, gateway) for tier, some in by_tier.items() if some}
        names = ["embedding", "output_check", *(["detection"] if judge else [])]
        scorers = make_scorers(names, Means(load_encoder, judge, subject.lens))
        scores = worth(prepared, scorers, counted, asked)
    table = price_table()
    priced = given.priced_as if given.labeler.startswith("local:") else gateway.model
    terms = table.terms(priced)
    tiers = Counter(int(tier_of(each)) for each in known.values())
    facts = [
        f"{len(given.graphs)} graphs, {len(known)} features with evidence, "
        + ", ".join(f"{count} of tier {tier}" for tier, count in sorted(tiers.items())),
        f"up to {given.each} of each tier with enough texts, {given.train} to learn from and "
        f"{given.test} others to be tested on; seed {given.seed}",
        f"{gateway.model} labels with {given.method}, "
        f"{judge.model if judge else 'no language model'} judges",
        f"tokens as {gateway.model} counted them, at the price of {priced} ({table.dated})",
        f"negatives were checked {prepared.silence}",
        f"run on {datetime.now(UTC):%Y-%m-%d}",
    ]
    rows = [["1", "token_count", str(len(by_tier[Tier.COUNTER])), *counted.cells(terms)]]
    rows += [
        [str(int(tier)), given.method, str(len(by_tier[tier])), *way.cells(terms)]
        for tier, way in asked.items()
    ]
    head = ["tier", "by", "features", "labels", "refused", "calls", "tokens in", "out", "$", "s"]
    print("\n".join(f"* {fact}" for fact in facts))
    print(f"\n{markdown_table(head, rows)}\n\n{scores}\n")
    for tier, way in asked.items():
        for why, count in way.refused.most_common():
            print(f"* tier {int(tier)}: {count} × {why}")


if __name__ == "__main__":
    main()

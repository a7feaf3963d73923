"""A comparison as a Markdown report."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.scoring.comparison.compare import Comparison
from graphlabel.scoring.comparison.pairs import LabelPair
from graphlabel.scoring.comparison.picture import interval_words
from graphlabel.scoring.comparison.shown import inert_code, shown_excerpt
from graphlabel.scoring.intervals import Summary
from graphlabel.scoring.split import Split

EVIDENCE = 5


def comparison_markdown(
    comparison: Comparison, pairs: Sequence[LabelPair], *, title: str, picture: str = ""
) -> str:
    """The report: what was run, scores, by quantile, differences, the labels furthest apart."""
    parts = [f"# {title}", _facts(comparison)]
    parts += [f"![Scores by method, with 95 % intervals and chance]({picture})"] if picture else []
    parts += ["## Scores", _scores(comparison)]
    parts += ["## By quantile of activation", _quantiles(comparison)]
    differences = _differences(comparison)
    parts += ["## Differences between methods", differences] if differences else []
    parts += ["## Labels furthest apart", _pairs(comparison, pairs)] if pairs else []
    return "\n\n".join(parts) + "\n"


def _facts(comparison: Comparison) -> str:
    lines = [f"* {name}: {value}" for name, value in comparison.facts.items()]
    lines += [f"* {remark}" for remark in comparison.prepared.remarks]
    lines += [f"* {remark}" for remark in comparison.remarks]
    return "\n".join(lines)


def _scores(comparison: Comparison) -> str:
    head = ["scorer", "method", "mean [95 %]", "chance", "features", "not measured", "details"]
    rows = [
        [
            scorer,
            method,
            interval_words(found.value) if found.value else "—",
            f"{found.chance:.2f}",
            str(found.value.n if found.value else 0),
            str(found.unmeasured),
            _details(found),
        ]
        for scorer in comparison.measures
        for method, found in comparison.summaries(scorer).items()
    ]
    return markdown_table(head, rows)


def _details(summary: Summary) -> str:
    found = summary.measures
    words = []
    if "true_positives" in found:
        counts = "/".join(
            f"{found[name]:.0f}"
            for name in (
                "true_positives", "false_positives", "true_negatives", "false_negatives",
            )
        )  # fmt: skip
        words.append(f"TP/FP/TN/FN {counts}")
    words += [
        f"{name.replace('_', ' ')} {found[name]:.2f}"
        for name in ("precision", "recall", "f1", "gap_of_means", "rank", "delta_logit", "ablation")
        if name in found
    ]
    if summary.unparsed:
        words.append(f"{summary.unparsed} answers unreadable")
    words += [f"{count} without an answer ({kind})" for kind, count in summary.failures.items()]
    return ", ".join(words)


def _quantiles(comparison: Comparison) -> str:
    numbers = range(9, -1, -1)
    head = ["scorer", "method", *(f"q{number}" for number in numbers)]
    rows = []
    for scorer in comparison.measures:
        for method, found in comparison.summaries(scorer).items():
            cells = [found.by_quantile.get(number) for number in numbers]
            if any(cells):
                values = ["" if each is None else f"{each.mean:.2f}" for each in cells]
                rows.append([scorer, method, *values])
    return markdown_table(head, rows) + "\n\nq9 is the strongest tenth of a feature's activations."


def _differences(comparison: Comparison) -> str:
    rows = []
    for scorer in comparison.measures:
        for (one, other), found in comparison.differences(scorer).items():
            sure = "" if found.low <= 0 <= found.high or found.n < 2 else "yes"
            rows.append([scorer, f"{one} − {other}", interval_words(found), str(found.n), sure])
    head = ["scorer", "methods", "mean difference [95 %]", "features", "interval excludes 0"]
    return markdown_table(head, rows) if rows else ""


def _pairs(comparison: Comparison, pairs: Sequence[LabelPair]) -> str:
    parts = []
    for pair in pairs:
        head = f"### {pair.key}: cosine {pair.cosine:.2f}"
        rows = [
            [inert_code(label), method, _own_scores(comparison, pair, method)]
            for method, label in zip(pair.methods, pair.labels, strict=True)
        ]
        parts += [head, markdown_table(["label", "method", "scores"], rows)]
        parts.append(_evidence(comparison.prepared.splits[pair.key]))
    return "\n\n".join(parts)


def _own_scores(comparison: Comparison, pair: LabelPair, method: str) -> str:
    return ", ".join(
        f"{scorer} {score.value:.2f}"
        for scorer, methods in comparison.scores.items()
        for score in methods.get(method, ())
        if score.key == pair.key and score.value is not None
    )


def _evidence(split: Split) -> str:
    """What the methods saw beside what the labels were tested on."""
    train = [shown_excerpt(example) for example in split.train.top_examples[:EVIDENCE]]
    test = [f"q{text.quantile}: {shown_excerpt(text.excerpt)}" for text in split.test]
    step = max(1, len(test) // EVIDENCE)
    test = test[::step][:EVIDENCE]
    longest = max(len(train), len(test))
    rows = [
        [column[i] if i < len(column) else "" for column in (train, test)] for i in range(longest)
    ]
    return markdown_table(["seen by the methods", "held out"], rows)


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars within cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )

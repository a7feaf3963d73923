"""Where scoring meets sources, models and documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from graphlabel.annotation import Annotations, Label, LabelTarget
from graphlabel.cli.routing import sampled_records
from graphlabel.errors import EvidenceError, FeatureListError, UsageError
from graphlabel.evidence import FeatureSource, get_records
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import FeatureRecord
from graphlabel.scoring import (
    ByRecords,
    LabelTest,
    Prepared,
    SampleSettings,
    Score,
    SilenceCheck,
    for_kept_labels,
    prepare_features,
    text_pool,
)
from graphlabel.scoring.registry import ASKING

if TYPE_CHECKING:
    from graphlabel.llm.metered import MeteredGateway
    from graphlabel.scoring.negatives import PooledText
    from graphlabel.scoring.output_check import Lens
    from graphlabel.scoring.scorer import Scorer

Report = Callable[[str, int, int], None]
POOL = 200
"""Features whose texts serve as negatives."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of the model that the features are of."""

    check: SilenceCheck
    lens: Lens | None = None


def subject_of(model: str | None, transcoders: str | None) -> Subject:
    """The traced model with its transcoders, loaded, where both are named.

    Raises UsageError for one without the other, ModelError and TranscoderError.
    """
    if model is None and transcoders is None:
        return Subject(ByRecords())
    if model is None or transcoders is None:
        raise UsageError(
            "--model and --transcoders go together: the model whose features these are, and its "
            "transcoders"
        )
    from graphlabel.models import check_fit, load_language_model, load_transcoders
    from graphlabel.scoring.by_model import ByModel
    from graphlabel.scoring.model_lens import ModelLens

    loaded, loaded_transcoders = load_language_model(model), load_transcoders(transcoders)
    check_fit(loaded, loaded_transcoders)
    return Subject(ByModel(loaded, loaded_transcoders), ModelLens(loaded, loaded_transcoders))


def negatives_pool(
    source: FeatureSource, own: Iterable[FeatureRecord], seed: int
) -> list[PooledText]:
    """Texts of features drawn from the whole source, or of those at hand where it cannot list."""
    try:
        records = list(sampled_records(source, POOL, seed))
    except FeatureListError:
        records = list(own)
    return text_pool(records, seed)


@dataclass(frozen=True, eq=False)
class Scoring:
    """How labels are scored."""

    scorers: Sequence[Scorer]
    subject: Subject
    settings: SampleSettings
    judge: MeteredGateway | None = None
    """The language model that is asked; None where no scorer asks one."""

    @property
    def model(self) -> str:
        """The judge's name; empty for none."""
        return self.judge.model if self.judge else ""

    def check_stopped(self) -> None:
        """Raise KeyboardInterrupt when Ctrl-C ended the asking.

        Half of the answers are no score; what was answered is kept for the next run.
        """
        if self.judge is not None and self.judge.interrupted:
            raise KeyboardInterrupt


@dataclass(frozen=True, eq=False)
class Scored:
    """Labels and what scorers found of them."""

    prepared: Prepared
    tests: tuple[LabelTest, ...]
    scores: tuple[tuple[Score, ...], ...]
    """By scorer, then by test."""

    def of_test(self, place: int) -> tuple[Score, ...]:
        """Every scorer's score of a test."""
        return tuple(scores[place] for scores in self.scores)


def score_tests(
    prepared: Prepared,
    tests: Sequence[LabelTest],
    how: Scoring,
    report: Report,
) -> Scored:
    """Every scorer on every test; raises KeyboardInterrupt when Ctrl-C stopped one."""
    scores = []
    for each in how.scorers:
        scores.append(tuple(each.score(tests, partial(report, each.name))))
        how.check_stopped()
    return Scored(prepared, tuple(tests), tuple(scores))


def graph_labels(document: GraphDocument) -> dict[LabelTarget, tuple[FeatureKey, Label]]:
    """The labels of a graph's features, each once, by what they belong to."""
    found: dict[LabelTarget, tuple[FeatureKey, Label]] = {}
    graph, annotations = document.graph, document.annotations
    for place in graph.places(NodeKind.FEATURE):
        key = graph.nodes[place].key
        label = annotations.label_of(key)
        if label is not None and label.text.strip():
            target = key if annotations.labels.get(key) is label else key.feature_key
            found[target] = (key.feature_key, label)
    return found


def score_document(
    document: GraphDocument, source: FeatureSource, how: Scoring, report: Report
) -> tuple[GraphDocument, Scored]:
    """Score every label of a graph's features; the scores are kept with the labels.

    Raises UsageError without any label and EvidenceError where no labelled feature has enough
    evidence.
    """
    labels = graph_labels(document)
    if not labels:
        raise UsageError("no feature has a label yet; run graphlabel label first")
    keys = [key for key, _ in labels.values()]
    records = get_records(source, keys, partial(report, "evidence"))
    known = [record for record in records.values() if record is not None]
    prepared = _prepared(source, known, how)
    ready = [(target, *each) for target, each in labels.items() if each[0] in prepared.splits]
    if not ready:
        raise _untestable(len(labels), how.settings)
    tests = [prepared.test(key, label.text) for _, key, label in ready]
    scored = score_tests(prepared, tests, how, report)
    annotations = document.annotations
    for place, (target, _, label) in enumerate(ready):
        annotations = _with_scores(annotations, target, label, scored.of_test(place), how.model)
    return document.annotated(annotations), scored


def score_explanations(
    source: FeatureSource, how: Scoring, limit: int | None, report: Report
) -> Scored:
    """Score what a source's own explanations are worth, of up to ``limit`` features by seed.

    A feature without any is still judged by scorers that need no label. Raises EvidenceError where
    no feature has enough evidence.
    """
    count = limit or sum(1 for _ in source.keys())  # noqa: SIM118  # a source is no mapping
    drawn = {record.key: record for record in sampled_records(source, count, how.settings.seed)}
    prepared = _prepared(source, list(drawn.values()), how)
    if not prepared.splits:
        raise _untestable(len(drawn), how.settings)
    tests = [
        prepared.test(key, text)
        for key in prepared.splits
        for text in dict.fromkeys(each.text for each in drawn[key].explanations) or ("",)
    ]
    return score_tests(prepared, tests, how, report)


def _prepared(source: FeatureSource, records: Sequence[FeatureRecord], how: Scoring) -> Prepared:
    settings = how.settings
    pool = negatives_pool(source, records, settings.seed)
    return prepare_features(records, for_kept_labels(settings), pool, how.subject.check, settings)


def _untestable(count: int, settings: SampleSettings) -> EvidenceError:
    return EvidenceError(
        f"none of {count} labels can be tested: their features have too few texts beyond the "
        f"{settings.train} strongest, which may have been seen; lower --seen"
    )


def _with_scores(
    annotations: Annotations,
    target: LabelTarget,
    label: Label,
    scores: Sequence[Score],
    model: str,
) -> Annotations:
    """The annotations with a label's scores."""
    kept = [
        found
        for each in scores
        if (found := each.kept(model if each.scorer in ASKING else "")) is not None
    ]
    changed = replace(label, provenance=label.provenance.scored(kept))
    return replace(annotations, labels={**annotations.labels, target: changed})

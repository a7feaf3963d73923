"""Putting features before a label method: a label or a reason for each, none lost to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from graphlabel.annotation import clean_label
from graphlabel.errors import (
    AnswerError,
    EvidenceError,
    GraphLabelError,
    RemoteError,
    UsageError,
    VerbalizerError,
)
from graphlabel.labeling.answers import check_copy, check_script
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import Labeler, LabelMethod, PromptedLabeler, Proposal
from graphlabel.llm import Answer, Completion, Failure, FailureKind, Gateway, Query, Request, Role

SILENT = "nothing to say"
"""The kind of a feature that a method has no label for."""

Report = Callable[[str, int, int], None]
"""Told a phase, and how many of how many features are done."""


@dataclass(frozen=True, slots=True)
class Named:
    """A feature that got a label."""

    proposal: Proposal
    request: Request | None = None
    """What a model was asked, if one was."""
    answer: Completion | None = None


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A feature that got none."""

    kind: str
    """What kept it from one, in a few words that are the same for all of a kind."""
    message: str
    raw: str = ""
    """The answer that could not be used, as it came."""
    answer: Completion | None = None


Outcome = Named | Unnamed


def no_report(_phase: str, _done: int, _total: int) -> None:
    """Report nothing."""


def propose(
    method: LabelMethod,
    evidence: Sequence[Evidence],
    gateway: Gateway | None = None,
    *,
    tier: int | None = None,
    report: Report = no_report,
) -> tuple[list[Outcome], bool]:
    """What a method says of every feature, in order; also whether Ctrl-C cut it short.

    What was not reached by then is Unnamed. Raises UsageError when a method has to ask a language
    model and there is none, or lacks one of its tools.
    """
    if isinstance(method, Labeler):
        direct = method
        return _each(evidence, lambda each: _labelled(direct, each), "label", report)
    if gateway is None:
        raise UsageError(f"{method.name} asks a language model; name one for it")
    prompted = method
    prepared, stopped = _each(evidence, prompted.request, "prepare", report)
    asking = [(place, each) for place, each in enumerate(prepared) if isinstance(each, Request)]
    queries = [Query(request, f"label:{method.name}", tier) for _, request in asking]
    answers: dict[int, Answer] = {}
    if not stopped:
        answers, stopped = _answers(gateway, queries, report)
    outcomes: list[Outcome] = [
        NOT_REACHED if isinstance(each, Request) else each for each in prepared
    ]
    for number, answer in answers.items():
        place, request = asking[number]
        outcome = outcomes[place] = _read(prompted, request, answer)
        if isinstance(outcome, Unnamed) and isinstance(answer, Completion):
            about = str(evidence[place].record.key)
            gateway.unusable(queries[number], answer, about, outcome.message)
    return outcomes, stopped


_KINDS = (
    (EvidenceError, "no evidence"),
    (VerbalizerError, "verbalizer"),
    (RemoteError, "service"),
)
NOT_REACHED = Unnamed(FailureKind.INTERRUPTED.value, "the run was stopped before it was asked")

T = TypeVar("T")


def _each(
    evidence: Sequence[Evidence],
    step: Callable[[Evidence], T | Unnamed],
    phase: str,
    report: Report,
) -> tuple[list[T | Unnamed], bool]:
    """A step for every feature; what goes wrong with one stays with it."""
    done: list[T | Unnamed] = []
    try:
        for each in evidence:
            done.append(_guarded(step, each))
            report(phase, len(done), len(evidence))
    except KeyboardInterrupt:
        return done + [NOT_REACHED] * (len(evidence) - len(done)), True
    return done, False


def _guarded(step: Callable[[Evidence], T | Unnamed], evidence: Evidence) -> T | Unnamed:
    try:
        return step(evidence)
    except UsageError:
        raise
    except AnswerError as error:
        return Unnamed(f"unusable answer: {error}", str(error), error.raw)
    except GraphLabelError as error:
        kind = next((kind for each, kind in _KINDS if isinstance(error, each)), "error")
        return Unnamed(kind, str(error))
    except Exception as error:  # an installed method: its bug must not lose the others' labels
        return Unnamed(f"the method broke ({type(error).__name__})", str(error))


def _labelled(method: Labeler, evidence: Evidence) -> Named | Unnamed:
    proposal = method.label(evidence.record, evidence.routing)
    if proposal is None:
        return Unnamed(SILENT, f"{method.name} cannot name it")
    return _named(proposal)


def asking(method: PromptedLabeler, evidence: Evidence) -> Request | Unnamed:
    """What a method asks of a feature, or why it cannot; raises UsageError for a missing tool."""
    return _guarded(method.request, evidence)


def _answers(
    gateway: Gateway, queries: Sequence[Query], report: Report
) -> tuple[dict[int, Answer], bool]:
    """The answers by the query's place, as far as they came; also whether Ctrl-C cut them short."""
    answers: dict[int, Answer] = {}

    def arrived(place: int, answer: Answer) -> None:
        answers[place] = answer
        report("answers", len(answers), len(queries))

    try:
        answers.update(enumerate(gateway.ask(queries, arrived) if queries else ()))
    except KeyboardInterrupt:
        return answers, True
    failures = (each for each in answers.values() if isinstance(each, Failure))
    return answers, any(each.kind is FailureKind.INTERRUPTED for each in failures)


def _read(method: PromptedLabeler, request: Request, answer: Answer) -> Outcome:
    """The label in an answer, or why there is none, with the answer as it came."""
    if isinstance(answer, Failure):
        return Unnamed(answer.kind.value, answer.message)
    try:
        proposal = method.proposal(answer)
        check_script(proposal.text, request.turns[-1].text)
        earlier = [turn.text for turn in request.turns if turn.role is Role.ASSISTANT]
        check_copy(proposal.text, earlier, request.turns[-1].text)
    except AnswerError as error:
        return Unnamed(f"unusable answer: {error}", str(error), answer.text, answer)
    except Exception as error:  # as above
        what = f"the method broke ({type(error).__name__})"
        return Unnamed(what, str(error), answer.text, answer)
    return _named(proposal, request, answer)


def _named(
    proposal: Proposal, request: Request | None = None, answer: Completion | None = None
) -> Outcome:
    text = clean_label(proposal.text)
    if not text:  # no label may be empty: that would remove the one there is
        raw = answer.text if answer else proposal.text
        return Unnamed("unusable answer: the label is empty", "the label is empty", raw, answer)
    return Named(replace(proposal, text=text), request, answer)

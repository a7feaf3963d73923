"""Asking a model, and reading lists of numbers out of what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from graphlabel.errors import AnswerError
from graphlabel.graph import FeatureKey
from graphlabel.llm import Answer, Completion, Failure, Gateway, Query, StopReason
from graphlabel.scoring.scorer import Report, no_report

T = TypeVar("T")

_LIST = re.compile(r"\[[^\[\]]*\]")
_BARE = re.compile(r"\s*\d+(?:[\s,]+\d+)*\s*\.?\s*")


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What became of a question: a value, an answer that could not be read, or no answer."""

    value: T | None
    failure: str = ""
    """Why there was no answer; empty where there was one."""

    @property
    def unparsed(self) -> bool:
        """Whether there was an answer that could not be read."""
        return self.value is None and not self.failure


def ask_all(
    gateway: Gateway,
    queries: Sequence[Query],
    about: Callable[[int], FeatureKey],
    parse: Callable[[int, str], T],
    report: Report = no_report,
) -> list[Read[T]]:
    """The value of every query's answer, in order; ``parse`` raises AnswerError.

    Answers that cannot be read are kept by the gateway, as they came; ``about`` says of a query
    which feature it is about.
    """
    done = 0

    def count(_place: int, _answer: Answer) -> None:
        nonlocal done
        done += 1
        report(done, len(queries))

    answers = gateway.ask(queries, count) if queries else []
    found: list[Read[T]] = []
    for place, (query, answer) in enumerate(zip(queries, answers, strict=True)):
        if isinstance(answer, Failure):
            found.append(Read(None, answer.kind.value))
            continue
        try:
            found.append(Read(_parsed(answer, partial(parse, place))))
        except AnswerError as error:
            gateway.unusable(query, answer, str(about(place)), str(error))
            found.append(Read(None))
    return found


def _parsed(answer: Completion, parse: Callable[[str], T]) -> T:
    if answer.stop is StopReason.REFUSAL:
        raise AnswerError("the model refused")
    return parse(answer.text)


def parse_numbers(text: str, count: int, highest: int) -> tuple[int, ...]:
    """The one JSON list of an answer (or an answer of numbers alone) that is as asked.

    It holds exactly ``count`` whole numbers from 0 to ``highest``; ``true`` and ``false`` stand for
    1 and 0. Raises AnswerError where there is none, or where two contradict each other.
    """
    lists = _LIST.findall(text)
    if not lists and _BARE.fullmatch(text):
        lists = [json.dumps([int(each) for each in re.findall(r"\d{1,9}", text)[: count + 1]])]
    fitting = {each for each in map(_numbers, lists) if each and len(each) == count}
    fitting = {each for each in fitting if max(each) <= highest}
    if not fitting:
        raise AnswerError(f"the answer holds no list of {count} numbers from 0 to {highest}")
    if len(fitting) > 1:
        raise AnswerError("the answer holds several lists that contradict each other")
    return fitting.pop()


def _numbers(text: str) -> tuple[int, ...] | None:
    """A JSON list of whole numbers; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    whole = [int(each) for each in found if isinstance(each, int) and each >= 0]
    return tuple(whole) if len(whole) == len(found) else None

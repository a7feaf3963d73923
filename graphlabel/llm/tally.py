"""What a run asked, got and paid, and what a dry run would."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graphlabel.llm.gateway import Answer, Failure, FailureKind, Query
from graphlabel.llm.requests import Completion
from graphlabel.llm.terms import Terms, likely_input


@dataclass
class Tally:
    """Counts of one run."""

    answered: int = 0
    """Answers that were sent for."""
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float = 0.0
    unpriced: int = 0
    """Answers whose price is unknown."""
    failures: Counter[FailureKind] = field(default_factory=Counter)
    first: dict[FailureKind, str] = field(default_factory=dict)
    """The first message of every kind of failure."""

    def add(self, answer: Answer) -> None:
        """Count an answer or failure."""
        if isinstance(answer, Failure):
            self.failures[answer.kind] += 1
            self.first.setdefault(answer.kind, answer.message)
        elif answer.cached:
            self.cached += 1
        else:
            self._paid(answer)

    def _paid(self, answer: Completion) -> None:
        self.answered += 1
        self.input_tokens += answer.input_tokens
        self.output_tokens += answer.output_tokens
        self.dollars += answer.dollars or 0.0
        self.unpriced += answer.dollars is None

    @property
    def lines(self) -> list[str]:
        """What happened, a line for the answers and one for every kind of failure."""
        parts = [f"{self.answered} answers"]
        if self.cached:
            parts.append(f"{self.cached} more from the cache")
        if self.answered:
            parts.append(f"{self.input_tokens + self.output_tokens:,} tokens")
            unknown = f" and {self.unpriced} of unknown price" if self.unpriced else ""
            parts.append(f"${self.dollars:.4f}{unknown}")
        failed = [f"{count} × {kind}: {self.first[kind]}" for kind, count in self.failures.items()]
        return [", ".join(parts), *failed]


@dataclass
class PlannedPurpose:
    """What would be sent for one method and tier."""

    calls: int = 0
    input_tokens: int = 0
    """About how many."""
    dollars: float | None = 0.0
    """About how many, if answers are as long as they may be; None without a price."""
    bound: float | None = 0.0
    """The most that it can cost; None without a price."""


@dataclass
class Plan:
    """What a run would send."""

    purposes: dict[tuple[int | None, str], PlannedPurpose] = field(default_factory=dict)
    cached: int = 0
    example: Query | None = None
    """The first query that would be sent."""

    def add(self, query: Query, terms: Terms, *, batch: bool) -> None:
        """Count a query that would be sent."""
        self.example = self.example or query
        planned = self.purposes.setdefault((query.tier, query.purpose), PlannedPurpose())
        into = likely_input(query.request)
        likely = terms.dollars(into, query.request.max_tokens, batch=batch)
        bound = terms.bound(query.request, batch=batch)
        planned.calls += 1
        planned.input_tokens += into
        if likely is None or planned.dollars is None or planned.bound is None or bound is None:
            planned.dollars = planned.bound = None
        else:
            planned.dollars, planned.bound = planned.dollars + likely, planned.bound + bound

    @property
    def calls(self) -> int:
        """How many calls would be sent."""
        return sum(planned.calls for planned in self.purposes.values())

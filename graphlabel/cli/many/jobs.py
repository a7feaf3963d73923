"""The prompts of a set: JSON lines, each a text or an object."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from graphlabel.errors import UsageError

MAX_SLUG = 60


class PromptJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One prompt to trace."""

    prompt: str | None = None
    token_ids: tuple[int, ...] | None = None
    slug: str = ""
    """The graph's short name and its file's; made of number and prompt where it is not given."""
    target: str | tuple[str, ...] = ()
    """What to explain instead of the likeliest tokens, as ``trace --target`` takes it."""
    position: int | None = None
    chat: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets, however they were given."""
        return (self.target,) if isinstance(self.target, str) else self.target


def read_jobs(path: Path) -> list[PromptJob]:
    """The prompts of a file, in order, each with a slug of its own.

    Raises UsageError with the line's number where one cannot be used.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a JSON-lines file") from error
    jobs: list[PromptJob] = []
    taken: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        job = _job(line, f"line {number} of {path}", len(jobs))
        folded = job.slug.casefold()
        if folded in taken:
            raise UsageError(
                f"lines {taken[folded]} and {number} of {path} have the same slug “{job.slug}”; "
                "give each a slug of its own"
            )
        taken[folded] = number
        jobs.append(job)
    if not jobs:
        raise UsageError(f'{path} holds no prompt; write one a line, such as {{"prompt": "…"}}')
    return jobs


def _job(line: bytes, where: str, place: int) -> PromptJob:
    try:
        found = msgspec.json.decode(line)
        job = PromptJob(found) if isinstance(found, str) else msgspec.convert(found, PromptJob)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{where} is no prompt: {error}") from error
    if (job.prompt is None) == (job.token_ids is None):
        raise UsageError(f"{where} should have a prompt or token_ids, one of the two")
    if job.chat and job.token_ids is not None:
        raise UsageError(f"{where} has token_ids, which are used as given; leave out chat")
    if job.slug and not _is_file_name(job.slug):
        raise UsageError(
            f"{where} has a slug that is no file name; use letters, digits, dots, - and _"
        )
    return msgspec.structs.replace(job, slug=job.slug or _slug(job, place))


def _is_file_name(slug: str) -> bool:
    return re.fullmatch(r"[\w-][\w.-]*", slug) is not None and len(slug) <= 4 * MAX_SLUG


def _slug(job: PromptJob, place: int) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", (job.prompt or "").lower()).strip("-")
    return f"{place + 1:04d}-{words}"[:MAX_SLUG].rstrip("-")

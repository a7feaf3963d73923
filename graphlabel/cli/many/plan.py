"""What is done with every prompt of a set, and what came of one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.atomic import write_bytes
from graphlabel.cli.many.jobs import PromptJob
from graphlabel.cli.routing import RouteOptions
from graphlabel.errors import UsageError

MARKS = ".trace-many"
"""The folder, beside the graphs, of what is done."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done with every prompt; two runs of the same plan give the same graphs."""

    model: str
    transcoders: str
    gguf_file: str | None = None
    device: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the trace, as TraceSettings takes them."""
    features: tuple[str, ...] = ()
    """Feature sources; none: graphs are traced only."""
    any_set: bool = False
    offline: bool = False
    routing: RouteOptions = field(default_factory=RouteOptions)

    def digest(self, job: PromptJob) -> str:
        """SHA-256 (hex) of everything a prompt's graph depends on but the files themselves."""
        whole = (msgspec.to_builtins(self), msgspec.to_builtins(job))
        return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one prompt."""

    slug: str
    prompt: str | None = None
    file: str = ""
    error: str = ""
    """Why there is no graph, in one line; empty when there is."""
    nodes: int = 0
    links: int = 0
    replacement: float | None = None
    completeness: float | None = None
    routed: int = 0
    labelled: int = 0
    awaiting_model: int = 0
    awaiting_person: int = 0
    seconds: float = 0.0


class _Mark(msgspec.Struct, frozen=True):
    digest: str
    outcome: Outcome


def keep(folder: Path, digest: str, outcome: Outcome) -> None:
    """Note that a prompt is done; raises UsageError when it can't be."""
    place = folder / MARKS / f"{outcome.slug}.json"
    write_bytes(place, msgspec.json.encode(_Mark(digest, outcome)), UsageError)


def kept(folder: Path, digest: str, slug: str) -> Outcome | None:
    """What came of a prompt in an earlier run, if it was done the same way and is still there."""
    try:
        mark = msgspec.json.decode((folder / MARKS / f"{slug}.json").read_bytes(), type=_Mark)
    except (OSError, msgspec.MsgspecError):
        return None
    there = mark.digest == digest and (folder / mark.outcome.file).is_file()
    return mark.outcome if there and mark.outcome.file else None

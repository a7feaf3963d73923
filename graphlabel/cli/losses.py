"""What routing leaves out because the evidence is broken: said at the time, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphlabel.annotation import clean_label
from graphlabel.errors import EvidenceError

if TYPE_CHECKING:
    from graphlabel.protocol.router import Routed, Skipped


@dataclass
class Losses:
    """A tally of broken evidence."""

    say: Callable[[str], None]
    strict: bool = False
    """Whether the first broken piece of evidence is refused."""
    skipped: int = 0
    """Features without any sound evidence."""
    partly: int = 0
    """Features that were routed without some broken examples."""
    first: str = ""
    """The first feature that was skipped, and why."""

    def take(self, name: str, found: Routed | Skipped) -> None:
        """Count what a feature lost; raises EvidenceError for any loss when strict."""
        from graphlabel.protocol.router import Skipped

        name = clean_label(name)
        if isinstance(found, Skipped):
            self._refuse(f"{name}: {found.why}")
            self.first = self.first or f"{name}: {found.why}"
            self.skipped += 1
            self.say(f"skipped {name}: {found.why}")
        elif found.record.dropped:
            self._refuse(f"{name}: {found.record.dropped} of its examples are broken")
            self.partly += 1

    def told(self, of: int) -> None:
        """Say how much was lost of so many features."""
        if self.partly:
            self.say(f"{self.partly} of {of} features have broken examples, which were left out")
        if self.skipped:
            self.say(f"{self.skipped} of {of} features were skipped")

    def _refuse(self, why: str) -> None:
        if self.strict:
            raise EvidenceError(f"{why} (--strict)")

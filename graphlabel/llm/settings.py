"""How a model is asked: limits, patience, where things are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How a model is asked."""

    max_usd: float | None = None
    """The most that one run may cost, in dollars; None for no limit."""
    concurrency: int = 8
    """The most calls under way at a time."""
    timeout: float = 120.0
    """Seconds until a call counts as lost."""
    tries: int = 8
    """How often a call is sent at most while its failures are passing ones."""
    first_pause: float = 0.5
    """Seconds before the second try; about twice as long before each further one."""
    longest_pause: float = 60.0
    """Seconds; a service that asks for a longer pause, up to ``patience``, gets it."""
    patience: float = 300.0
    """A service that asks to wait for longer than so many seconds is not waited for."""
    cache: bool = True
    """Whether answers are taken from the journal."""
    batch: bool = False
    """Send in bulk, where the service can: cheaper, and answered within a day."""
    poll: float = 5.0
    """Seconds between looks at a batch at first; later up to ``longest_pause``."""
    dry_run: bool = False
    """Send nothing; gather what would be sent."""
    prices: Path | None = None
    """A price table over the shipped one."""
    journal: Path | None = None
    """Where answers and the ledger are kept, instead of the default place."""

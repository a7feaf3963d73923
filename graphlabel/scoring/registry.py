"""The scorers by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from graphlabel.embedding import Encoder
from graphlabel.errors import UsageError
from graphlabel.llm import Gateway
from graphlabel.scoring.detection import Detection
from graphlabel.scoring.embedding import Embedding
from graphlabel.scoring.fuzzing import Fuzzing
from graphlabel.scoring.intruder import Intruder
from graphlabel.scoring.output_check import Lens, OutputCheck
from graphlabel.scoring.scorer import Scorer
from graphlabel.scoring.simulation import Simulation

ASKING: dict[str, Callable[[Gateway, int], Scorer]] = {
    "detection": lambda gateway, seed: Detection(gateway, seed=seed),
    "fuzzing": lambda gateway, seed: Fuzzing(gateway, seed=seed),
    "intruder": lambda gateway, seed: Intruder(gateway, seed=seed),
    "simulation": lambda gateway, _: Simulation(gateway),
}
"""The scorers that ask a language model."""

NAMES = ("detection", "fuzzing", "embedding", "intruder", "simulation", "output_check")


@dataclass(frozen=True, eq=False)
class Means:
    """What scorers are made with."""

    encoder: Callable[[], Encoder]
    """Loads the sentence encoder; called only where one is needed."""
    gateway: Gateway | None = None
    """None: no language model was named."""
    lens: Lens | None = None
    """None: the logits that came with the records."""
    seed: int = 0


def check_scorers(names: Sequence[str], *, asking: bool) -> tuple[str, ...]:
    """The names, each once; raises UsageError for an unknown one.

    Also for one that asks a language model where there is none to ask (``asking``).
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        what = f"there is no scorer “{unknown[0][:40]}”" if unknown else "no scorer is named"
        raise UsageError(f"{what}; choose among {', '.join(NAMES)}")
    needy = [name for name in names if name in ASKING]
    if needy and not asking:
        raise UsageError(
            f"the scorer {needy[0]} asks a language model and none is named; add --judge, or "
            "score with embedding and output_check alone"
        )
    return tuple(dict.fromkeys(names))


def make_scorers(names: Sequence[str], means: Means) -> list[Scorer]:
    """The scorers of these names; raises UsageError as ``check_scorers`` does."""
    made: list[Scorer] = []
    for name in check_scorers(names, asking=means.gateway is not None):
        if name in ASKING and means.gateway is not None:
            made.append(ASKING[name](means.gateway, means.seed))
        elif name == Embedding.name:
            made.append(Embedding(means.encoder()))
        else:
            made.append(OutputCheck(means.lens))
    return made

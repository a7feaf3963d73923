"""The extensions that settings switch on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphlabel.embedding import Encoder
from graphlabel.protocol.decision import Extension
from graphlabel.protocol.logit_agreement import LogitAgreement
from graphlabel.protocol.matched_null import MatchedNull
from graphlabel.protocol.occurrences import Occurrences
from graphlabel.protocol.selectivity import Selectivity
from graphlabel.protocol.settings import CalibratedSettings, RawSettings
from graphlabel.records import FeatureRecord


def switched_on(
    settings: RawSettings | CalibratedSettings,
    encoder: Encoder,
    sample: Callable[[], Iterable[FeatureRecord]],
) -> tuple[Extension, ...]:
    """The extensions in the order in which they are asked.

    ``sample`` gives features of the source, in whose examples tokens occur (matched null).
    """
    found: list[Extension] = []
    if settings.matched_null:
        seed = settings.seed if isinstance(settings, CalibratedSettings) else 0
        found.append(MatchedNull(Occurrences.of(sample()), encoder, settings.weighted, seed))
    if settings.logit_agreement:
        found.append(LogitAgreement())
    if settings.selectivity:
        calibrated = settings if isinstance(settings, CalibratedSettings) else None
        floor = calibrated.cross_floor if calibrated and calibrated.support else None
        found.append(Selectivity(cross_floor=floor))
    return tuple(found)

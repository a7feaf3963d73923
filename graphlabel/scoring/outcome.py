"""What a scorer found out about a label, and what is made of many of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphlabel.annotation import LabelScore
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord
from graphlabel.scoring.split import TestText


@dataclass(frozen=True, slots=True)
class LabelTest:
    """A label with the texts it is tested on; none of them was seen when it was made."""

    record: FeatureRecord
    label: str
    positives: tuple[TestText, ...]
    negatives: tuple[TestText, ...]

    @property
    def texts(self) -> tuple[TestText, ...]:
        """Positives, then negatives."""
        return self.positives + self.negatives


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer found out about one label."""

    key: FeatureKey
    scorer: str
    label: str
    """Empty for scorers that judge the feature without a label."""
    value: float | None
    """The scorer's measure; None where nothing could be measured, and ``why`` says why."""
    chance: float
    """What a label that says nothing gets on average."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """All that was measured, by name."""
    by_quantile: Mapping[int, float] = field(default_factory=dict)
    """The same measure on the texts of each quantile (9 the strongest) alone."""
    judged: int = 0
    """Answers, texts or tokens the value rests on."""
    unparsed: int = 0
    """Answers that could not be read; they count neither for nor against the label."""
    failures: tuple[str, ...] = ()
    """Why questions had no answer at all, a kind for each."""
    why: str = ""

    def kept(self, model: str = "") -> LabelScore | None:
        """The score as it is kept with a label; None without a value."""
        if self.value is None:
            return None
        return LabelScore(
            self.scorer,
            round(self.value, 4),
            round(self.chance, 4),
            self.judged,
            self.unparsed,
            tuple((number, round(each, 4)) for number, each in self.by_quantile.items()),
            model,
            of_feature=not self.label,
        )


def unscored(test: LabelTest, scorer: str, why: str, chance: float = 0.5) -> Score:
    """A score without a value."""
    return Score(test.record.key, scorer, test.label, None, chance, why=why)

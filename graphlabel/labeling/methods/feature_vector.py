"""``nla_feature_vector``: the feature's decoder direction itself, verbalized."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import ClassVar

from graphlabel.annotation import MAX_LABEL_LENGTH, Routing, clean_label
from graphlabel.errors import AnswerError
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.tools import Tools, last_paragraph
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class VerbalizedDirection:
    """The last paragraph of what a verbalizer says of the decoder direction.

    Speculative: verbalizers are trained on activations, and a direction is none.
    """

    name: ClassVar[str] = "nla_feature_vector"
    tools: Tools

    def label(self, record: FeatureRecord, routing: Routing | None) -> Proposal | None:
        """The label; raises UsageError without a verbalizer or directions, AnswerError if cut."""
        verbalizer = self.tools.need_verbalizer(self.name)
        direction = self.tools.need_directions(self.name)(record.key)
        (spoken,) = verbalizer.verbalize([direction])
        text = " ".join(last_paragraph(spoken.text).split())
        if spoken.truncated or not text:
            what = "was cut before its last paragraph ended" if text else "is empty"
            raise AnswerError(f"the verbalization {what}", raw=spoken.text)
        shown = textwrap.shorten(text, MAX_LABEL_LENGTH, placeholder="…")
        return Proposal(clean_label(shown), model=verbalizer.name)

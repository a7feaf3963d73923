"""Embedding: is the label nearer in meaning to texts the feature fires on than to others?

No language model is asked, so it costs nothing; it cannot see what a label says about position.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from graphlabel.embedding import Encoder
from graphlabel.scoring.outcome import LabelTest, Score, unscored
from graphlabel.scoring.scorer import Report, no_report


class Embedding:
    """ROC-AUC of the cosine between label and text, by a sentence encoder."""

    name = "embedding"
    measure = "ROC-AUC"
    label_free = False

    def __init__(self, encoder: Encoder) -> None:
        """Compare meanings with this encoder."""
        self._encoder = encoder

    def score(self, tests: Sequence[LabelTest], report: Report = no_report) -> list[Score]:
        """How well each label's cosine to the texts tells positives from negatives."""
        scores = []
        for done, test in enumerate(tests, start=1):
            scores.append(self._score(test))
            report(done, len(tests))
        return scores

    def _score(self, test: LabelTest) -> Score:
        if not (test.label and test.positives and test.negatives):
            return unscored(test, self.name, "it needs a label, positives and negatives")
        label, *texts = self._encoder.encode(
            [test.label, *(text.excerpt.text for text in test.texts)]
        )
        cosines = np.stack(texts) @ label
        fires = np.array([text.fires for text in test.texts])
        quantiles = np.array([-1 if t.quantile is None else t.quantile for t in test.texts])
        auc = _auc(cosines, fires)
        means = float(cosines[fires].mean()), float(cosines[~fires].mean())
        by_quantile = {
            int(number): _auc(cosines[some := (quantiles == number) | ~fires], fires[some])
            for number in sorted(set(quantiles[fires].tolist()), reverse=True)
        }
        measures = {
            "roc_auc": auc,
            "gap_of_means": means[0] - means[1],
            "mean_positive": means[0],
            "mean_negative": means[1],
        }
        key = test.record.key
        return Score(key, self.name, test.label, auc, 0.5, measures, by_quantile, len(texts))


def _auc(cosines: Float[np.ndarray, " n"], fires: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(fires, cosines))

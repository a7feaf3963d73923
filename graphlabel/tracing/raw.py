"""The raw result of a trace as an .npz file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphlabel.atomic import replacing
from graphlabel.errors import GraphFileError
from graphlabel.tracing.trace import Trace


def write_raw(traced: Trace, path: Path) -> None:
    """Write the full, unpruned matrix and what its rows are; raises GraphFileError.

    Arrays: active_features (layer, position, feature), activation_values, selected_features
    (indices into active_features), adjacency (rows are targets), logit_ids, logit_probabilities,
    replacement_score, completeness_score, input_ids.
    """
    with replacing(path, GraphFileError) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            input_ids=np.asarray(traced.prompt.ids, dtype=np.int64),
            active_features=traced.active_features,
            activation_values=traced.activation_values,
            selected_features=traced.selected_features,
            adjacency=traced.adjacency,
            logit_ids=np.asarray(traced.logit_ids, dtype=np.int64),
            logit_probabilities=traced.logit_probabilities,
            replacement_score=np.float64(traced.scores.replacement),
            completeness_score=np.float64(traced.scores.completeness),
        )

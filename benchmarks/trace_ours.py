"""One trace with graphlabel in a process of its own, started by `trace.py`; prints JSON."""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graphlabel.models import load_language_model, load_transcoders, prompt_of_ids
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.trace import Trace, trace


def sweep_operations(traced: Trace, config: Any) -> float:
    """Operations that carry the rows' covectors, however it is done: the fewest possible.

    A row at (layer, position) passes the attention of its layer and those below, at its position
    and those before: products with W_O, the pattern and W_V. Scores and logits are left out.
    """
    layer, position = traced.active_features[traced.selected_features].T[:2]
    d, heads = config.hidden_size, config.num_attention_heads
    groups, d_head = config.num_key_value_heads, config.head_dim
    places = position + 1.0
    passing = 2 * d * d_head * (heads + groups) * places
    patterns = heads * d_head * places * (places + 1)  # queries at or after a key
    return float(((layer + 1) * (passing + patterns)).sum())


def main() -> None:
    """Trace once and print seconds, peak memory and counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--transcoders", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True, help="token ids as JSON")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--round", type=int, required=True, help="rows between two rankings")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--result", type=Path, help="where to put the matrix, as .npz")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dtype = torch.bfloat16 if options.dtype == "bfloat16" else torch.float32
    model = load_language_model(str(options.model), dtype=dtype)
    transcoders = load_transcoders(str(options.transcoders))
    settings = TraceSettings(max_feature_nodes=options.rows, dtype=options.dtype)
    interval = options.round // settings.batch_size
    if interval * settings.batch_size != options.round:
        raise SystemExit(f"--round must be a multiple of {settings.batch_size}")
    settings = TraceSettings(
        max_feature_nodes=options.rows, dtype=options.dtype, update_interval=interval
    )
    # Weights are mapped from their file: reading each once ends the loading; the reference copies.
    for parameter in model.model.parameters():
        parameter.sum()
    started, cpu_started = time.perf_counter(), time.process_time()
    traced = trace(
        model, transcoders, prompt_of_ids(model, json.loads(options.ids.read_text())), settings
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options.result:
        np.savez(
            options.result,
            active_features=traced.active_features,
            selected_features=traced.selected_features,
            adjacency=traced.adjacency,
            logit_probabilities=traced.logit_probabilities,
        )
    operations = sweep_operations(traced, model.config)
    counts = {"active": len(traced.active_features), "rows": len(traced.selected_features)}
    print(
        json.dumps(
            {"seconds": seconds, "cpu": cpu, "peak": peak, "operations": operations, **counts}
        )
    )


if __name__ == "__main__":
    main()

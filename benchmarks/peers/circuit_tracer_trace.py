"""One trace with circuit-tracer, in the environment of `requirements.txt`; prints JSON.

`../trace.py` starts it. TransformerLens loads only models that it knows by name; here the same
steps are done for a folder.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from circuit_tracer import ReplacementModel, attribute
from circuit_tracer.replacement_model.replacement_model_transformerlens import (
    TransformerLensReplacementModel,
)
from circuit_tracer.utils.hf_utils import load_transcoders
from transformer_lens import HookedTransformerConfig
from transformer_lens.loading_from_pretrained import convert_hf_model_config
from transformer_lens.pretrained.weight_conversions import convert_llama_weights
from transformers import AutoModelForCausalLM, AutoTokenizer

CPU = torch.device("cpu")


def through_transformerlens(folder: Path, transcoders: object, dtype: torch.dtype) -> object:
    """A Llama in a folder as circuit-tracer's default backend has it: nothing folded or centred."""
    original = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    values = convert_hf_model_config(str(folder))
    values |= {"rotary_base": original.config.rope_theta, "device": "cpu", "dtype": dtype}
    values |= {"original_architecture": "LlamaForCausalLM", "model_name": folder.name}
    values |= {"init_weights": False, "n_ctx": 1_024}  # 8,192: masks of 2 GB that nobody needs
    config = HookedTransformerConfig.from_dict(values)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = TransformerLensReplacementModel(config, tokenizer=tokenizer)
    model.load_and_process_state_dict(
        convert_llama_weights(original, config),
        fold_ln=False,
        center_writing_weights=False,
        center_unembed=False,
    )
    del original
    model._configure_replacement_model(transcoders)
    return model


def local_transcoders(folder: Path, dtype: torch.dtype, *, lazy_encoder: bool) -> object:
    """The set in a folder, decoders read lazily: circuit-tracer's defaults."""
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["transcoders"] = [str(folder / name) for name in config["transcoders"]]
    return load_transcoders(config, CPU, dtype, lazy_encoder, lazy_decoder=True)


def main() -> None:
    """Trace once and print seconds, peak memory and counts as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--transcoders", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True, help="token ids as JSON")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--round", type=int, required=True, help="rows between two rankings")
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--backend", default="transformerlens")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--lazy-encoder", action="store_true")
    parser.add_argument("--result", type=Path, help="where to put the matrix, as .npz")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dtype = getattr(torch, options.dtype)
    transcoders = local_transcoders(options.transcoders, dtype, lazy_encoder=options.lazy_encoder)
    if options.backend == "transformerlens":
        model = through_transformerlens(options.model, transcoders, dtype)
    else:
        model = ReplacementModel.from_pretrained_and_transcoders(
            str(options.model), transcoders, backend=options.backend, device=CPU, dtype=dtype
        )
    ids = torch.tensor(json.loads(options.ids.read_text()))
    started, cpu_started = time.perf_counter(), time.process_time()
    graph = attribute(
        ids,
        model,
        max_feature_nodes=options.rows,
        batch_size=options.batch_size,
        update_interval=options.round // options.batch_size,
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options.result:
        np.savez(
            options.result,
            active_features=graph.active_features.numpy(),
            selected_features=graph.selected_features.numpy(),
            adjacency=graph.adjacency_matrix.float().numpy(),
            logit_probabilities=graph.logit_probabilities.float().numpy(),
        )
    counts = {"active": len(graph.active_features), "rows": len(graph.selected_features)}
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, **counts}))


if __name__ == "__main__":
    main()

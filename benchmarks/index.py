"""How close building an index comes to what the arithmetic of model and encoders allows.

Run: `python benchmarks/index.py` for atlas, or with `--model`, `--gguf-file`, `--corpus` and
`--random-width` for another model with random transcoders of which about `--active` features fire
on a token. Block by block, in one process, the bare model and the index builder run over the same
sequences. "Allowed" is the time that the matrix products of model and encoders take at the rate
(floating-point operations a second) at which the bare model ran.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import torch
import yaml
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from graphlabel import atlas
from graphlabel.evidence.building import IndexRequest, IndexSettings, Places
from graphlabel.evidence.building.batches import batches, blocks
from graphlabel.evidence.building.checkpoint import Progress
from graphlabel.evidence.building.early_stop import stopping_after
from graphlabel.evidence.building.run import Run
from graphlabel.evidence.building.sequences import token_sequences
from graphlabel.evidence.building.worker import Worker
from graphlabel.evidence.corpora import open_corpus
from graphlabel.models import LanguageModel, load_transcoders
from graphlabel.models.capture import transcoder_inputs

_COUNTED: dict[tuple[int, ...], int] = {}
"""Operations of the model by the shape of its input."""
BUILD = """
import sys
from pathlib import Path
import msgspec, torch
from graphlabel.evidence.building import IndexRequest, build_index
torch.set_num_threads(int(sys.argv[3]))
build_index(msgspec.json.decode(sys.argv[1], type=IndexRequest).run(), Path(sys.argv[2]))
"""
Block = Sequence[tuple[int, Sequence[int]]]


def main() -> None:
    """Measure and print the tables."""
    options = _options()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = _request(options, folder)
        run = request.run()
        print(f"{run.model.name}, {len(run.layers)} layers, {_features(run)} features, "
              f"{options.threads} threads\n")  # fmt: skip
        seconds = _throughput(run, request, options)
        per_feature = _memory(request, folder, options)
        _projection(run, seconds, per_feature)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(atlas.MODEL_FOLDER))
    parser.add_argument("--transcoders", default=str(atlas.TRANSCODERS_FOLDER))
    parser.add_argument("--gguf-file")
    parser.add_argument("--corpus")
    parser.add_argument("--random-width", type=int, default=0)
    parser.add_argument("--active", type=int, default=40)
    parser.add_argument("--topk", action="store_true", help="TopK instead of ReLU transcoders")
    parser.add_argument("--context-length", type=int, default=64)
    parser.add_argument("--warm-up", type=int, default=16, help="blocks that are not timed")
    parser.add_argument("--blocks", type=int, default=10, help="blocks that are timed")
    parser.add_argument(
        "--cpu-time", action="store_true", help="time by the processor, on a busy machine"
    )
    parser.add_argument("--layers", type=int, nargs="*")
    parser.add_argument("--memory-tokens", type=int, nargs=2, default=(50_000, 200_000))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def _request(options: argparse.Namespace, folder: Path) -> IndexRequest:
    corpus = options.corpus
    if corpus is None:
        corpus = str(folder / "atlas.jsonl")
        with Path(corpus).open("w", encoding="utf-8") as file:
            for document in atlas.documents(4_000, 600_000):
                file.write(json.dumps({"text": document.text}) + "\n")
    settings = IndexSettings(
        context_length=options.context_length, layers=options.layers and tuple(options.layers)
    )
    places = Places(options.model, options.transcoders, options.gguf_file)
    if options.random_width:
        places = replace(places, transcoders=str(folder / "random"))
        model = Places(options.model, "", options.gguf_file).load_model("float32", "cpu")
        random_transcoders(
            model, corpus, folder / "random", options.random_width, options.active, options.topk
        )
    return IndexRequest(places, corpus, settings=settings, device="cpu")


def random_transcoders(
    model: LanguageModel, corpus: str, folder: Path, width: int, active: int, topk: bool
) -> None:
    """Seeded random ReLU or TopK transcoders; about ``active`` features fire on a token.

    Each feature's bias is minus the quantile of its pre-activations on the corpus's first 4,096
    tokens above which the wanted share of them lies.
    """
    folder.mkdir()
    config = {
        "model_name": model.name, "scan": "random", "feature_input_hook": "mlp.hook_in",
        "feature_output_hook": "mlp.hook_out", "activation": "topk" if topk else "relu",
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config | ({"k": active} if topk else {})))
    generator = torch.Generator().manual_seed(0)

    def write(layer: int, bias: torch.Tensor, encoder: torch.Tensor) -> None:
        decoder = torch.randn(width, model.d_model, generator=generator) / model.d_model**0.5
        tensors = {"W_enc": encoder, "b_enc": bias, "W_dec": decoder}
        save_file(
            {**tensors, "b_dec": torch.zeros(model.d_model)}, folder / f"layer_{layer}.safetensors"
        )

    encoders = [
        torch.randn(width, model.d_model, generator=generator) for _ in range(model.n_layers)
    ]
    for layer, encoder in enumerate(encoders):
        write(layer, torch.zeros(width), encoder)
    sequences = token_sequences(model, open_corpus(corpus).documents(), 128, 4_096)
    ids = torch.tensor([each for each in sequences if len(each) == 128])
    for layer, x in enumerate(transcoder_inputs(model, load_transcoders(str(folder)), ids)):
        pre = x[:, 1:].flatten(0, 1) @ encoders[layer].T
        rank = max(1, round(len(pre) * (1 - active / width)))
        bias = torch.zeros(width) if topk else -pre.kthvalue(rank, dim=0).values
        write(layer, bias, encoders[layer])


def _throughput(run: Run, request: IndexRequest, options: argparse.Namespace) -> dict[str, float]:
    """Seconds a token of the bare model, the encoders' products, and the builder; prints them."""
    worker = Worker(run, run.empty_tables())
    clock = time.process_time if options.cpu_time else time.perf_counter
    bare_model = stopping_after(run.model, run.layers[-1])
    stream = blocks(run.sequences, run.settings.block_sequences)
    progress = Progress(run.identity)
    spent = dict.fromkeys(("tokenizing", "model", "products", "building", "allowed"), 0.0)
    tokens = flops = 0
    for number in range(options.warm_up + options.blocks):
        started = clock()
        block = next(stream)
        read = clock() - started
        started = clock()
        after = worker.add(block, progress, lambda _: None)
        built = clock() - started
        if number >= options.warm_up:
            bare, products, counted, dense = _bare(run, bare_model, block, clock)
            tokens += after.tokens_seen - progress.tokens_seen
            flops += counted
            spent["tokenizing"] += read
            spent["model"] += bare
            spent["products"] += products
            spent["building"] += built
            spent["allowed"] += bare * (counted + dense) / counted
        progress = after
    fired = sum(layer.histograms.counts.sum() for layer in worker.layers)
    whole = spent["building"] + spent["tokenizing"]
    density = fired / progress.tokens_seen / len(run.layers)
    print(f"{tokens:,} tokens; {density:.0f} features fire on a token in a layer")
    print(f"the bare model ran at {flops / spent['model'] / 1e9:.0f} GFLOP/s\n")
    print(f"{'what':<46}{'µs/token':>10}{'tokens/s':>10}{'share':>8}")
    for name, seconds in (
        ("the bare model", spent["model"]),
        ("model + encoders, at the bare model's rate", spent["allowed"]),
        ("model + encoders' products, as measured", spent["model"] + spent["products"]),
        ("building the index, tokenizing included", whole),
    ):
        each = seconds / tokens
        print(f"{name:<46}{each * 1e6:>10.1f}{1 / each:>10,.0f}{seconds / whole:>8.0%}")
    return {name: seconds / tokens for name, seconds in spent.items()} | {"whole": whole / tokens}


def _bare(
    run: Run, model: LanguageModel, block: Block, clock: Callable[[], float]
) -> tuple[float, float, int, int]:
    """Seconds of the model alone and of the encoders' products, and the operations of both."""
    special = frozenset(model.tokenizer.all_special_ids)
    bare = products = 0.0
    counted = dense = 0
    for batch in batches(block, run.settings, special, 1):
        ids = torch.from_numpy(batch.ids)
        with torch.no_grad():
            started = clock()
            model.model(input_ids=ids, use_cache=False, logits_to_keep=1)
            bare += clock() - started
            x = torch.randn(ids.numel(), model.d_model)
            for layer in run.layers:
                weight, bias = (part.float() for part in run.transcoders.layers[layer].encoder())
                started = clock()
                torch.addmm(bias[:, None], weight, x.T)
                products += clock() - started
                dense += 2 * ids.numel() * weight.numel()
        counted += _flops(model, tuple(ids.shape))
    return bare, products, counted, dense


def _flops(model: LanguageModel, shape: tuple[int, ...]) -> int:
    if shape not in _COUNTED:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            ids = torch.ones(shape, dtype=torch.int64)
            model.model(input_ids=ids, use_cache=False, logits_to_keep=1)
        _COUNTED[shape] = counter.get_total_flops()
    return _COUNTED[shape]


def _memory(
    request: IndexRequest, folder: Path, options: argparse.Namespace
) -> tuple[float, float]:
    """Bytes a feature on disk and in memory; prints the peak memory for two corpus sizes."""
    print(f"\n{'tokens':>10}{'seconds':>10}{'peak MB':>10}{'index MB':>10}")
    peaks, size = [], 0
    for n_tokens in options.memory_tokens:
        place = folder / f"index_{n_tokens}"
        whole = msgspec.json.encode(replace(request, n_tokens=n_tokens))
        started = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", BUILD, whole, str(place), str(options.threads)],
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit("building failed")
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in place.glob("layer_*"))
        peaks.append(usage.ru_maxrss / 1024)
        print(f"{n_tokens:>10,}{seconds:>10.1f}{peaks[-1]:>10.0f}{size / 1e6:>10.1f}")
    print(f"{'':>10}{'ratio':>10}{peaks[-1] / peaks[0]:>10.2f}")
    run = request.run()
    settings = run.settings
    slots = settings.top + settings.reservoir
    kept = slots * ((2 * settings.radius + 1) * 8 + 24) + 32 * 8
    return size / _features(run), kept


def _features(run: Run) -> int:
    return sum(run.n_features(layer) for layer in run.layers)


def _projection(run: Run, seconds: dict[str, float], per_feature: tuple[float, float]) -> None:
    rest = (seconds["whole"] - seconds["model"]) / _features(run)
    days = (seconds["model"] + rest * 1e6) * 1e9 / 86_400
    disk, memory = per_feature
    print("\n10^9 tokens × 10^6 features at this speed, this model's forward pass included:")
    print(f"  {days:,.0f} days of one such process (shards divide them)")
    print(f"  {disk / 1e3:.0f} GB on disk")
    print(f"  {memory / 1e3:.0f} GB of tables in memory (--layers divides them)")


if __name__ == "__main__":
    main()

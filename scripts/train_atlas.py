"""Train the embedded model atlas and its transcoders and index their features, from one seed.

Run from the repository root: `python -m scripts.train_atlas --out graphlabel/atlas/data`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

import torch
from transformers import AutoModelForCausalLM

from graphlabel.atlas import DATA_FOLDER
from scripts.atlas_training.activations import collect
from scripts.atlas_training.corpus import Corpus
from scripts.atlas_training.cross_layer import train_cross_layer
from scripts.atlas_training.cross_layer_files import (
    load_cross_layer,
    measure_cross_layer,
    save_cross_layer,
)
from scripts.atlas_training.evaluation import DALLAS_PROMPT, evaluate, next_tokens
from scripts.atlas_training.gold import GOLD_TOKENS, build_gold
from scripts.atlas_training.language_model import (
    ModelOptions,
    build_model,
    states_of_tokens,
    train_model,
)
from scripts.atlas_training.record import describe, layers_of_record, update_record
from scripts.atlas_training.story import measure_story
from scripts.atlas_training.tokenizer import save_tokenizer, vocabulary
from scripts.atlas_training.transcoder import TranscoderOptions, train_transcoder
from scripts.atlas_training.transcoder_files import load_transcoder, measure, save_transcoder

STAGES = ("model", "transcoders", "cross-layer", "story", "gold", "index")
MODEL = ModelOptions()
TRANSCODER = TranscoderOptions(batch=1024)
OF_TRANSCODERS = {"active": (3.0, 10.0, 10.0), "steps": (2500, 6000, 6000), "clusters": (0.4, 0, 0)}
"""Settings that differ between transcoders, one number a layer. The first layer's stand for states
at cities, and start as clusters for that; the others do the rest."""
CROSS_LAYER = TranscoderOptions(width=512, active=8.0, steps=3000, batch=512)
OPTIONS: dict[str, ModelOptions | TranscoderOptions] = {
    "model": MODEL,
    "transcoder": TRANSCODER,
    "cross-layer": CROSS_LAYER,
}
Options = TypeVar("Options", ModelOptions, TranscoderOptions)
DOCUMENTS = 6000
CORPUS_SEED = 1_000
ACTIVATION_SEED = 2_000
EVALUATION_SEED = 3_000


def train_model_stage(out: Path, seed: int, options: ModelOptions) -> None:
    """Train the model, save it in half precision and measure what was saved."""
    started = time.perf_counter()
    vocab = vocabulary()
    model = build_model(options, vocab, seed)

    def report(step: int, loss: float, seconds: float) -> None:
        print(f"model step {step} loss {loss:.4f} ({seconds:.0f} s)", flush=True)

    corpus = Corpus(seed + CORPUS_SEED, vocab)
    losses = train_model(model, corpus, options, states_of_tokens(vocab), report)
    folder = out / "model"
    model.half().save_pretrained(str(folder))
    save_tokenizer(folder)
    saved = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    accuracy = evaluate(saved, vocab)
    for name, count in accuracy.items():
        print(f"{name}: {count['correct']} of {count['total']} ({count['accuracy']:.4f})")
    dallas = next_tokens(saved, vocab, DALLAS_PROMPT)
    print(f"{DALLAS_PROMPT} -> {dallas}")
    update_record(
        out,
        {
            "seed": seed,
            "vocabulary": len(vocab),
            "model": {
                **describe(options),
                "parameters": sum(weight.numel() for weight in saved.parameters()),
                "seconds": round(time.perf_counter() - started, 1),
                "loss_per_hundred_steps": [round(loss, 4) for loss in losses],
                "final_loss": round(losses[-1], 4),
                "accuracy": accuracy,
                "dallas_prompt": {"text": DALLAS_PROMPT, "next_tokens": dallas},
            },
        },
    )


def train_transcoders_stage(
    out: Path,
    seed: int,
    options: TranscoderOptions,
    documents: int,
    of_layers: Mapping[str, Sequence[float]],
    wanted: Collection[int] | None = None,
) -> None:
    """Train one transcoder per layer on the saved model and measure the saved files.

    Layers are trained independently of each other, each with its own settings where `of_layers`
    has them; those not wanted stay as they are, and so does what the record says of them.
    """
    started = time.perf_counter()
    vocab = vocabulary()
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32)
    data = collect(model, Corpus(seed + ACTIVATION_SEED, vocab), documents)
    fresh = collect(model, Corpus(seed + EVALUATION_SEED, vocab), max(documents // 8, 64))
    folder = out / "transcoders"
    layers = {entry["layer"]: entry for entry in layers_of_record(out)}
    for layer, activations in enumerate(data):
        if wanted is not None and layer not in wanted:
            continue

        def report(step: int, loss: float, dead: int, layer: int = layer) -> None:
            print(f"layer {layer} step {step} loss {loss:.5f} dead {dead}", flush=True)

        own = {name: type(getattr(options, name))(of[layer]) for name, of in of_layers.items()}
        trained = train_transcoder(activations, replace(options, **own), seed + layer, report)
        save_transcoder(trained, folder, layer)
        quality = measure(load_transcoder(folder, layer), fresh[layer])
        print(f"layer {layer}: {quality} ({time.perf_counter() - started:.0f} s)", flush=True)
        layers[layer] = {"layer": layer, **own, **quality}
    update_record(
        out,
        {
            "transcoders": {
                **describe(options, of_layers),
                "seconds": round(time.perf_counter() - started, 1),
                "training_tokens": data[0].inputs.shape[0],
                "layers": [layers[layer] for layer in sorted(layers)],
            }
        },
    )


def story_stage(out: Path, seed: int) -> None:
    """Measure how well the saved transcoders' features tell states apart."""
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32)
    story = measure_story(model, out / "transcoders", vocabulary(), seed)
    print(f"story: {story}", flush=True)
    # This needs the whole library, which the stages before do not wait for.
    from scripts.atlas_training.hop import measure_hop

    hop = measure_hop(out, seed)
    print(f"hop: {hop}", flush=True)
    update_record(out, {"story": story, "hop": hop})


def gold_stage(out: Path, seed: int, n_tokens: int) -> None:
    """Write which class each feature is, by the rules of docs/studies/atlas.md."""
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32)
    counts = build_gold(model, out, vocabulary(), seed, n_tokens)
    print(f"gold: {counts}", flush=True)
    update_record(out, {"gold": {"tokens": n_tokens, "features": counts}})


def index_stage(out: Path, seed: int, n_tokens: int) -> None:
    """Index the features of the saved transcoders over fresh sentences."""
    from scripts.atlas_training.index import build_atlas_index

    started = time.perf_counter()
    build_atlas_index(out, seed, n_tokens)
    seconds = round(time.perf_counter() - started, 1)
    update_record(out, {"index": {"tokens": n_tokens, "seconds": seconds}})


def cross_layer_stage(out: Path, seed: int, options: TranscoderOptions, documents: int) -> None:
    """Train a cross-layer transcoder on the saved model and measure the saved files."""
    started = time.perf_counter()
    vocab = vocabulary()
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32)
    data = collect(model, Corpus(seed + ACTIVATION_SEED, vocab), documents)
    fresh = collect(model, Corpus(seed + EVALUATION_SEED, vocab), max(documents // 8, 64))

    def report(step: int, loss: float, dead: int) -> None:
        print(f"cross-layer step {step} loss {loss:.5f} dead {dead}", flush=True)

    folder = out / "cross_layer"
    save_cross_layer(train_cross_layer(data, options, seed, report), folder)
    layers = measure_cross_layer(load_cross_layer(folder), fresh)
    for layer, quality in enumerate(layers):
        print(f"cross-layer {layer}: {quality}", flush=True)
    entry = {
        **describe(options),
        "seconds": round(time.perf_counter() - started, 1),
        "training_tokens": data[0].inputs.shape[0],
        "layers": [{"layer": layer, **quality} for layer, quality in enumerate(layers)],
    }
    update_record(out, {"cross_layer": entry})


def _flag(prefix: str, name: str) -> str:
    return f"--{prefix}-{name}".replace("_", "-")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=DATA_FOLDER)
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, nargs="*", help="train these transcoders alone")
    for name, numbers in OF_TRANSCODERS.items():
        parser.add_argument(
            f"--{name}", type=float, nargs="+", default=numbers, help="one number a transcoder"
        )
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--gold-tokens", type=int, default=GOLD_TOKENS)
    parser.add_argument("--index-tokens", type=int, default=200_000)
    for prefix, options in OPTIONS.items():
        group = parser.add_argument_group(f"{prefix}, see {type(options).__name__}")
        for field in fields(options):
            if prefix == "transcoder" and field.name in OF_TRANSCODERS:
                continue
            default = getattr(options, field.name)
            if isinstance(default, bool):
                flag = argparse.BooleanOptionalAction
                group.add_argument(_flag(prefix, field.name), action=flag, default=default)
            else:
                group.add_argument(_flag(prefix, field.name), type=type(default), default=default)
    return parser


def _chosen(arguments: argparse.Namespace, prefix: str, options: Options) -> Options:
    values = vars(arguments)
    flags = {f.name: _flag(prefix, f.name)[2:].replace("-", "_") for f in fields(options)}
    return replace(options, **{n: values[flag] for n, flag in flags.items() if flag in values})


def main() -> None:
    """Read the command line and run the wanted stages."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    out, seed, documents = arguments.out, arguments.seed, arguments.documents
    model = _chosen(arguments, "model", MODEL)
    transcoder = _chosen(arguments, "transcoder", TRANSCODER)
    cross_layer = _chosen(arguments, "cross-layer", CROSS_LAYER)
    stages: dict[str, Callable[[], None]] = {
        "model": lambda: train_model_stage(out, seed, model),
        "transcoders": lambda: train_transcoders_stage(
            out,
            seed,
            transcoder,
            documents,
            {name: getattr(arguments, name) for name in OF_TRANSCODERS},
            arguments.layers,
        ),
        "cross-layer": lambda: cross_layer_stage(out, seed, cross_layer, documents // 2),
        "story": lambda: story_stage(out, seed),
        "gold": lambda: gold_stage(out, seed, arguments.gold_tokens),
        "index": lambda: index_stage(out, seed, arguments.index_tokens),
    }
    for name, stage in stages.items():
        if arguments.stage in (name, "all"):
            stage()


if __name__ == "__main__":
    main()

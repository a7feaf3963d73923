"""Train the embedded model atlas and its transcoders and index their features, from one seed.

Run from the repository root: `python -m scripts.train_atlas --out graphlabel/atlas/data`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from graphlabel.atlas import DATA_FOLDER
from scripts.atlas_training.activations import collect
from scripts.atlas_training.corpus import Corpus
from scripts.atlas_training.evaluation import DALLAS_PROMPT, evaluate, next_tokens
from scripts.atlas_training.gold import GOLD_TOKENS, build_gold
from scripts.atlas_training.language_model import ModelOptions, build_model, train_model
from scripts.atlas_training.record import describe, update_record
from scripts.atlas_training.story import measure_story
from scripts.atlas_training.tokenizer import save_tokenizer, vocabulary
from scripts.atlas_training.transcoder import TranscoderOptions, train_transcoder
from scripts.atlas_training.transcoder_files import load_transcoder, measure, save_transcoder

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

    losses = train_model(model, Corpus(seed + CORPUS_SEED, vocab), options, report)
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
    active: Sequence[float] = (),
    wanted: Collection[int] | None = None,
) -> None:
    """Train one transcoder per layer on the saved model and measure the saved files.

    Layers are trained independently of each other, each with its own number of active features
    where `active` has as many as there are layers; those not wanted are read as they are.
    """
    started = time.perf_counter()
    vocab = vocabulary()
    model = AutoModelForCausalLM.from_pretrained(out / "model", dtype=torch.float32)
    data = collect(model, Corpus(seed + ACTIVATION_SEED, vocab), documents)
    fresh = collect(model, Corpus(seed + EVALUATION_SEED, vocab), max(documents // 8, 64))
    folder = out / "transcoders"
    layers: list[dict[str, object]] = []
    for layer, activations in enumerate(data):

        def report(step: int, loss: float, dead: int, layer: int = layer) -> None:
            print(f"layer {layer} step {step} loss {loss:.5f} dead {dead}", flush=True)

        of_layer = replace(options, active=active[layer] if active else options.active)
        if wanted is None or layer in wanted:
            trained = train_transcoder(activations, of_layer, seed + layer, report)
            save_transcoder(trained, folder, layer)
        quality = measure(load_transcoder(folder, layer), fresh[layer])
        print(f"layer {layer}: {quality} ({time.perf_counter() - started:.0f} s)", flush=True)
        layers.append({"layer": layer, "active": of_layer.active, **quality})
    update_record(
        out,
        {
            "transcoders": {
                **describe(options),
                "seconds": round(time.perf_counter() - started, 1),
                "training_tokens": data[0].inputs.shape[0],
                "layers": layers,
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


def main() -> None:
    """Read the command line and run the wanted stages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=DATA_FOLDER)
    stages = ("model", "transcoders", "story", "gold", "index", "all")
    parser.add_argument("--stage", choices=stages, default="all")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=ModelOptions.steps)
    parser.add_argument("--freeze-embedding", action="store_true")
    parser.add_argument("--model-width", type=int, default=ModelOptions.width)
    parser.add_argument("--weight-decay", type=float, default=ModelOptions.weight_decay)
    parser.add_argument("--transcoder-batch", type=int, default=TranscoderOptions.batch)
    parser.add_argument("--transcoder-steps", type=int, default=TranscoderOptions.steps)
    parser.add_argument("--width", type=int, default=TranscoderOptions.width)
    parser.add_argument("--active", type=float, nargs="+", help="for all layers, or for each")
    parser.add_argument("--balance", type=float, default=TranscoderOptions.balance)
    parser.add_argument("--clusters", type=float, default=TranscoderOptions.clusters)
    parser.add_argument("--fine-clusters", type=float, default=TranscoderOptions.fine_clusters)
    parser.add_argument("--documents", type=int, default=8192)
    parser.add_argument("--layers", type=int, nargs="*", help="train these transcoders alone")
    parser.add_argument("--gold-tokens", type=int, default=GOLD_TOKENS)
    parser.add_argument("--index-tokens", type=int, default=200_000)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    if arguments.stage in ("model", "all"):
        train_model_stage(
            arguments.out,
            arguments.seed,
            ModelOptions(
                steps=arguments.steps,
                width=arguments.model_width,
                weight_decay=arguments.weight_decay,
                frozen_embedding=arguments.freeze_embedding,
            ),
        )
    if arguments.stage in ("transcoders", "all"):
        options = TranscoderOptions(
            steps=arguments.transcoder_steps,
            batch=arguments.transcoder_batch,
            width=arguments.width,
            balance=arguments.balance,
            clusters=arguments.clusters,
            fine_clusters=arguments.fine_clusters,
        )
        count = AutoConfig.from_pretrained(arguments.out / "model").num_hidden_layers
        active = arguments.active or [options.active]
        if len(active) not in (1, count):
            parser.error(f"--active takes one number or one for each of the {count} layers")
        active = active * (count // len(active))
        train_transcoders_stage(
            arguments.out, arguments.seed, options, arguments.documents, active, arguments.layers
        )
    if arguments.stage in ("story", "all"):
        story_stage(arguments.out, arguments.seed)
    if arguments.stage in ("gold", "all"):
        gold_stage(arguments.out, arguments.seed, arguments.gold_tokens)
    if arguments.stage in ("index", "all"):
        index_stage(arguments.out, arguments.seed, arguments.index_tokens)


if __name__ == "__main__":
    main()

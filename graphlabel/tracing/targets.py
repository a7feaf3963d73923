"""Which outputs a graph explains: salient logits, chosen tokens, differences, directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from graphlabel.errors import UsageError
from graphlabel.models import LanguageModel
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sweep import Targets

SMALLEST_WEIGHT = 1e-6
"""What the difference of two equally probable tokens weighs."""


@dataclass(frozen=True, eq=False)
class LogitTargets:
    """The outputs a graph explains, at the last position."""

    ids: tuple[int, ...]
    """Vocabulary ids; differences and directions have ids beyond the vocabulary."""
    texts: tuple[str, ...]
    probabilities: Float[Tensor, " logits"]
    """The model's own probabilities of tokens, what other targets weigh."""
    directions: Float[Tensor, "logits d"]
    """What is explained, as a direction at the output of the final norm: of a token
    W_U[:, t] minus its mean over the vocabulary."""

    def as_targets(self, frozen: FrozenModel) -> Targets:
        """Where their covectors enter the sweep: on top, at the last position."""
        count = len(self.ids)
        last = torch.full((count,), frozen.n_positions - 1)
        return Targets(
            layer=torch.full((count,), len(frozen.layers)),
            position=last,
            vector=frozen.final_norm.pull_back_rows(
                self.directions, last.to(self.directions.device)
            ),
        )


@dataclass(frozen=True, eq=False)
class _Outputs:
    """What targets are made of."""

    model: LanguageModel
    unembedding: Float[Tensor, "vocabulary d"]
    probabilities: Float[Tensor, " vocabulary"]
    dtype: torch.dtype

    def row(self, token: int) -> Float[Tensor, " d"]:
        return self.unembedding[token].to(self.dtype)

    def text(self, token: int) -> str:
        return str(self.model.tokenizer.decode([token]))


def _outputs(model: LanguageModel, frozen: FrozenModel) -> _Outputs:
    unembedding = model.module(model.architecture.unembedding).get_parameter("weight").detach()
    probabilities = torch.softmax(frozen.logits, dim=-1)
    return _Outputs(model, unembedding, probabilities, frozen.token_vectors.dtype)


@torch.no_grad()
def salient_logits(
    model: LanguageModel,
    frozen: FrozenModel,
    *,
    max_n_logits: int = 10,
    desired_logit_prob: float = 0.95,
) -> LogitTargets:
    """The smallest set of top logits with the desired probability, at most ``max_n_logits``."""
    outputs = _outputs(model, frozen)
    top, ids = outputs.probabilities.topk(min(max_n_logits, len(outputs.probabilities)))
    wanted = top.new_tensor(desired_logit_prob)
    count = int(torch.searchsorted(top.cumsum(0), wanted)) + 1
    return _tokens(outputs, ids[:count].tolist())


@torch.no_grad()
def chosen_targets(
    model: LanguageModel, frozen: FrozenModel, descriptions: Sequence[str]
) -> LogitTargets:
    """The targets that are described, one each.

    A description is a token (``Austin``; ``#123`` by its id), a difference of two (``Austin -
    Dallas``: what moves the first logit up against the second), or a file (.npy, .safetensors)
    that holds one vector of d_model numbers. Of ``Austin`` and ``␣Austin`` the more probable one
    is meant. A difference weighs the difference of the probabilities, a direction 1. Raises
    UsageError.
    """
    outputs = _outputs(model, frozen)
    made = [_target(outputs, text) for text in descriptions]
    beyond = iter(range(len(outputs.unembedding), len(outputs.unembedding) + len(made)))
    ids = tuple(next(beyond) if token is None else token for token, *_ in made)
    if len(set(ids)) < len(ids):
        raise UsageError("--target names the same token twice; leave one out")
    return LogitTargets(
        ids,
        tuple(text for _, text, *_ in made),
        frozen.logits.new_tensor([weight for *_, weight, _ in made]),
        torch.stack([direction for *_, direction in made]),
    )


def _tokens(outputs: _Outputs, ids: list[int]) -> LogitTargets:
    mean = outputs.unembedding.to(outputs.dtype).mean(dim=0)
    return LogitTargets(
        tuple(ids),
        tuple(outputs.text(token) for token in ids),
        outputs.probabilities[ids],
        outputs.unembedding[ids].to(outputs.dtype) - mean,
    )


_Target = tuple[int | None, str, float, Tensor]


def _target(outputs: _Outputs, text: str) -> _Target:
    if text.endswith((".npy", ".safetensors")):
        return None, Path(text).stem, 1.0, _direction(outputs, Path(text))
    left, minus, right = text.partition(" - ")
    if minus:
        up, down = _token(outputs, left), _token(outputs, right)
        if up == down:
            raise UsageError(f"--target “{text}” takes a token from itself; name two tokens")
        apart = abs(float(outputs.probabilities[up] - outputs.probabilities[down]))
        name = f"{outputs.text(up).strip()} - {outputs.text(down).strip()}"
        direction = outputs.row(up) - outputs.row(down)
        return None, name, max(apart, SMALLEST_WEIGHT), direction
    one = _tokens(outputs, [_token(outputs, text)])
    return one.ids[0], one.texts[0], float(one.probabilities[0]), one.directions[0]


def _token(outputs: _Outputs, text: str) -> int:
    """The vocabulary id that a person means."""
    if text.startswith("#") and text[1:].isdecimal():
        token, vocabulary = int(text[1:]), len(outputs.probabilities)
        if token >= vocabulary:
            raise UsageError(f"token id {token} is outside the vocabulary (0 to {vocabulary - 1})")
        return token
    if not text:
        raise UsageError("--target names no token; name one, or its id as #123")
    tokenizer = outputs.model.tokenizer
    unknown = None if text.strip() == tokenizer.unk_token else tokenizer.unk_token_id
    spellings = [text] if text.startswith(" ") else [text, f" {text}"]
    encoded = [tokenizer(each, add_special_tokens=False)["input_ids"] for each in spellings]
    single = [ids[0] for ids in encoded if len(ids) == 1 and ids[0] != unknown]
    if not single:
        pieces = ", ".join(f"“{outputs.text(i)}”" for i in encoded[-1][:6])
        raise UsageError(
            f"--target “{text}” is no single token of {outputs.model.name} (it is {pieces}); "
            "name one token, or its id as #123"
        )
    return int(max(single, key=lambda token: float(outputs.probabilities[token])))


def _direction(outputs: _Outputs, path: Path) -> Tensor:
    try:
        if path.suffix == ".npy":
            vector = torch.from_numpy(_numbers(path))
        else:
            tensors = load_file(path)
            if len(tensors) != 1:
                raise UsageError(f"{path} should hold one tensor; it holds {len(tensors)}")
            vector = next(iter(tensors.values()))
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise UsageError(f"the direction {path} cannot be read: {error}") from error
    if vector.is_complex():
        raise UsageError(f"the direction {path} holds complex numbers; it should be real")
    vector = vector.to(device=outputs.unembedding.device, dtype=outputs.dtype)
    d_model = outputs.model.d_model
    if vector.numel() != d_model or not bool(vector.isfinite().all()) or not bool(vector.any()):
        raise UsageError(
            f"the direction {path} should be {d_model} finite numbers, not all 0; "
            f"it has the shape {tuple(vector.shape)}"
        )
    return vector.flatten()


def _numbers(path: Path) -> np.ndarray:
    """The array of an .npy file; raises ValueError when it is none of numbers."""
    with path.open("rb") as file:
        if file.read(6) != np.lib.format.MAGIC_PREFIX:
            raise ValueError("it is no .npy file")
    array = np.load(path, allow_pickle=False)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"it holds {array.dtype}, not numbers")
    return np.asarray(array)

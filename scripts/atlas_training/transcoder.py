"""Training one transcoder with BatchTopK and turning it into a JumpReLU transcoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.cluster.hierarchy import fcluster, linkage

from scripts.atlas_training.activations import LayerActivations

CLUSTER_ROWS = 4
MARGIN = 0.5
RIDGE = 0.1


@dataclass(frozen=True)
class TranscoderOptions:
    """Shape of a transcoder and settings of its training."""

    width: int = 768
    active: float = 10.0
    steps: int = 6000
    batch: int = 2048
    rate: float = 2e-3
    warmup: int = 100
    dead_after: int = 200
    auxiliary: int = 32
    auxiliary_weight: float = 0.05
    threshold_rows: int = 128
    frozen_share: float = 0.2
    balance: float = 0.0
    """Rows are drawn by the frequency of their token to the power of minus this."""
    clusters: float = 0.0
    """This share of the features starts as clusters of rows whose outputs are alike."""
    fine_clusters: float = 0.0
    """This share starts as clusters of rows by what the first clusters leave of their outputs."""


@dataclass
class Transcoder:
    """Weights in the layout of the files: one feature a row in both matrices."""

    encoder: torch.Tensor
    encoder_bias: torch.Tensor
    decoder: torch.Tensor
    decoder_bias: torch.Tensor
    threshold: torch.Tensor

    def encode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Feature activations: the pre-activation where it exceeds the threshold, else zero."""
        pre = inputs @ self.encoder.T + self.encoder_bias
        return pre * (pre > self.threshold)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.encode(inputs) @ self.decoder + self.decoder_bias

    def rounded(self) -> Transcoder:
        """The transcoder as its half-precision file holds it."""
        return Transcoder(*(value.half().float() for value in vars(self).values()))


class Threshold:
    """The value that leaves a wanted number of features active per token, tracked over batches."""

    def __init__(self, options: TranscoderOptions) -> None:
        self.value = 0.0
        self._options = options
        self._steps = 0

    def update(self, pre: torch.Tensor, active: float) -> None:
        rows = pre[: self._options.threshold_rows].detach().flatten()
        rank = rows.numel() - int(active * pre[: self._options.threshold_rows].shape[0])
        found = max(0.0, float(rows.kthvalue(max(1, rank)).values))
        self._steps += 1
        mix = max(0.02, 1.0 / self._steps)
        self.value += mix * (found - self.value)


def _start(data: LayerActivations, options: TranscoderOptions, seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    size = data.inputs.shape[1]
    decoder = torch.randn(options.width, size, generator=generator)
    decoder /= decoder.norm(dim=1, keepdim=True)
    encoder = torch.randn(options.width, size, generator=generator)
    encoder /= encoder.norm(dim=1, keepdim=True)
    bias = torch.zeros(options.width)
    count = int(options.clusters * options.width)
    if count:
        rows = _rows_of_each_token(data.tokens, generator)
        inputs, targets = data.inputs[rows], data.targets[rows]
        encoder[:count], bias[:count], decoder[:count], members = _clusters(inputs, targets, count)
        fine = slice(count, count + int(options.fine_clusters * options.width))
        if fine.stop > fine.start:
            scale = (targets * decoder[members]).sum(1, keepdim=True)
            left = targets - scale * decoder[members]
            started = _clusters(inputs, left, fine.stop - fine.start)
            encoder[fine], bias[fine], decoder[fine], _ = started
    return [encoder, bias, decoder, torch.zeros(size)]


def _rows_of_each_token(tokens: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """`CLUSTER_ROWS` random rows of each token, or as many as there are."""
    order = torch.randperm(len(tokens), generator=generator)
    order = order[tokens[order].argsort(stable=True)]
    ends = torch.bincount(tokens).cumsum(0)
    before_end = ends[tokens[order]] - torch.arange(len(order))
    return order[before_end <= CLUSTER_ROWS]


def _weights(tokens: torch.Tensor, balance: float) -> torch.Tensor:
    """How often to draw each row, by the frequency of its token."""
    counts = torch.bincount(tokens).double()
    return counts[tokens] ** -balance


def draw_order(tokens: torch.Tensor, balance: float, generator: torch.Generator) -> torch.Tensor:
    """As many rows as there are: each once, or drawn by the frequency of their tokens."""
    if balance == 0:
        return torch.randperm(len(tokens), generator=generator)
    return torch.multinomial(_weights(tokens, balance), len(tokens), True, generator=generator)


def _clusters(
    inputs: torch.Tensor, targets: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Encoders, their biases and decoders of clusters of rows by the direction of their outputs.

    Also the cluster of each row. The clusters are Ward's. The biases silence what lies less than
    `MARGIN` of the way from the mean input to that of the cluster.

    What an MLP does alike to different tokens, such as looking up the state of its cities, then
    begins as one feature rather than as a part of several.
    """
    directions = targets / targets.norm(dim=1, keepdim=True).clamp_min(1e-6)
    tree = linkage(directions.numpy(), method="ward")
    members = torch.from_numpy(fcluster(tree, count, criterion="maxclust")).long() - 1
    sizes = torch.bincount(members, minlength=count).clamp_min(1)[:, None]
    mean = torch.zeros(count, inputs.shape[1]).index_add(0, members, targets) / sizes
    length = mean.norm(dim=1, keepdim=True).clamp_min(1e-6)
    center = inputs.mean(0)
    belongs = torch.nn.functional.one_hot(members, count).float()
    covariance = torch.cov(inputs.T) + RIDGE * torch.eye(inputs.shape[1])
    encoder = torch.linalg.solve(covariance, (inputs - center).T @ belongs).T / sizes
    typical = torch.zeros(count).index_add(
        0, members, ((inputs - center) * encoder[members]).sum(1)
    )
    encoder = encoder * length / (typical[:, None] / sizes).clamp_min(1e-6) / (1 - MARGIN)
    bias = -encoder @ center - length[:, 0] * MARGIN / (1 - MARGIN)
    return encoder, bias, mean / length, members


def auxiliary_loss(
    pre: torch.Tensor, dead: torch.Tensor, decoder: torch.Tensor, error: torch.Tensor, count: int
) -> torch.Tensor:
    """How badly the dead features alone rebuild the error (their share of its variance)."""
    chosen = pre[:, dead].relu()
    count = min(count, int(dead.numel()))
    best = chosen.topk(count, dim=1)
    sparse = torch.zeros_like(chosen).scatter(1, best.indices, best.values)
    rebuilt = sparse @ decoder[dead]
    return (rebuilt - error).pow(2).sum() / error.pow(2).sum().clamp_min(1e-12)


def rate_at(step: int, options: TranscoderOptions) -> float:
    """The learning rate of a step: a linear warm-up, then a cosine down to a fiftieth."""
    cosine = 0.5 * (1 + math.cos(math.pi * step / options.steps))
    return options.rate * min(1.0, (step + 1) / options.warmup) * (0.02 + 0.98 * cosine)


def surplus(step: int, options: TranscoderOptions) -> float:
    """By what share more features fire than are wanted: many at first leave fewer dead ones."""
    return 3 * max(0.0, 1 - 4 * step / options.steps) * (options.clusters == 0)


def train_transcoder(
    data: LayerActivations,
    options: TranscoderOptions,
    seed: int,
    report: Callable[[int, float, int], None],
) -> Transcoder:
    """Train on the activations of one layer.

    A shared threshold is tracked so that `active` features fire per token on average (BatchTopK);
    in the last part of training it is frozen, as in the JumpReLU transcoder that results.
    """
    mean = data.targets.mean(0)
    scale = (data.targets - mean).pow(2).mean().sqrt()
    gain = data.inputs.pow(2).mean().sqrt()
    normal = LayerActivations(data.inputs / gain, (data.targets - mean) / scale, data.tokens)
    parameters = [value.requires_grad_() for value in _start(normal, options, seed)]
    encoder, encoder_bias, decoder, decoder_bias = parameters
    optimizer = torch.optim.Adam(parameters, lr=options.rate, betas=(0.9, 0.99))
    generator = torch.Generator().manual_seed(seed + 1)
    threshold = Threshold(options)
    silent = torch.zeros(options.width, dtype=torch.long)
    frozen_from = int(options.steps * (1 - options.frozen_share))
    order = torch.empty(0, dtype=torch.long)
    for step in range(options.steps):
        optimizer.param_groups[0]["lr"] = rate_at(step, options)
        if order.numel() < options.batch:
            order = draw_order(data.tokens, options.balance, generator)
        rows, order = order[: options.batch], order[options.batch :]
        inputs, targets = normal.inputs[rows], normal.targets[rows]
        pre = inputs @ encoder.T + encoder_bias
        if step < frozen_from:
            threshold.update(pre, options.active * (1 + surplus(step, options)))
        firing = pre > threshold.value
        outputs = (pre * firing) @ decoder + decoder_bias
        error = targets - outputs
        loss = error.pow(2).mean()
        silent = torch.where(firing.any(0), 0, silent + 1)
        dead = (silent > options.dead_after).nonzero().flatten()
        if dead.numel() and step < frozen_from:
            extra = auxiliary_loss(pre, dead, decoder, error.detach(), options.auxiliary)
            total = loss + options.auxiliary_weight * extra
        else:
            total = loss
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        optimizer.step()
        if (step + 1) % 500 == 0:
            report(step + 1, float(loss.detach()), int(dead.numel()))
    with torch.no_grad():
        norm = decoder.norm(dim=1, keepdim=True) * scale
        factor = norm.clamp_min(1e-8)
        return Transcoder(
            (encoder * factor / gain).detach(),
            (encoder_bias * factor[:, 0]).detach(),
            (decoder * scale / factor).detach(),
            (decoder_bias * scale + mean).detach(),
            (threshold.value * factor[:, 0]).detach(),
        )

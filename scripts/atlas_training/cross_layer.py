"""Training a cross-layer transcoder: features read at one layer and write to it and all above.

The layers are trained together, as the layers' outputs are sums over the features of the layers
below (Ameisen et al. 2025, "Circuit Tracing", section "Building an interpretable replacement
model"); as in `transcoder`, BatchTopK thresholds, a layer each, become those of a JumpReLU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from scripts.atlas_training.activations import LayerActivations
from scripts.atlas_training.transcoder import (
    Threshold,
    TranscoderOptions,
    auxiliary_loss,
    draw_order,
    rate_at,
    surplus,
)


@dataclass
class CrossLayer:
    """Weights of one layer in the layout of the files: one feature a row."""

    encoder: torch.Tensor
    encoder_bias: torch.Tensor
    decoder: torch.Tensor
    """Of shape (features, layers from this one to the last, d_model)."""
    decoder_bias: torch.Tensor
    """Added to the output of this layer alone."""
    threshold: torch.Tensor

    def encode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Feature activations: the pre-activation where it exceeds the threshold, else zero."""
        pre = inputs @ self.encoder.T + self.encoder_bias
        return pre * (pre > self.threshold)


def rebuild(layers: Sequence[CrossLayer], features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The output of every layer: its bias and what the features of the layers up to it write."""
    outputs = []
    for to, layer in enumerate(layers):
        output = layer.decoder_bias
        for start in range(to + 1):
            output = output + features[start] @ layers[start].decoder[:, to - start]
        outputs.append(output)
    return outputs


@dataclass(frozen=True)
class _Scales:
    """What makes inputs and targets of all layers alike in size."""

    gains: list[torch.Tensor]
    means: list[torch.Tensor]
    sizes: list[torch.Tensor]

    @classmethod
    def of(cls, data: Sequence[LayerActivations]) -> _Scales:
        means = [layer.targets.mean(0) for layer in data]
        return cls(
            [layer.inputs.pow(2).mean().sqrt() for layer in data],
            means,
            [
                (layer.targets - mean).pow(2).mean().sqrt()
                for layer, mean in zip(data, means, strict=True)
            ],
        )

    def undo(self, layer: CrossLayer, index: int) -> CrossLayer:
        """The weights on the model's own scale, each feature's whole decoder of norm one."""
        decoder = layer.decoder * torch.stack(self.sizes[index:])[:, None]
        norm = decoder.flatten(1).norm(dim=1).clamp_min(1e-8)
        return CrossLayer(
            layer.encoder * norm[:, None] / self.gains[index],
            layer.encoder_bias * norm,
            decoder / norm[:, None, None],
            layer.decoder_bias * self.sizes[index] + self.means[index],
            layer.threshold * norm,
        )


def _start(sizes: Sequence[int], width: int, seed: int) -> Iterator[CrossLayer]:
    generator = torch.Generator().manual_seed(seed)
    for index, size in enumerate(sizes):
        encoder = torch.randn(width, size, generator=generator)
        decoder = torch.randn(width, len(sizes) - index, size, generator=generator)
        yield CrossLayer(
            (encoder / encoder.norm(dim=1, keepdim=True)).requires_grad_(),
            torch.zeros(width, requires_grad=True),
            (decoder / decoder.flatten(1).norm(dim=1)[:, None, None]).requires_grad_(),
            torch.zeros(size, requires_grad=True),
            torch.zeros(width),
        )


class _Training:
    """The layers as they are trained, their thresholds, and how long each feature was silent."""

    def __init__(
        self, data: Sequence[LayerActivations], options: TranscoderOptions, seed: int
    ) -> None:
        self.options = options
        self.scales = _Scales.of(data)
        self.layers = list(_start([layer.inputs.shape[1] for layer in data], options.width, seed))
        self._data = data
        self._thresholds = [Threshold(options) for _ in data]
        self._silent = torch.zeros(len(data), options.width, dtype=torch.long)

    def parameters(self) -> list[torch.Tensor]:
        """All trained weights."""
        return [v for layer in self.layers for v in vars(layer).values() if v.requires_grad]

    def loss(
        self, rows: torch.Tensor, active: float, frozen: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean error over layers, and the same with the help for features that are silent."""
        scales, features, before = self.scales, [], []
        targets = [
            (layer.targets[rows] - mean) / size
            for layer, mean, size in zip(self._data, scales.means, scales.sizes, strict=True)
        ]
        for index, layer in enumerate(self.layers):
            inputs = self._data[index].inputs[rows] / scales.gains[index]
            pre = inputs @ layer.encoder.T + layer.encoder_bias
            if not frozen:
                self._thresholds[index].update(pre, active)
            firing = pre > self._thresholds[index].value
            self._silent[index] = torch.where(firing.any(0), 0, self._silent[index] + 1)
            before.append(pre)
            features.append(pre * firing)
        outputs = rebuild(self.layers, features)
        errors = [target - output for target, output in zip(targets, outputs, strict=True)]
        loss = torch.stack([error.pow(2).mean() for error in errors]).mean()
        return loss, loss if frozen else loss + self._revival(before, errors)

    def _revival(
        self, before: Sequence[torch.Tensor], errors: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        total = torch.zeros(())
        for index, layer in enumerate(self.layers):
            dead = self.dead(index)
            if dead.numel():
                error = torch.cat([each.detach() for each in errors[index:]], dim=1)
                decoder = layer.decoder.flatten(1)
                total = total + auxiliary_loss(
                    before[index], dead, decoder, error, self.options.auxiliary
                )
        return self.options.auxiliary_weight * total / len(self.layers)

    def dead(self, index: int) -> torch.Tensor:
        """The features of a layer that have not fired for long."""
        return (self._silent[index] > self.options.dead_after).nonzero().flatten()

    def result(self) -> list[CrossLayer]:
        """The trained layers on the model's own scale."""
        found = []
        for index, layer in enumerate(self.layers):
            layer.threshold = torch.full_like(layer.threshold, self._thresholds[index].value)
            plain = CrossLayer(*(value.detach() for value in vars(layer).values()))
            found.append(self.scales.undo(plain, index))
        return found


def train_cross_layer(
    data: Sequence[LayerActivations],
    options: TranscoderOptions,
    seed: int,
    report: Callable[[int, float, int], None],
) -> list[CrossLayer]:
    """Train all layers together; `active` features fire per token and layer on average."""
    training = _Training(data, options, seed)
    optimizer = torch.optim.Adam(training.parameters(), lr=options.rate, betas=(0.9, 0.99))
    generator = torch.Generator().manual_seed(seed + 1)
    frozen_from = int(options.steps * (1 - options.frozen_share))
    order = torch.empty(0, dtype=torch.long)
    for step in range(options.steps):
        optimizer.param_groups[0]["lr"] = rate_at(step, options)
        if order.numel() < options.batch:
            order = draw_order(data[0].tokens, options.balance, generator)
        rows, order = order[: options.batch], order[options.batch :]
        active = options.active * (1 + surplus(step, options))
        loss, total = training.loss(rows, active, frozen=step >= frozen_from)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        optimizer.step()
        if (step + 1) % 500 == 0:
            dead = sum(training.dead(index).numel() for index in range(len(data)))
            report(step + 1, float(loss.detach()), dead)
    return training.result()

"""An independent reference by autograd, float64: the model's own modules with everything frozen.

It re-implements nothing of the sweep. The model runs once as it is; then it runs again with the
softmaxes of attention giving what they gave before, the scales of its norms held where they were,
the MLPs replaced by leaves (and W_skip), the embedding by a leaf. That is linear; autograd
differentiates it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from graphlabel.models import LanguageModel, Transcoders
from graphlabel.tracing.sources import Sources

Forward = Callable[..., Tensor]


def _norms(model: LanguageModel) -> dict[str, nn.Module]:
    """Every norm on the residual stream (those of queries and keys are inside the patterns)."""
    return {
        name: module
        for name, module in model.model.named_modules()
        if "Norm" in type(module).__name__ and not name.endswith(("q_norm", "k_norm")) and "vision" not in name
    }  # fmt: skip


@contextmanager
def _replaced(forwards: dict[nn.Module, Forward], softmax: Forward) -> Iterator[None]:
    before = nn.functional.softmax
    nn.functional.softmax = softmax  # type: ignore[assignment]
    try:
        for module, forward in forwards.items():
            module.forward = forward  # type: ignore[method-assign]
        yield
    finally:
        nn.functional.softmax = before
        for module in forwards:
            del module.forward


class Reference:
    """The local replacement model, with a leaf for every write."""

    def __init__(self, model: LanguageModel, transcoders: Transcoders, ids: list[int]) -> None:
        self.model, self.transcoders, self.ids = model, transcoders, ids
        self.n_layers = model.n_layers
        self.scales: dict[nn.Module, Tensor] = {}
        self.patterns: list[Tensor] = []
        self.real_run()
        self.tokens = torch.zeros(len(ids), model.d_model, dtype=torch.float64, requires_grad=True)
        self.writes = [torch.zeros_like(self.tokens).requires_grad_() for _ in range(self.n_layers)]
        self.reads: dict[int, Tensor] = {}
        self.output = self.linear_run()

    def real_run(self) -> None:
        """Keep the norms' scales and the softmaxes' results."""
        centred = self.model.config.model_type in ("gpt2", "gpt_neox")

        def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].detach()
            x = x - x.mean(-1, keepdim=True) if centred else x
            epsilon = getattr(module, "variance_epsilon", None) or module.eps  # type: ignore[union-attr]
            self.scales[module] = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon)

        softmax = nn.functional.softmax

        def kept(*args: object, **kwargs: object) -> Tensor:
            self.patterns.append(softmax(*args, **kwargs))  # type: ignore[arg-type]
            return self.patterns[-1]

        handles = [module.register_forward_pre_hook(keep) for module in _norms(self.model).values()]
        with torch.no_grad(), _replaced({}, kept):
            self.model.model(input_ids=torch.tensor([self.ids]), use_cache=False)
        for handle in handles:
            handle.remove()

    def linear_run(self) -> Tensor:
        """The output of the final norm, linear in the leaves."""
        model, forwards = self.model, {}
        seen: dict[str, Tensor] = {}
        names = {module: name for name, module in _norms(model).items()}

        def norm(module: nn.Module) -> Forward:
            def forward(x: Tensor) -> Tensor:
                seen[names[module]] = x
                weight, bias = module.weight, getattr(module, "bias", None)
                if bias is not None:
                    x = x - x.mean(-1, keepdim=True)
                weight = 1 + weight if "Gemma" in type(module).__name__ else weight
                y = x * self.scales[module]
                seen[f"{names[module]} normalized"] = y
                y = y * weight
                return y if bias is None else y + bias

            return forward

        for module in names:
            forwards[module] = norm(module)
        for layer in range(self.n_layers):
            forwards.update(self._mlp(layer, seen, names))
        embedding = model.module(model.architecture.embedding)
        forwards[embedding] = lambda _ids: self.tokens[None]
        patterns = iter(self.patterns)
        with _replaced(forwards, lambda *_args, **_kwargs: next(patterns).detach()):
            model.model(input_ids=torch.tensor([self.ids]), use_cache=False)
            final = next(
                n for m, n in names.items() if m is model.module(model.architecture.final_norm)
            )
            return forwards[model.module(final)](seen[final])[0]

    def _mlp(self, layer: int, seen: dict[str, Tensor], names: dict[nn.Module, str]) -> dict[nn.Module, Forward]:  # fmt: skip
        """The transcoder in place of an MLP and, if it writes behind the norm after it, of that."""
        block, transcoder = self.model.block(layer), self.transcoders.layers[layer]
        before = {"gemma": "pre_feedforward_layernorm", "gpt2": "ln_2", "olmo": None}
        family = self.model.config.model_type
        norm = next(
            (n for f, n in before.items() if family.startswith(f)), "post_attention_layernorm"
        )
        after = "post_feedforward_layernorm" if family.startswith(("gemma", "olmo")) else None

        def forward(x: Tensor) -> Tensor:
            name = names[block.get_submodule(norm)] if norm else ""
            read = {
                "mlp.hook_in": lambda: x,
                "hook_resid_mid": lambda: seen[name] if norm else x,
                "ln2.hook_normalized": lambda: seen[f"{name} normalized"],
            }[transcoder.read_point.value]()[0]
            self.reads[layer] = read
            skip = transcoder.skip()
            out = (
                self.writes[layer] if skip is None else self.writes[layer] + read @ skip.double().T
            )
            seen[f"out {layer}"] = out[None]
            return out[None]

        forwards: dict[nn.Module, Forward] = {block.mlp: forward}  # type: ignore[dict-item]
        if after and transcoder.write_point.value == "hook_mlp_out":
            forwards[block.get_submodule(after)] = lambda _x: seen[f"out {layer}"]
        return forwards

    def matrix(self, sources: Sources, directions: Tensor) -> np.ndarray:
        """Direct effects of every source on every active feature and on some directions."""
        scalars = [
            self.reads[layer][position]
            @ self.transcoders.layers[layer].encoder()[0][feature].double()
            for layer, position, feature in zip(
                sources.layer.tolist(),
                sources.position.tolist(),
                sources.feature.tolist(),
                strict=True,
            )
        ]
        targets = torch.stack([*scalars, *(self.output[-1] @ directions.T)])
        gradients = torch.autograd.grad(
            targets, [self.tokens, *self.writes], torch.eye(len(targets), dtype=torch.float64),
            is_grads_batched=True, allow_unused=True, retain_graph=True,
        )  # fmt: skip
        zeros = torch.zeros(len(targets), *self.tokens.shape, dtype=torch.float64)
        tokens, *writes = (zeros if g is None else g for g in gradients)
        features = torch.zeros(len(targets), sources.n_features, dtype=torch.float64)
        for transcoder in self.transcoders.layers:
            mine = (sources.layer == transcoder.layer).nonzero().flatten()
            for layer in transcoder.write_layers:
                rows = transcoder.decoder_rows(sources.feature[mine], layer).double()
                vectors = rows * sources.activation[mine, None]
                features[:, mine] += torch.einsum(
                    "tfd,fd->tf", writes[layer][:, sources.position[mine]], vectors
                )
        errors = torch.einsum("ltpd,lpd->tlp", torch.stack(writes), sources.errors).flatten(1)
        direct = torch.einsum("tpd,pd->tp", tokens, sources.tokens)
        return torch.cat([features, errors, direct], dim=1).detach().numpy()

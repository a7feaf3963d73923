"""Running sparsify's trainer so that any step can be its last.

sparsify (EleutherAI) trains well but was not made to be stopped: its checkpoints are written in
place and name the step before the one they were taken after, and what it loads of its
schedule-free optimizer are the averaged weights, with which it then goes on as if they were those
of the gradient. Here checkpoints are taken between steps, and the optimizer is told what it got.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from graphlabel.errors import TranscoderError, UsageError
from graphlabel.models import LanguageModel
from graphlabel.training import checkpoint
from graphlabel.training.linear import linear_fits
from graphlabel.training.settings import TrainingSettings

_NEVER = 2**62
_LOG = "log.json"
_LOG_ENTRIES = 100
"""About so many entries a run's log holds."""
_FITTED = 32
"""Tokens for each dimension of the residual stream, from which skip connections begin."""


class _TimeOverError(Exception):
    pass


class _Rows:
    """Rows as a data set that says when a batch is asked for: the steps before it are done."""

    def __init__(
        self, rows: Int[np.ndarray, "rows positions"], before_batch: Callable[[], None]
    ) -> None:
        self._rows, self._before_batch = rows, before_batch

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        return {"input_ids": torch.from_numpy(self._rows[place].astype(np.int64))}

    def __getitems__(self, places: Sequence[int]) -> list[dict[str, Tensor]]:
        self._before_batch()
        return [self[place] for place in places]

    def select(self, places: range) -> _Rows:
        return _Rows(self._rows[places.start : places.stop], self._before_batch)


class Training:
    """A run of sparsify's trainer on rows of tokens, kept in a folder."""

    def __init__(
        self,
        model: LanguageModel,
        settings: TrainingSettings,
        rows: Int[np.ndarray, "rows positions"],
        staging: Path,
    ) -> None:
        """Make the trainer, at its newest checkpoint if there is one."""
        self._settings, self._staging = settings, staging
        self._every, self._ends = 1, math.inf
        self._report: Callable[[int], None] = lambda _: None
        self._log: list[dict[str, Any]] = []
        self._fvu: dict[str, list[float]] = defaultdict(list)
        self._data = _Rows(rows, self._between_steps)
        with redirect_stdout(io.StringIO()):
            self._trainer = _sparsify_trainer(model, settings, self._data)
            resumed = self._resume()
        if settings.skip and not resumed:
            self._begin_with_linear_maps(model, rows)
        place = checkpoint.partial(staging)
        self._trainer.cfg.save_dir, self._trainer.cfg.run_name = str(place.parent), place.name
        for name, coder in self._trainer.saes.items():
            coder.register_forward_pre_hook(_in_float32, with_kwargs=True)
            coder.register_forward_hook(self._listen(name))
            if settings.dtype == "bfloat16" and model.device.type == "cpu":
                coder.forward = torch.autocast("cpu", torch.bfloat16)(coder.forward)

    @property
    def steps_done(self) -> int:
        """Optimisation steps so far."""
        return int(self._trainer.global_step)

    def run(
        self, checkpoint_every: int, report: Callable[[int], None], seconds: float = math.inf
    ) -> Path:
        """Train to the end, or until the time is over; returns the last checkpoint's folder.

        A checkpoint is taken every so many tokens; ``report`` is told the tokens so far. Raises
        TranscoderError when something cannot be written or the loss is no number.
        """
        self._ends = time.monotonic() + seconds
        self._every = max(1, checkpoint_every // self._settings.tokens_of_step)
        self._report = report
        try:
            with _undisturbed():
                self._trainer.fit()  # ends with a save of its own
        except _TimeOverError:
            with redirect_stdout(io.StringIO()):
                self._trainer.save()
        self._end_step()
        self._write_log(checkpoint.partial(self._staging))
        return checkpoint.settle(self._staging, self.steps_done)

    @property
    def log(self) -> list[dict[str, Any]]:
        """Now and then: tokens so far, and since the last entry each module's mean FVU."""
        return self._log

    def _between_steps(self) -> None:
        self._end_step()
        done = self.steps_done
        if done and done % self._every == 0 and not (self._staging / f"checkpoint.{done}").is_dir():
            checkpoint.keep(self._staging, done, self._write)
        if done and time.monotonic() > self._ends:
            raise _TimeOverError

    def _end_step(self) -> None:
        done = self.steps_done
        self._report(done * self._settings.tokens_of_step)
        if self._fvu and done % max(1, self._settings.n_steps // _LOG_ENTRIES) == 0:
            self._add_to_log(done)

    def _add_to_log(self, done: int) -> None:
        means = {name: sum(values) / len(values) for name, values in self._fvu.items()}
        broken = [name for name, mean in means.items() if not np.isfinite(mean)]
        if broken:
            raise TranscoderError(
                f"the loss of {broken[0]} is no number after {done} steps; lower --learning-rate, "
                "or use --dtype float32"
            )
        tokens = done * self._settings.tokens_of_step
        self._log.append({"tokens": tokens, "fvu": {k: round(v, 5) for k, v in means.items()}})
        self._fvu.clear()

    def _listen(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def listen(_module: nn.Module, _inputs: Any, output: Any) -> None:
            self._fvu[name].append(float(output.fvu.detach()))

        return listen

    def _write(self, folder: Path) -> None:
        with redirect_stdout(io.StringIO()):
            self._trainer.save()
        self._write_log(folder)

    def _write_log(self, folder: Path) -> None:
        (folder / _LOG).write_text(json.dumps(self._log), encoding="utf-8")

    def _begin_with_linear_maps(
        self, model: LanguageModel, rows: Int[np.ndarray, "rows positions"]
    ) -> None:
        """Set skip connections and biases, in place of the zeros and means of sparsify."""
        base: Any = model.model.base_model
        mlps = {name: base.get_submodule(name) for name in self._trainer.cfg.hookpoints}
        n_rows = -(-_FITTED * model.d_model // rows.shape[1])
        fits = linear_fits(model, mlps, rows[:n_rows], self._trainer.cfg.exclude_tokens)
        for name, coder in self._trainer.saes.items():
            coder.W_skip.data, coder.b_dec.data = fits[name].solved()
            coder.encoder.bias.data = -coder.encoder.weight.data @ fits[name].mean_input
        self._trainer.cfg.finetune = "linear maps"  # so that the biases are left as they are

    def _resume(self) -> bool:
        """Go on from the newest checkpoint; whether there is one."""
        found = checkpoint.latest(self._staging)
        if found is None:
            return False
        try:
            self._trainer.load_state(str(found))
            self._log = json.loads((found / _LOG).read_text(encoding="utf-8"))
        except Exception as error:  # whatever torch makes of a broken file
            raise TranscoderError(
                f"the checkpoint {found} cannot be read ({type(error).__name__}); remove it, or "
                "train anew with --force"
            ) from error
        for optimizer in self._trainer.optimizers:
            if hasattr(optimizer, "train_mode"):  # schedule-free: averages were loaded
                optimizer.train_mode = False
                optimizer.train()
        return True


def need_sparsify() -> None:
    """Raise UsageError unless the trainer is installed."""
    if find_spec("sparsify") is None:
        raise UsageError(
            "training transcoders needs sparsify; install it with: pip install 'graphlabel[train]'"
        )


def _sparsify_trainer(model: LanguageModel, settings: TrainingSettings, data: _Rows) -> Any:
    from sparsify import SparseCoderConfig, TrainConfig, Trainer

    config = TrainConfig(
        SparseCoderConfig(
            num_latents=settings.width,
            k=settings.k,
            transcode=True,
            skip_connection=settings.skip,
        ),
        batch_size=settings.batch_size,
        optimizer=settings.optimizer,
        lr=settings.learning_rate or None,
        lr_warmup_steps=min(1000, settings.n_steps // 10),
        exclude_tokens=[int(i) for i in model.tokenizer.all_special_ids],
        hookpoints=[_hook_point(model, layer) for layer in layers_of(model, settings)],
        init_seeds=[settings.seed],
        save_every=_NEVER,
        log_to_wandb=False,
    )
    base: Any = model.model.base_model  # without the unembedding, which no transcoder needs
    base.config.use_cache = False
    return Trainer(config, data, base)


def layers_of(model: LanguageModel, settings: TrainingSettings) -> tuple[int, ...]:
    """The layers to train; raises UsageError for one that the model does not have."""
    wanted = tuple(range(model.n_layers)) if settings.layers is None else settings.layers
    absent = [layer for layer in wanted if not 0 <= layer < model.n_layers]
    if absent:
        raise UsageError(
            f"{model.name} has no layer {absent[0]}; it has layers 0 to {model.n_layers - 1}"
        )
    return wanted


def _hook_point(model: LanguageModel, layer: int) -> str:
    """An MLP's name within the model without its unembedding."""
    architecture = model.architecture
    name = f"{architecture.blocks}.{layer}.{architecture.mlp}"
    return name.removeprefix(f"{model.model.base_model_prefix}.")


def _in_float32(
    _module: nn.Module, inputs: Any, options: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """A coder's inputs as it wants them, whatever the language model runs in.

    The variance, which was taken in that dtype, is left for the coder to take.
    """
    same = {name: value for name, value in options.items() if name != "total_variance"}
    return inputs, same | {name: same[name].float() for name in ("x", "y")}


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep to ourselves what sparsify prints, its bar and how it has torch multiply."""
    from sparsify import trainer as module

    bar, precision = module.tqdm, torch.get_float32_matmul_precision()
    module.tqdm = _NoBar
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        module.tqdm = bar
        torch.set_float32_matmul_precision(precision)


class _NoBar:
    def __init__(self, **_: Any) -> None:
        pass

    def update(self) -> None:
        pass

    def close(self) -> None:
        pass

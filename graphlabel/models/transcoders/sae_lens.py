"""Transcoders of sae-lens, loaded by sae-lens itself: published releases and saved folders."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphlabel.errors import TranscoderError
from graphlabel.hub import only_local_files
from graphlabel.models.transcoders.stored import PerLayer, Points, folders_with, hook_point
from graphlabel.models.transcoders.transcoder import (
    Activation,
    JumpReLU,
    NoTranscoder,
    ReadPoint,
    ReLU,
    Transcoders,
    WritePoint,
)
from graphlabel.models.transcoders.weights import InMemory
from graphlabel.revision import folders_revision

PREFIX = "sae-lens:"
WEIGHTS = "sae_weights.safetensors"
_KINDS = ("transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder")
_LAYER = re.compile(r"(?:^|[./_])(?:layers?|blocks|h)[._](\d+)")
_MASKED = (_LAYER, re.compile(r"average_l0_(\d+)"))
# sae-lens calls Gemma Scope 2's read point hook_mlp_in, which elsewhere is before the norm
_MODULES: Mapping[str, ReadPoint | WritePoint] = {
    "pre_feedforward_layernorm.output": ReadPoint.MLP_INPUT,
    "post_feedforward_layernorm.output": WritePoint.RESIDUAL,
    "mlp.input": ReadPoint.MLP_INPUT,
    "mlp.output": WritePoint.MLP_OUTPUT,
}


def load_release(reference: str) -> Transcoders:
    """A published set: ``RELEASE`` or ``RELEASE:ID,ID,…``, or ``RELEASE:PATTERN`` with ``{}``.

    Without ids, the ids that differ in their layer (and in the mean L0 that Gemma Scope writes
    into its names) are one set; the first that covers most layers is taken. Raises TranscoderError
    when there is no such release or the hub cannot be reached.
    """
    release, _, chosen = reference.removeprefix(PREFIX).partition(":")
    directory = _directory()
    if release not in directory:
        near = ", ".join(name for name in directory if "transcoder" in name)
        raise TranscoderError(
            f"sae-lens knows no release “{release}”; its releases of transcoders are {near}"
        )
    ids = choose_ids(tuple(directory[release].saes_map), chosen)
    if "clt" in release or any("clt" in each for each in ids.values()):
        raise TranscoderError(
            f"sae-lens adds up the decoders of cross-layer transcoders such as {release}; name "
            f"their repository itself: --transcoders {directory[release].repo_id}"
        )
    loaded = {layer: _from_hub(release, sae_id) for layer, sae_id in ids.items()}
    pattern = _mask(next(iter(ids.values())))
    return _as_set(loaded, f"{release}/{pattern}", str(directory[release].repo_id))


def load_saved(folder: Path) -> Transcoders:
    """The set in a folder of folders that sae-lens saved (cfg.json, sae_weights.safetensors)."""
    folders, loaded = folders_with(folder, WEIGHTS), {}
    for path in folders:
        with _clear_errors(str(path)):
            from sae_lens import SAE

            sae = SAE.load_from_disk(path, device="cpu")
        layer = _layer_of(str(sae.cfg.metadata.hook_name or path.name))
        if layer in loaded:
            raise TranscoderError(
                f"{folder} holds several transcoders of layer {layer}, {path.name} among them; "
                "keep one a layer"
            )
        loaded[layer] = sae
    if not loaded:
        raise TranscoderError(f"{folder} holds no folder with {WEIGHTS} in it")
    return _as_set(loaded, folder.resolve().name, folders_revision(folders))


def choose_ids(ids: tuple[str, ...], chosen: str) -> dict[int, str]:
    """One id a layer, out of a release's.

    ``chosen`` lists ids or is a pattern with ``{}`` for the layer; empty: the first family of ids
    that covers most layers. Raises TranscoderError when an id is unknown or a layer comes twice.
    """
    if "{}" in chosen:
        wanted = re.compile(re.escape(chosen).replace(r"\{\}", r"\d+"))
        picked = [each for each in ids if wanted.fullmatch(each)]
    elif chosen:
        picked = [each.strip() for each in chosen.split(",")]
        unknown = [each for each in picked if each not in ids]
        if unknown:
            raise TranscoderError(
                f"the release has no “{unknown[0]}”; it has {', '.join(ids[:8])}…"
            )
    else:
        families: dict[str, list[str]] = defaultdict(list)
        for each in ids:
            families[_mask(each)].append(each)
        picked = max(families.values(), key=lambda family: len({_layer_of(i) for i in family}))
    by_layer: dict[int, str] = {}
    for each in picked:
        layer = _layer_of(each)
        if layer in by_layer:
            raise TranscoderError(
                f"“{by_layer[layer]}” and “{each}” are both of layer {layer}; choose one a layer"
            )
        by_layer[layer] = each
    if not by_layer:
        raise TranscoderError(
            f"no id of the release matches “{chosen}”; it has {', '.join(ids[:8])}…"
        )
    return dict(sorted(by_layer.items()))


def _mask(sae_id: str) -> str:
    for number in _MASKED:
        sae_id = number.sub(lambda match: match[0].replace(match[1], "{}"), sae_id)
    return sae_id


def _layer_of(name: str) -> int:
    match = _LAYER.search(name)
    if match is None:
        raise TranscoderError(f"“{name}” does not say which layer it is of; name ids that do")
    return int(match[1])


def _directory() -> Mapping[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    directory: Mapping[str, Any] = get_pretrained_saes_directory()
    return directory


def _from_hub(release: str, sae_id: str) -> Any:
    with _clear_errors(f"{PREFIX}{release} {sae_id}"), _no_waiting():
        from sae_lens import SAE

        return SAE.from_pretrained(release, sae_id, device="cpu")


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Where the hub cannot be reached its client looks in its cache at once."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or only_local_files()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def _clear_errors(what: str) -> Iterator[None]:
    """What goes wrong inside sae-lens, the hub's client or a file, as one TranscoderError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TranscoderError:
        raise
    except Exception as error:  # whatever: sae-lens has no errors of its own
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TranscoderError(f"sae-lens cannot load {what}: {first}") from error


def _as_set(loaded: Mapping[int, Any], name: str, revision: str) -> Transcoders:
    made = {layer: _as_layer(sae, layer) for layer, sae in loaded.items()}
    first = next(iter(made.values()))
    model = next(iter(loaded.values())).cfg.metadata.model_name
    return Transcoders(
        name=name,
        model_name=str(model or ""),
        revision=revision,
        layers=tuple(
            made.get(layer) or NoTranscoder(layer, first.d_model, first.write_point)
            for layer in range(max(made) + 1)
        ),
    )


def _as_layer(sae: Any, layer: int) -> PerLayer:
    config = sae.cfg
    kind = config.architecture()
    if kind not in _KINDS:
        raise TranscoderError(
            f"sae-lens's “{kind}” of layer {layer} is no transcoder; graphs need transcoders"
        )
    if config.normalize_activations != "none":
        raise TranscoderError(
            f"the transcoder of layer {layer} normalises its inputs "
            f"({config.normalize_activations}), which is not linear; it cannot be traced"
        )
    tensors = {
        "W_enc": sae.W_enc.detach().T.contiguous(),
        "b_enc": sae.b_enc.detach(),
        "W_dec": sae.W_dec.detach(),
        "b_dec": sae.b_dec.detach(),
    }
    if "skip" in kind:
        tensors["W_skip"] = sae.W_skip.detach()
    weights = InMemory(Path(f"layer_{layer}"), tensors)
    return PerLayer(weights, layer, _points(config.metadata), _activation(sae, kind))


def _activation(sae: Any, kind: str) -> Activation:
    # sae-lens rectifies before it compares, so a negative threshold counts as 0
    return JumpReLU(sae.threshold.detach().clamp(min=0)) if "jumprelu" in kind else ReLU()


def _points(metadata: Any) -> Points:
    """Where it reads and writes: by transformers' module where sae-lens names one."""
    read = _MODULES.get(_after_layer(metadata.hf_hook_name))
    write = _MODULES.get(_after_layer(metadata.hf_hook_name_out))
    if not isinstance(read, ReadPoint):
        read = hook_point(_after_block(metadata.hook_name), ReadPoint, "sae-lens's hook_name")
    if not isinstance(write, WritePoint):
        name = _after_block(metadata.hook_name_out)
        write = hook_point(name, WritePoint, "sae-lens's hook_name_out")
    return Points(read, write)


def _after_layer(name: object) -> str:
    return re.sub(r"^.*layers\.\d+\.", "", str(name or ""))


def _after_block(name: object) -> str:
    return re.sub(r"^blocks\.\d+\.", "", str(name or ""))

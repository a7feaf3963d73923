"""Loading transcoders by folder, hub id or release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphlabel.errors import TranscoderError
from graphlabel.models.language_model import LanguageModel
from graphlabel.models.transcoders import sae_lens, sparsify
from graphlabel.models.transcoders.circuit_tracer import load_circuit_tracer
from graphlabel.models.transcoders.hub import download_file, download_set
from graphlabel.models.transcoders.stored import folders_with
from graphlabel.models.transcoders.transcoder import NoTranscoder, ReadPoint, Transcoders


def load_transcoders(name: str) -> Transcoders:
    """Load a transcoder set.

    ``name`` is a folder (of circuit-tracer, sae-lens or sparsify), a hub id
    (``owner/name[/folder][@revision]``), or ``sae-lens:RELEASE[:IDS]``. Raises TranscoderError
    when it cannot be had or is broken.
    """
    if name.startswith(sae_lens.PREFIX):
        return sae_lens.load_release(name)
    folder = Path(name)
    if folder.is_dir():
        return _from_folder(folder, "")
    if folder.is_file():
        raise TranscoderError(f"{name} is a file; --transcoders takes a folder or a hub id")
    if name.startswith((".", "/", "~")):
        raise TranscoderError(f"there is no transcoder folder {name}; check --transcoders")
    return _from_folder(download_set(name), name)


def _from_folder(folder: Path, name: str) -> Transcoders:
    if not (folder / "config.yaml").exists():
        if folders_with(folder, sparsify.WEIGHTS):
            return sparsify.load_sparsify(folder, name=name)
        if folders_with(folder, sae_lens.WEIGHTS):
            return sae_lens.load_saved(folder)
    return load_circuit_tracer(folder, name=name, fetch=download_file)


def check_fit(model: LanguageModel, transcoders: Transcoders) -> None:
    """Raise TranscoderError unless there is a layer for every one of the model's, of its width.

    So is a set that reads where the architecture has nothing to read.
    """
    if len(transcoders.layers) != model.n_layers:
        raise TranscoderError(
            f"{transcoders.name} has transcoders for {len(transcoders.layers)} layers, "
            f"{model.name} has {model.n_layers} layers; use a set made for this model"
        )
    for layer in transcoders.layers:
        if layer.read_point is ReadPoint.NORMALIZED and model.architecture.mlp_norm is None:
            raise TranscoderError(
                f"{transcoders.name} reads at {layer.read_point}, but {model.config.model_type} "
                "models have no norm before the MLP; use a set made for this model"
            )
        if layer.d_model != model.d_model:
            raise TranscoderError(
                f"the transcoder of layer {layer.layer} reads vectors of width {layer.d_model}, "
                f"{model.name} has d_model {model.d_model}; use a set made for this model"
            )


def made_for_another(model: LanguageModel, transcoders: Transcoders) -> bool:
    """Whether the set names a model that this one is not, going by the names alone.

    Only ids of the hub are compared, because a folder can be called anything; “gemma-2-2b” and
    “google/gemma-2-2b-it” go together.
    """
    theirs, ours = (
        "".join(filter(str.isalnum, name.rpartition("/")[2].lower()))
        for name in (transcoders.model_name, model.name)
    )
    return "/" in model.name and theirs not in ours and ours not in theirs


def fitted(model: LanguageModel, transcoders: Transcoders, *, partial: bool = False) -> Transcoders:
    """The set with a layer for each of the model's.

    A set that leaves out layers between others may also end early; one that merely ends early
    looks like another model's and is refused with TranscoderError, unless ``partial``.
    """
    missing = model.n_layers - len(transcoders.layers)
    if missing > 0 and (partial or transcoders.missing_layers):
        first = next(each for each in transcoders.layers if not isinstance(each, NoTranscoder))
        above = range(len(transcoders.layers), model.n_layers)
        padding = (NoTranscoder(layer, first.d_model, first.write_point) for layer in above)
        transcoders = replace(transcoders, layers=(*transcoders.layers, *padding))
    elif missing > 0:
        raise TranscoderError(
            f"{transcoders.name} has transcoders for {len(transcoders.layers)} layers, "
            f"{model.name} has {model.n_layers} layers; use a set made for this model, or "
            "--partial if it is one for some of its layers"
        )
    check_fit(model, transcoders)
    return transcoders

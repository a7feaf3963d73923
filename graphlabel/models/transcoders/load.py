"""Loading transcoders by folder or hub id."""

from __future__ import annotations

from pathlib import Path

from graphlabel.errors import TranscoderError
from graphlabel.hub import only_local_files
from graphlabel.models.language_model import LanguageModel
from graphlabel.models.transcoders.circuit_tracer import load_circuit_tracer
from graphlabel.models.transcoders.transcoder import Transcoders


def load_transcoders(name: str) -> Transcoders:
    """Load a transcoder set from a local folder or, by its id, from the Hugging Face hub.

    Raises TranscoderError when it cannot be had or is broken.
    """
    folder = Path(name)
    if folder.is_dir():
        return load_circuit_tracer(folder)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise TranscoderError(f"there is no transcoder folder {name}; check --transcoders")
    return load_circuit_tracer(_download(name))


def _download(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                repository,
                allow_patterns=["*.yaml", "*.safetensors"],
                local_files_only=only_local_files(),
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TranscoderError(
            f"there are no transcoders “{repository}”: no such folder here, and the Hugging Face "
            "hub has no such repository or cannot be reached; check --transcoders"
        ) from error


def check_fit(model: LanguageModel, transcoders: Transcoders) -> None:
    """Raise TranscoderError unless the transcoders fit the model's layers and width."""
    if len(transcoders.layers) != model.n_layers:
        raise TranscoderError(
            f"{transcoders.name} has transcoders for {len(transcoders.layers)} layers, "
            f"{model.name} has {model.n_layers} layers; use a set made for this model"
        )
    for layer in transcoders.layers:
        weight, _ = layer.encoder()
        if weight.shape[1] != model.d_model:
            raise TranscoderError(
                f"the transcoder of layer {layer.layer} reads vectors of width {weight.shape[1]}, "
                f"{model.name} has d_model {model.d_model}; use a set made for this model"
            )

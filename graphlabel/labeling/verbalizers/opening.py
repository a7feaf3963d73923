"""From the name of a verbalizer to one: a checkpoint, an adapter, a server, Neuronpedia."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.contract import SIDECAR, read_verbalizer_contract
from graphlabel.labeling.verbalizers.neuronpedia_api import open_neuronpedia
from graphlabel.labeling.verbalizers.neuronpedia_server import open_server
from graphlabel.labeling.verbalizers.places import checkpoint_file, find_file
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.verbalizer import Verbalizer

if TYPE_CHECKING:
    from graphlabel.labeling.verbalizers.reconstructor import Reconstructor
    from graphlabel.labeling.verbalizers.states import ModelStates
    from graphlabel.models import LanguageModel

NEURONPEDIA = "neuronpedia:"
_ADAPTER = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class VerbalizerPlace:
    """Where a verbalizer is and what goes with it."""

    place: str
    """A checkpoint's or adapter's folder or hub id, a server's address, or ``neuronpedia:`` and a
    model, with ``/source`` where it has several."""
    sglang: str | None = None
    """The address of an SGLang server that runs the checkpoint."""
    reconstructor: str | None = None
    """The AR's folder or hub id."""
    model: str | None = None
    """The model whose vectors are read: for passages, and under an adapter."""
    dtype: str = "bfloat16"
    device: str | None = None
    sampling: Sampling = field(default_factory=Sampling)


def open_verbalizer(where: VerbalizerPlace) -> Verbalizer:
    """The verbalizer at a place, by what is found there.

    Raises VerbalizerError, ModelError or RemoteError in one line when there is none.
    """
    place = where.place
    if place.startswith((NEURONPEDIA, "http://", "https://")):
        if where.sglang or where.reconstructor:
            raise VerbalizerError(
                f"{place} holds its models itself; drop --sglang and --reconstructor"
            )
        if place.startswith(NEURONPEDIA):
            return open_neuronpedia(place.removeprefix(NEURONPEDIA), sampling=where.sampling)
        return open_server(place, sampling=where.sampling)
    if where.sglang is not None:
        return _sglang(where, where.sglang)
    if find_file(place, SIDECAR) is None and find_file(place, _ADAPTER) is not None:
        return _oracle(where)
    return _local(where)


def _local(where: VerbalizerPlace) -> Verbalizer:
    from graphlabel.labeling.verbalizers.local import LocalVerbalizer

    contract = read_verbalizer_contract(checkpoint_file(where.place, SIDECAR))
    return LocalVerbalizer(
        _load(where, where.place),
        contract,
        reconstructor=_reconstructor(where),
        states=_states(where),
        sampling=where.sampling,
    )


def _sglang(where: VerbalizerPlace, url: str) -> Verbalizer:
    from graphlabel.labeling.verbalizers.sglang import open_sglang

    return open_sglang(
        where.place,
        url,
        reconstructor=_reconstructor(where),
        states=_states(where),
        sampling=where.sampling,
    )


def _oracle(where: VerbalizerPlace) -> Verbalizer:
    from graphlabel.labeling.verbalizers.oracle import OracleVerbalizer

    if where.reconstructor:
        raise VerbalizerError("an activation oracle has no reconstructor; drop --reconstructor")
    if where.model is None:
        raise VerbalizerError(
            f"{where.place} is an adapter; name the model it was trained on with --model"
        )
    return OracleVerbalizer(_load(where, where.model), where.place, sampling=where.sampling)


def _reconstructor(where: VerbalizerPlace) -> Reconstructor | None:
    if where.reconstructor is None:
        return None
    from graphlabel.labeling.verbalizers.reconstructor import load_reconstructor
    from graphlabel.models.devices import device_of, dtype_of

    return load_reconstructor(
        where.reconstructor, dtype=dtype_of(where.dtype), device=device_of(where.device)
    )


def _states(where: VerbalizerPlace) -> ModelStates | None:
    if where.model is None:
        return None
    from graphlabel.labeling.verbalizers.states import ModelStates

    return ModelStates(_load(where, where.model))


def _load(where: VerbalizerPlace, name: str) -> LanguageModel:
    from graphlabel.models import load_language_model
    from graphlabel.models.devices import device_of, dtype_of

    return load_language_model(
        name, dtype=dtype_of(where.dtype), device=device_of(where.device), attention="sdpa"
    )

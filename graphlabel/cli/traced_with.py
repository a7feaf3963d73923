"""The model and transcoders that a graph was traced with, loaded again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument

if TYPE_CHECKING:
    from graphlabel.models import LanguageModel, Prompt, Transcoders


_ADDRESS = re.compile(r"(hf://|sae-lens:)?\w[\w.-]*([/@:?=,{}][\w.,{}-]+)*")
"""Ids of the hub, with what can stand behind them, and releases of sae-lens."""


@dataclass(frozen=True, slots=True)
class TracedWith:
    """Where model and transcoders are, and how they are run."""

    model: str
    transcoders: str
    gguf_file: str | None = None
    dtype: str = "float32"
    device: str | None = None
    partial: bool = False
    """Whether layers at the top have no transcoder."""

    def load(self) -> tuple[LanguageModel, Transcoders]:
        """Load both; raises ModelError, TranscoderError and UsageError."""
        from graphlabel.models import (
            check_dtype,
            device_of,
            dtype_of,
            load_language_model,
            load_transcoders,
        )

        dtype, device = dtype_of(self.dtype), device_of(self.device)
        check_dtype(dtype, device)
        model = load_language_model(
            self.model, dtype=dtype, device=device, gguf_file=self.gguf_file
        )
        return model, load_transcoders(self.transcoders)


def places_stated(model: str, transcoders: str, gguf_file: str | None) -> dict[str, object]:
    """What a graph file should remember of where it came from.

    Ids that mean the same elsewhere; no folders of this machine.
    """
    from pathlib import Path

    named = {"model": model, "transcoders": transcoders}
    stated: dict[str, object] = {
        field: place for field, place in named.items() if not Path(place).exists()
    }
    if gguf_file is not None and "model" in stated:
        stated["gguf_file"] = gguf_file
    return stated


def traced_with(
    document: GraphDocument,
    model: str | None,
    transcoders: str | None,
    *,
    gguf_file: str | None = None,
    dtype: str | None = None,
    device: str | None = None,
) -> TracedWith:
    """What a graph was traced with: as options say, else as its file does.

    Raises UsageError naming what the file says when that is not enough to find them.
    """
    settings, source = _settings(document), document.graph.source
    known = {**_stated(settings), **_embedded(document)}
    model = model or known.get("model") or _hub_id(source.model)
    transcoders = transcoders or known.get("transcoders") or _hub_id(source.transcoders)
    if not model or not transcoders:
        missing = [
            f"{option} ({said or 'the file names none'})"
            for option, value, said in (
                ("--model", model, source.model),
                ("--transcoders", transcoders, source.transcoders),
            )
            if not value
        ]
        raise UsageError(
            f"the graph does not say where its own are; name them: {' and '.join(missing)}"
        )
    return TracedWith(
        model=model,
        transcoders=transcoders,
        gguf_file=gguf_file or known.get("gguf_file"),
        dtype=dtype or str(settings.get("dtype", "float32")),
        device=device,
        partial=bool(settings.get("layers_without_transcoder")),
    )


def prompt_of(document: GraphDocument, model: LanguageModel) -> Prompt:
    """The graph's prompt as the model reads it; raises UsageError when it reads other tokens."""
    from graphlabel.models import prompt_of_ids, read_prompt

    graph = document.graph
    if graph.token_ids:
        return prompt_of_ids(model, graph.token_ids, text=graph.prompt)
    prompt = read_prompt(model, graph.prompt)
    if len(prompt.ids) != len(graph.tokens):
        raise UsageError(
            f"the prompt has {len(prompt.ids)} tokens for {model.name}, {len(graph.tokens)} in the "
            "graph; name the model that the graph was traced with"
        )
    return prompt


def _settings(document: GraphDocument) -> Mapping[str, Any]:
    settings = document.residue.metadata.get("generation_settings")
    return settings if isinstance(settings, dict) else {}


def _stated(settings: Mapping[str, Any]) -> dict[str, str]:
    """What ``places_stated`` wrote; a file of a stranger cannot name folders of this machine."""
    fields = {name: settings.get(name) for name in ("model", "transcoders", "gguf_file")}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, str) and _ADDRESS.fullmatch(value) and ".." not in value
    }


def _hub_id(name: str) -> str | None:
    """A name that can be an id of the hub."""
    return name if name.count("/") == 1 and _ADDRESS.fullmatch(name) else None


def _embedded(document: GraphDocument) -> dict[str, str]:
    """The folders of atlas, if the graph was traced with atlas."""
    from graphlabel import atlas
    from graphlabel.revision import folder_revision

    source = document.graph.source
    if source.model != "atlas":
        return {}
    stated = (source.model_revision, source.transcoders_revision)
    folders = (atlas.MODEL_FOLDER, atlas.TRANSCODERS_FOLDER)
    if tuple(map(folder_revision, folders)) != stated:
        return {}
    return {"model": str(folders[0]), "transcoders": str(folders[1])}

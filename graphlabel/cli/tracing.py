"""Loading what a prompt is traced with, tracing it, and writing its graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlabel.errors import UsageError

if TYPE_CHECKING:
    import torch

    from graphlabel.files import GraphDocument
    from graphlabel.models import LanguageModel, Prompt, Transcoders
    from graphlabel.tracing import Trace, TraceSettings, Verified

Report = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model and its transcoders, ready to trace any number of prompts."""

    model: LanguageModel
    transcoders: Transcoders
    settings: TraceSettings
    stated: dict[str, object]
    """What graph files remember of where both came from."""

    def prompt(self, text: str | None, ids: Sequence[int] | None, *, chat: bool) -> Prompt:
        """A prompt as the model reads it; raises PromptError."""
        from graphlabel.models import prompt_of_ids, read_prompt

        if ids:
            return prompt_of_ids(self.model, list(ids))
        return read_prompt(self.model, text or "", chat=chat)

    def trace(
        self, prompt: Prompt, settings: TraceSettings, report: Report = lambda *_: None
    ) -> Trace:
        """The trace of a prompt; warnings about it are said."""
        from graphlabel.tracing import trace

        _warn_of_prompt(self.model, prompt)
        traced = trace(self.model, self.transcoders, prompt, settings, report=report)
        warn_of_transcoders(self.model, self.transcoders, traced.explained)
        return traced


def load_for_tracing(
    model_name: str,
    transcoders_name: str,
    settings: Mapping[str, Any],
    device: str | None = None,
    gguf_file: str | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
    check: torch.dtype | None = None,
) -> Loaded:
    """Load both; ``check`` is a dtype that the device must have beside the settings' own.

    Raises ModelError, TranscoderError and UsageError.
    """
    from graphlabel.cli.traced_with import places_stated
    from graphlabel.models import (
        check_dtype,
        device_of,
        dtype_of,
        load_language_model,
        load_transcoders,
    )
    from graphlabel.tracing import TraceSettings

    chosen = TraceSettings(**settings)
    dtype, place = dtype_of(chosen.dtype), device_of(device)
    check_dtype(check or dtype, place)
    say(f"loading {model_name}")
    model = load_language_model(model_name, dtype=dtype, device=place, gguf_file=gguf_file)
    say(f"loading {transcoders_name}")
    transcoders = load_transcoders(transcoders_name)
    stated = places_stated(model_name, transcoders_name, gguf_file)
    return Loaded(model, transcoders, chosen, stated)


def traced_document(
    loaded: Loaded,
    prompt: str | None,
    ids: Sequence[int] | None,
    slug: str,
    *,
    chat: bool = False,
    targets: tuple[str, ...] = (),
    position: int | None = None,
) -> tuple[GraphDocument, dict[str, object]]:
    """The pruned graph of a prompt, and the settings that its file should hold."""
    from graphlabel.files import new_document
    from graphlabel.models.memory import explained_memory
    from graphlabel.tracing import pruned_graph

    settings = replace(loaded.settings, targets=targets, position=position)
    with explained_memory():
        traced = loaded.trace(loaded.prompt(prompt, ids, chat=chat), settings)
    document = new_document(pruned_graph(traced, settings), slug)
    return document, _metadata(settings, traced, loaded.stated)


def run_trace(
    prompt: str | None,
    ids: list[int] | None,
    model_name: str,
    transcoders_name: str,
    output: Path,
    settings: Mapping[str, Any],
    *,
    device: str | None = None,
    raw: Path | None = None,
    slug: str = "",
    quiet: bool = False,
    gguf_file: str | None = None,
    chat: bool = False,
    verify_rows: int = 0,
) -> GraphDocument:
    """Trace a prompt and write its graph; the document that was written."""
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.pipeline import check_writable

    check_writable(output)
    if raw:
        check_writable(raw)
        if raw.resolve() == output.resolve():
            raise UsageError(f"-o and --raw both name {raw}; give them names of their own")
    import torch

    from graphlabel.files import new_document, write_graph
    from graphlabel.models.memory import explained_memory
    from graphlabel.tracing import pruned_graph, verify, write_raw

    checked = None
    with explained_memory():
        loaded = load_for_tracing(
            model_name, transcoders_name, settings, device, gguf_file,
            say=(lambda _: None) if quiet else note, check=torch.float64 if verify_rows else None,
        )  # fmt: skip
        chosen = loaded.settings
        tokens = loaded.prompt(prompt, ids, chat=chat)
        with progress("tracing", quiet=quiet) as report:
            traced = loaded.trace(tokens, chosen, report)
            if verify_rows:
                checked = verify(
                    loaded.model, loaded.transcoders, traced, chosen, verify_rows, report=report
                )
    _note_findings(traced, checked)
    document = new_document(pruned_graph(traced, chosen), slug or output.stem)
    if raw:
        write_raw(traced, raw)
    write_graph(document, output, settings=_metadata(chosen, traced, loaded.stated))
    return document


def _warn_of_prompt(model: LanguageModel, prompt: Prompt) -> None:
    from graphlabel.cli.console import note
    from graphlabel.models import beginning_token, lacks_beginning

    if lacks_beginning(model, prompt):
        first = beginning_token(model)
        note(
            f"warning: the first id, {prompt.ids[0]} ({prompt.tokens[0]!r}), is no special token; "
            f"ids are used as given, and position 0 carries no features. Texts of {model.name} "
            f"begin with {first} ({model.tokenizer.decode([first])!r})"
        )


def warn_of_transcoders(
    model: LanguageModel, transcoders: Transcoders, explained: float = 0.0
) -> None:
    """Say so where a set seems to be of another model, by its name or by what it explains.

    ``explained``: a trace's ``explained``, where there is one.
    """
    from graphlabel.cli.console import note
    from graphlabel.models import made_for_another

    why = []
    if made_for_another(model, transcoders):
        why.append(f"they are made for {transcoders.model_name}, the model is {model.name}")
    if explained < 0:
        why.append("their errors are larger than what the model's MLPs write")
    if why:
        note(f"warning: the transcoders may be of another model: {'; '.join(why)}")


def _note_findings(traced: Trace, checked: Verified | None) -> None:
    from graphlabel.cli.console import note

    layers = traced.missing_layers
    if layers:
        shown = ", ".join(map(str, layers[:12])) + ("…" if len(layers) > 12 else "")
        note(f"layers without a transcoder, whose MLPs are error nodes: {shown}")
    if checked:
        note(
            f"verified {checked.rows} rows by autograd in float64: worst relative error "
            f"{checked.worst:.1e}, median {checked.median:.1e}"
        )


def _metadata(
    settings: TraceSettings, traced: Trace, places: dict[str, object]
) -> dict[str, object]:
    generation = dict(places)
    if settings.targets:
        generation["attribution_targets"] = list(traced.logit_tokens)
    if settings.compat:
        generation["compat"] = settings.compat
    if traced.missing_layers:
        generation["layers_without_transcoder"] = list(traced.missing_layers)
    return {
        "node_threshold": settings.node_threshold,
        "generation_settings": {
            "max_n_logits": settings.max_n_logits,
            "desired_logit_prob": settings.desired_logit_prob,
            "batch_size": settings.batch_size,
            "max_feature_nodes": settings.max_feature_nodes,
            "dtype": settings.dtype,
            **generation,
        },
        "pruning_settings": {
            "node_threshold": settings.node_threshold,
            "edge_threshold": settings.edge_threshold,
        },
    }

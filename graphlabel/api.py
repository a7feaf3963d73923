"""graphlabel from Python: the commands ``trace``, ``route``, ``label`` and ``export`` as functions.

Documents are values: every function gives a new one. Importing this loads neither torch nor typer;
tracing and routing do. The rooms below (``graphlabel.tracing``, ``graphlabel.protocol``, …) are for
whoever needs more than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlabel.files import GraphDocument, encode_graph, graph_from_bytes, read_graph

if TYPE_CHECKING:
    from graphlabel.evidence import FeatureSource
    from graphlabel.protocol import CalibratedSettings, RawSettings

__all__ = ["GraphDocument", "export", "label", "read_graph", "route", "trace"]

Place = str | PathLike[str]
"""A path, an id of the hub, or an address."""
Places = Place | Sequence[Place]
"""One place or several; the first that has a feature gives it."""


def trace(
    prompt: str,
    *,
    model: Place,
    transcoders: Place,
    slug: str = "graph",
    device: str | None = None,
    gguf_file: str | None = None,
    chat: bool = False,
    **settings: Any,
) -> GraphDocument:
    """The pruned attribution graph of a prompt.

    ``settings`` are the fields of `graphlabel.tracing.TraceSettings`, such as ``targets`` (a tuple
    of texts), ``node_threshold`` or ``dtype``. Raises ModelError, TranscoderError, PromptError and
    UsageError.
    """
    from graphlabel.cli.tracing import load_for_tracing, traced_document

    targets = tuple(settings.pop("targets", ()))
    position = settings.pop("position", None)
    loaded = load_for_tracing(fspath(model), fspath(transcoders), settings, device, gguf_file)
    document, stated = traced_document(
        loaded, prompt, None, slug, chat=chat, targets=targets, position=position
    )
    return graph_from_bytes(encode_graph(document, stated), slug, slug)


def route(
    document: GraphDocument,
    features: Places,
    *,
    settings: RawSettings | CalibratedSettings | None = None,
    calibration: Path | None = None,
) -> GraphDocument:
    """The document with every feature sorted into one of the four classes.

    ``features`` are what ``--features`` takes. Features without evidence stay without a class.
    Raises EvidenceError, CalibrationError and EmbedderError.
    """
    from graphlabel.cli.pipeline import RouteOptions, route_document
    from graphlabel.protocol import CalibratedSettings

    options = RouteOptions(settings=settings or CalibratedSettings(), calibration=calibration)
    return route_document(document, _source(document, features), options)[0]


def label(
    document: GraphDocument,
    features: Places,
    *,
    model: str | None = None,
    method: str = "np_max-act-logits",
    max_usd: float | None = None,
) -> GraphDocument:
    """The routed document with tier 1 labelled, and tier 2 too where a language model is named.

    ``model`` is what ``--tier2-model`` takes, such as ``anthropic:claude-haiku-5-5``; ``max_usd``
    is the most it may cost. Labels by people and those of the file are kept. Raises UsageError for
    a document that was not routed, LanguageModelError and EvidenceError.
    """
    from contextlib import ExitStack

    from graphlabel.cli.label_plan import TierOptions, open_plan
    from graphlabel.cli.labelling import finder, label_document
    from graphlabel.cli.llm_options import LanguageModelOptions
    from graphlabel.cli.pipeline import silent
    from graphlabel.labeling import Tools

    one, two = TierOptions("token_count"), TierOptions(method, model)
    source, ask = _source(document, features), LanguageModelOptions(max_usd=max_usd)
    with ExitStack() as stack:
        plan = open_plan(one, two, Tools(), ask, silent, stack)
        return label_document(document, finder(document, source), plan)[0]


def export(
    document: GraphDocument, path: Place, *, to: str = "same", features: Places = ()
) -> None:
    """Write a document in a format of ``graphlabel export``; ``same`` is the graph file itself.

    ``features`` hands the evidence on, with ``html`` and the graph JSON formats. Edits kept in the
    annotation store are not in it; the command adds them. Raises ExportError.
    """
    from graphlabel.export import ExportOptions, export_graph

    source = _source(document, features) if features else None
    export_graph(document, to, Path(path), ExportOptions(features=source))


def _source(document: GraphDocument, features: Places) -> FeatureSource:
    from graphlabel.cli.pipeline import source_for

    places = [features] if isinstance(features, (str, PathLike)) else features
    return source_for(document, [fspath(place) for place in places])

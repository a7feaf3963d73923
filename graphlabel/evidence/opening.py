"""Opening feature sources by their place: what kind it is, is found by its content."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from graphlabel.errors import EvidenceError, NoSourceError
from graphlabel.evidence.combined import CombinedSource
from graphlabel.evidence.source import FeatureSource, parts_of
from graphlabel.evidence.sources.loose import decode_json, read_file
from graphlabel.evidence.whereabouts import fetch_command, hub_id
from graphlabel.records import TranscoderSet

KNOWN_KINDS = (
    "a feature index (index.json)",
    "feature JSON (one file a feature)",
    "packed features (index.json.gz)",
    "a Neuronpedia export (*.jsonl.gz)",
    "SAEDashboard batches",
    "delphi records",
    "feature-circuits contexts",
    "neuronpedia:MODEL/SET",
    "a web folder (https://…)",
)
_STATED = re.compile(r"^(\w[\w.+-]*)/(\w[\w.+/-]*)=(.+)$", re.DOTALL)
_SAMPLE = 4096
"""How many names of a folder are looked at to tell its kind."""

_Open = Callable[[], FeatureSource]


def open_sources(places: Sequence[str | Path], *, offline: bool = False) -> FeatureSource:
    """The sources at some places as one: the first that has a feature gives it.

    Raises EvidenceError when one cannot be opened, or when no place is named.
    """
    if not places:
        raise EvidenceError("no feature source is named; add --features")
    sources = [open_source(place, offline=offline) for place in places]
    return sources[0] if len(sources) == 1 else CombinedSource(sources)


def open_source(place: str | Path, *, offline: bool = False) -> FeatureSource:
    """The feature source at a place: a folder, a file, a web address or ``neuronpedia:MODEL/SET``.

    ``MODEL/SET=PLACE`` says whose features they are where the place itself does not, and chooses
    among the sets of a place that holds several. Offline, servers are not asked and their kept
    answers are used alone. Raises EvidenceError.
    """
    identity, inner = _stated(str(place))
    remote = _open_remote(inner, identity, offline)
    source = remote or _open_local(Path(inner), identity)
    return source if identity is None else _of_set(source, identity)


def _stated(text: str) -> tuple[TranscoderSet | None, str]:
    match = _STATED.match(text)
    if match is None or Path(text).exists():
        return None, text
    return TranscoderSet(match[1], match[2]), match[3]


def _of_set(source: FeatureSource, identity: TranscoderSet) -> FeatureSource:
    """The parts of a source that are of a set (or of a hook point of it)."""

    def fits(theirs: TranscoderSet | None) -> bool:
        if theirs is None:
            return False
        at_hook_point = theirs.name.startswith(f"{identity.name}/")
        return identity.matches(theirs) or (at_hook_point and theirs.model == identity.model)

    parts = [part for part in parts_of(source) if fits(part.transcoder_set)]
    if not parts:
        held = ", ".join(str(part.transcoder_set) for part in parts_of(source))
        raise EvidenceError(f"{source.name} says that it holds features of {held}, not {identity}")
    if len(parts) == len(parts_of(source)):
        return source
    return parts[0] if len(parts) == 1 else CombinedSource(parts)


def _open_remote(place: str, identity: TranscoderSet | None, offline: bool) -> FeatureSource | None:
    from graphlabel.evidence.sources import feature_json, neuronpedia_api, packed_features
    from graphlabel.evidence.sources.files import RemoteFiles
    from graphlabel.evidence.sources.remote import Remote

    if neuronpedia_api.is_neuronpedia(place):
        model, name, layer = neuronpedia_api.parse_place(place)
        server = neuronpedia_api.server(offline=offline)
        return neuronpedia_api.NeuronpediaApi(model, name, layer, server)
    if not place.startswith(("http://", "https://")):
        return None
    files = RemoteFiles(Remote(place, offline=offline))
    if packed_features.is_packed(files):
        return packed_features.PackedFeatures(files, identity)
    return feature_json.FeatureJson(files, None, identity)


def _what_instead(path: Path) -> str:
    """What to do about a place that is not there; ids of the hub are a likely mistake."""
    repository = hub_id(str(path))
    if repository is None or path.parent.is_dir():
        return "check --features"
    return (
        "if that is an id of the Hugging Face hub, fetch its feature files "
        f"({fetch_command(repository)}) and name DIR/features"
    )


def _open_local(path: Path, identity: TranscoderSet | None) -> FeatureSource:
    if not path.exists():
        raise NoSourceError(f"there is no feature source at {path}; {_what_instead(path)}")
    try:
        found = _folder(path, identity) if path.is_dir() else _file(path, identity)
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error
    if found is not None:
        return found()
    raise EvidenceError(
        f"{path} is no feature source: it has no index.json and holds nothing of a known form; "
        f"known are {', '.join(KNOWN_KINDS)}"
    )


def _folder(folder: Path, identity: TranscoderSet | None, depth: int = 2) -> _Open | None:
    """How to open a folder; None when neither it nor a folder within it is of a known kind."""
    found = next(_readings(folder, identity), None)
    if found is not None or depth == 0:
        return found
    inner = sorted(path for path in itertools.islice(folder.iterdir(), _SAMPLE) if path.is_dir())
    kinds = [(path, kind) for path in inner if (kind := _folder(path, identity, depth - 1))]
    if len(kinds) > 1:
        names = ", ".join(path.name for path, _ in kinds[:8])
        raise EvidenceError(f"{folder} holds several feature sources; name one of them: {names}")
    return kinds[0][1] if kinds else None


def _readings(folder: Path, identity: TranscoderSet | None) -> Iterator[_Open]:
    """What a folder can be opened as, likeliest first."""
    from graphlabel.evidence.index.reader import ParquetIndex
    from graphlabel.evidence.sources import (
        delphi,
        feature_circuits,
        feature_json,
        neuronpedia_export,
        packed_features,
        sae_dashboard,
    )
    from graphlabel.evidence.sources.files import LocalFiles

    contexts = folder / feature_circuits.CONTEXTS
    if (folder / "index.json").is_file():
        yield lambda: ParquetIndex(folder)
    if (folder / packed_features.INDEX).is_file():
        yield lambda: packed_features.PackedFeatures(LocalFiles(folder), identity)
    if contexts.is_file():
        yield lambda: feature_circuits.open_contexts(contexts, identity)
    if neuronpedia_export.export_files(folder):
        yield lambda: neuronpedia_export.open_export(folder)
    first = _first_json(folder)
    if first is None:
        return
    value = decode_json(read_file(first), str(first))
    if delphi.looks_like_delphi(value):
        yield lambda: delphi.open_delphi(folder, identity)
    if sae_dashboard.looks_like_batch(value):
        yield lambda: sae_dashboard.open_batches(sorted(folder.glob("*.json*")), folder)
    if feature_json.looks_like_feature(value):
        numbering = feature_json.numbering_of(folder)
        yield lambda: feature_json.FeatureJson(LocalFiles(folder), numbering, identity)


def _first_json(folder: Path) -> Path | None:
    """A JSON file to tell the folder's kind by: named with a number if there is one.

    In folders of numbered folders, one from within.
    """
    names = sorted(path for path in itertools.islice(folder.iterdir(), _SAMPLE))
    files = [path for path in names if path.name.endswith((".json", ".json.gz")) and path.is_file()]
    if not files:
        layers = (path for path in names if path.name.isdigit() and path.is_dir())
        files = [path for layer in layers for path in sorted(layer.glob("*.json"))[:1]]
    numbered = [path for path in files if path.name.split(".json")[0][-1:].isdigit()]
    return next(iter(numbered or files), None)


def _file(path: Path, identity: TranscoderSet | None) -> _Open | None:
    """How to open a single file."""
    from graphlabel.evidence.sources import feature_circuits, packed_features, sae_dashboard
    from graphlabel.evidence.sources.files import LocalFiles

    if path.name == packed_features.INDEX:
        return lambda: packed_features.PackedFeatures(LocalFiles(path.parent), identity)
    value = decode_json(read_file(path), str(path))
    if feature_circuits.looks_like_contexts(value):
        return lambda: feature_circuits.open_contexts(path, identity)
    if sae_dashboard.looks_like_batch(value):
        return lambda: sae_dashboard.open_batches([path], path)
    return None

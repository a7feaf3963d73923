"""Getting ready to route: encoder, calibration and extensions for a source."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import graphlabel
from graphlabel.errors import CalibrationError, EvidenceError
from graphlabel.evidence import FeatureSource, every_key, parts_of
from graphlabel.protocol import CalibratedSettings, Extension, RawSettings
from graphlabel.records import FeatureRecord

if TYPE_CHECKING:
    from graphlabel.embedding import Encoder, SentenceEncoder
    from graphlabel.protocol import Calibration
    from graphlabel.protocol.router import Router

Say = Callable[[str], None]
Report = Callable[[str, int, int], None]


def silent(_: str) -> None:
    """Say nothing."""


def no_report(*_: object) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """How features are routed."""

    settings: RawSettings | CalibratedSettings = field(default_factory=CalibratedSettings)
    encoder: str | None = None
    encoder_revision: str | None = None
    encoder_dtype: str = "auto"
    cache: bool = True
    """Whether embeddings are kept on disk."""
    calibration: Path | None = None
    """A calibration to use instead of the source's own."""
    strict: bool = False
    """Refuse broken evidence instead of leaving the feature out."""
    tail: bool = False
    """Score every stretch of activation as well."""


def encoder_for(options: RouteOptions) -> SentenceEncoder:
    """The sentence encoder that was asked for; raises EmbedderError without it."""
    from graphlabel.embedding import DEFAULT_ENCODER, load_encoder

    return load_encoder(
        options.encoder or DEFAULT_ENCODER,
        revision=options.encoder_revision,
        precision=options.encoder_dtype,
        cache=options.cache,
    )


def source_identity(source: FeatureSource) -> str:
    """Whose features a source holds, with their revision."""
    sets = [part.transcoder_set for part in parts_of(source)]
    said = [f"{each} {each.revision}".strip() for each in sets if each is not None]
    return " + ".join(dict.fromkeys(said))


def router_for(
    source: FeatureSource, options: RouteOptions, say: Say = silent, report: Report = no_report
) -> Router:
    """A router for a source's features.

    Raises EmbedderError without the encoder and CalibrationError without a calibration.
    """
    from graphlabel.protocol.router import Router

    say("loading the sentence encoder")
    encoder = encoder_for(options)
    calibration = None
    if isinstance(options.settings, CalibratedSettings):
        calibration = calibration_for(source, encoder, options, say, report)
    extensions = extensions_for(source, encoder, options.settings, say)
    return Router(encoder, options.settings, calibration, extensions, options.tail)


def extensions_for(
    source: FeatureSource,
    encoder: Encoder,
    settings: RawSettings | CalibratedSettings,
    say: Say = silent,
) -> tuple[Extension, ...]:
    """The extensions that are switched on."""
    from graphlabel.protocol import switched_on

    def sample() -> Iterator[FeatureRecord]:
        say("gathering other occurrences of tokens (matched null)")
        seed = settings.seed if isinstance(settings, CalibratedSettings) else 0
        return sampled_records(source, CalibratedSettings(seed=seed).max_features, seed)

    return switched_on(settings, encoder, sample)


def calibration_for(
    source: FeatureSource,
    encoder: Encoder,
    options: RouteOptions,
    say: Say = silent,
    report: Report = no_report,
) -> Calibration:
    """The calibration that was named, one kept for the source, or one made and kept now.

    Raises CalibrationError when the source has too few features for one, or when the one named
    was made with another encoder or for other windows.
    """
    from graphlabel.protocol import read_calibration, write_calibration

    settings = options.settings
    assert isinstance(settings, CalibratedSettings), "only the calibrated rule has a calibration"
    if options.calibration is not None:
        calibration = read_calibration(options.calibration)
        calibration.check_encoder(encoder.name, encoder.revision)
        if calibration.source != source_identity(source):
            say(f"the calibration was made on {calibration.source or 'an unnamed source'}")
        return calibration.deciding(settings)
    kept = _kept_calibration(source, encoder, settings)
    if kept is not None:
        return kept.deciding(settings)
    say("calibrating on the source's features (once; this takes a minute)")
    calibration = make_calibration(source, encoder, settings, report)
    for place in _places(source, encoder, settings):
        try:
            write_calibration(calibration, place)
        except CalibrationError:
            continue
        break
    return calibration


def make_calibration(
    source: FeatureSource,
    encoder: Encoder,
    settings: CalibratedSettings,
    report: Report = no_report,
) -> Calibration:
    """Calibrate on a source's features; raises CalibrationError when there are too few."""
    from graphlabel.protocol.calibrate import calibrate, too_few_features

    known = sum(1 for _ in every_key(source))
    if known < settings.min_features:
        raise too_few_features(known, settings)
    most = min(known, settings.max_features)
    records = _counted(sampled_records(source, settings.max_features, settings.seed), most, report)
    identity = source_identity(source)
    return calibrate(records, encoder, settings, source=identity, report=report)


def _counted(
    records: Iterator[FeatureRecord], most: int, report: Report
) -> Iterator[FeatureRecord]:
    for done, record in enumerate(records, start=1):
        report("reading features", done, most)
        yield record


def sampled_records(source: FeatureSource, most: int, seed: int) -> Iterator[FeatureRecord]:
    """Up to ``most`` records of a source with two or more examples, drawn by seed.

    Broken records are left out. Each round is read in the source's order, which is much faster
    than jumping about.
    """
    import numpy as np

    keys = list(every_key(source))
    order = np.random.default_rng(seed).permutation(len(keys))
    found = 0
    for start in range(0, len(keys), max(most, 1)):
        for place in np.sort(order[start : start + most]):
            try:
                part, key = keys[place]
                record = part.get(key)
                enough = record is not None and len(record.top_examples) >= 2
            except EvidenceError:
                continue
            if record is not None and enough:
                yield record
                found += 1
            if found == most:
                return


def _kept_calibration(
    source: FeatureSource, encoder: Encoder, settings: CalibratedSettings
) -> Calibration | None:
    from graphlabel.protocol import read_calibration
    from graphlabel.protocol.calibration_file import read_settings
    from graphlabel.protocol.settings import same_calibration

    sets = [str(part.transcoder_set or "") for part in parts_of(source)]
    names = {source_identity(source), " + ".join(dict.fromkeys(sets))}
    for folder, pattern in _shelves(source):
        for path in sorted(folder.glob(pattern)):
            try:
                name, revision, made_with, features = read_settings(path)
                fits = (
                    (name, revision) == (encoder.name, encoder.revision)
                    and same_calibration(made_with, settings)
                    and features >= settings.min_features
                )
                if fits and (found := read_calibration(path)).source in names:
                    return found
            except CalibrationError:
                continue
    return None


def _shelves(source: FeatureSource) -> list[tuple[Path, str]]:
    """Where calibrations of a source are kept: beside a local index, or in the cache."""
    from graphlabel.embedding import cache_folder

    identity = hashlib.sha256(f"{source.name}|{source_identity(source)}".encode()).hexdigest()
    shelves = [(cache_folder() / "calibrations", f"{identity[:12]}_calibration_*.npz")]
    folder = getattr(source, "folder", None)
    if isinstance(folder, Path):
        shelves.insert(0, (folder, "calibration_*.npz"))
    return shelves


def _places(source: FeatureSource, encoder: Encoder, settings: CalibratedSettings) -> list[Path]:
    """Where to keep a new calibration, best first."""
    plain = CalibratedSettings()
    lasting = replace(
        settings, theta=plain.theta, cross_floor=plain.cross_floor,
        matched_null=False, logit_agreement=False, selectivity=plain.selectivity,
        support=plain.support,
    )  # fmt: skip
    identity = f"{encoder.name}|{encoder.revision}|".encode() + msgspec.json.encode(lasting)
    digest = hashlib.sha256(identity).hexdigest()[:12]
    program = Path(graphlabel.__file__).parent
    return [
        folder / pattern.replace("*", digest)
        for folder, pattern in _shelves(source)
        # the index that comes with the program is its own, not the user's
        if not folder.resolve().is_relative_to(program)
    ]

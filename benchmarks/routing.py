"""How well routing agrees with gold classes.

Run: `python benchmarks/routing.py [--gold DIR_OR_FILE] [--features SOURCE]… [--rule raw --tau 0.3]`
or, for routes made before, `--routed FILE` with the lines of `graphlabel route --all --json`.
Prints recall with counts and Wilson intervals, the confusion matrix, macro-F1, and what shuffled
gold gives, for each half of the gold where it has halves. docs/studies/atlas.md says what atlas's
gold is; any file of {"feature", "class"} lines will do.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest

from graphlabel import atlas
from graphlabel.annotation import FeatureClass
from graphlabel.cli.route_all import route_parts
from graphlabel.cli.routing import RouteOptions, router_for
from graphlabel.errors import EvidenceError, GraphLabelError
from graphlabel.evidence import every_key, open_sources
from graphlabel.protocol import CalibratedSettings, RawSettings
from graphlabel.protocol.router import Routed

CLASSES = tuple(each.value for each in FeatureClass)
ENOUGH = 15
SEEDS = 200


class Line(msgspec.Struct):
    """One feature of a gold file; a class of None leaves it out."""

    feature: str
    chosen: str | None = msgspec.field(name="class")
    half: str = ""
    status: str = ""
    clear: bool = False
    also: str = ""


class RoutedLine(msgspec.Struct):
    """One line of `graphlabel route --all --json`, as far as it matters here."""

    feature: str
    chosen: str = msgspec.field(name="class")


@dataclass(frozen=True)
class Agreement:
    """Gold classes against routed ones."""

    counts: Int[np.ndarray, "classes routed"]
    """Rows: gold; columns: the classes and, last, features that were not routed."""

    @classmethod
    def of(cls, gold: Sequence[str], routed: Sequence[str | None]) -> Agreement:
        """Count the pairs."""
        counts = np.zeros((len(CLASSES), len(CLASSES) + 1), dtype=np.int64)
        for true, found in zip(gold, routed, strict=True):
            counts[CLASSES.index(true), -1 if found is None else CLASSES.index(found)] += 1
        return cls(counts)

    @property
    def sizes(self) -> Int[np.ndarray, " classes"]:
        """How many features the gold has of each class."""
        return np.asarray(self.counts.sum(1))

    @property
    def f1(self) -> Float[np.ndarray, " classes"]:
        """F1 of each class, 0 where neither gold nor routes have it."""
        hits = np.diagonal(self.counts)
        total = self.sizes + self.counts[:, : len(CLASSES)].sum(0)
        return np.asarray(2 * hits / np.maximum(total, 1))

    def macro_f1(self, least: int = 1) -> float:
        """Mean F1 over the classes of which the gold has so many features; NaN without any."""
        chosen = self.sizes >= least
        return float(self.f1[chosen].mean()) if chosen.any() else float("nan")


def read_gold(place: Path) -> list[Line]:
    """The gold of a file, or of gold.jsonl in a folder."""
    path = place / "gold.jsonl" if place.is_dir() else place
    lines = _decode(path, msgspec.json.Decoder(Line).decode_lines)
    unknown = sorted({line.chosen for line in lines if line.chosen} - set(CLASSES))
    if unknown:
        raise EvidenceError(f"{path} has the class {unknown[0]!r}; known: {', '.join(CLASSES)}")
    return lines


def read_routed(path: Path) -> dict[str, str]:
    """The class of each feature in lines of `graphlabel route --all --json`."""
    lines = _decode(path, msgspec.json.Decoder(RoutedLine).decode_lines)
    return {line.feature: line.chosen for line in lines}


def _decode(path: Path, decode: Callable[[bytes], list[Found]]) -> list[Found]:
    try:
        return decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as problem:
        raise EvidenceError(f"{path} cannot be read ({problem}); check its lines") from None


def places_of(options: argparse.Namespace) -> list[str]:
    """The sources that were named, else the folders beside the gold, else atlas's index."""
    if options.features:
        return list(options.features)
    if options.gold == atlas.GOLD_FILE:
        return [str(atlas.INDEX_FOLDER)]
    folder = options.gold if options.gold.is_dir() else options.gold.parent
    return [str(path) for path in sorted(folder.iterdir()) if path.is_dir()]


def settings_of(options: argparse.Namespace) -> RawSettings | CalibratedSettings:
    """The protocol's settings, those that were named changed."""
    rule = RawSettings if options.rule == "raw" else CalibratedSettings
    known = {field.name for field in fields(rule)}
    given = {name: value for name, value in vars(options).items() if value is not None}
    return rule(**{name: value for name, value in given.items() if name in known})


def routes_of(names: Sequence[str], options: argparse.Namespace) -> dict[str, str]:
    """The routed class of each feature that the sources, or the file of routes, have."""
    if options.routed:
        return read_routed(options.routed)
    source = open_sources(places_of(options))
    wanted = set(names)
    chosen = [(part, key) for part, key in every_key(source) if part.name_of(key) in wanted]
    routing = RouteOptions(settings_of(options), options.encoder, calibration=options.calibration)
    router = router_for(source, routing, lambda text: print(text, file=sys.stderr))
    return {
        part.name_of(found.key): str(found.routing.feature_class)
        for part, found in route_parts(router, chosen)
        if isinstance(found, Routed)
    }


def shuffled(gold: Sequence[str], routed: Sequence[str | None]) -> tuple[float, float]:
    """Mean and standard deviation of macro-F1 with the gold shuffled among the features."""
    classes = np.array(gold)
    values = [
        Agreement.of(np.random.default_rng(seed).permutation(classes).tolist(), routed).macro_f1(
            ENOUGH
        )
        for seed in range(SEEDS)
    ]
    return float(np.mean(values)), float(np.std(values))


def show(title: str, lines: Sequence[Line], routes: Mapping[str, str]) -> None:
    """Print the tables of some features."""
    judged = [line for line in lines if line.chosen]
    if not judged:
        return
    gold = [line.chosen or "" for line in judged]
    routed = [routes.get(line.feature) for line in judged]
    found = Agreement.of(gold, routed)
    print(f"\n{title}: {len(judged)} features")
    columns = "".join(f"{name:>9}" for name in (*CLASSES, "missing"))
    print(f"{'gold':<9}{columns}{'recall':>9}{'95 % interval':>16}{'F1':>7}")
    for place, name in enumerate(CLASSES):
        size, hits = int(found.sizes[place]), int(found.counts[place, place])
        cells = "".join(f"{count:>9}" for count in found.counts[place])
        if size == 0:
            print(f"{name:<9}{cells}{'–':>9}{'–':>16}{'–':>7}")
            continue
        low, high = binomtest(hits, size).proportion_ci(method="wilson")
        interval = f"{low:.3f} … {high:.3f}"
        print(f"{name:<9}{cells}{hits / size:>9.3f}{interval:>16}{found.f1[place]:>7.3f}")
    mean, deviation = shuffled(gold, routed)
    print(
        f"macro-F1 {found.macro_f1(ENOUGH):.3f} over classes of at least {ENOUGH} features, "
        f"{found.macro_f1():.3f} over all; shuffled gold {mean:.3f} ± {deviation:.3f}"
    )


def main() -> None:
    """Route the features of the gold and print how well the routes agree with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=atlas.GOLD_FILE)
    parser.add_argument("--features", action="append", help="a feature source; may be repeated")
    parser.add_argument("--routed", type=Path, help="lines of graphlabel route --all --json")
    parser.add_argument("--half", choices=("dev", "held-out"), help="this half of the gold alone")
    parser.add_argument("--rule", choices=("calibrated", "raw"), default="calibrated")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--tau", type=float)
    parser.add_argument("--theta", type=float)
    parser.add_argument("--n", type=int)
    parser.add_argument("--weighted", action="store_const", const=True)
    parser.add_argument("--min-features", type=int, help="fewest features for a calibration")
    parser.add_argument("--encoder")
    options = parser.parse_args()
    try:
        lines = read_gold(options.gold)
        lines = [line for line in lines if options.half in (None, line.half)]
        routes = routes_of([line.feature for line in lines if line.chosen], options)
    except GraphLabelError as error:
        parser.error(str(error))
    left_out = Counter(line.status for line in lines if not line.chosen)
    if left_out:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(left_out.items()))
        print(f"left out of the gold: {counts}")
    for half in sorted({line.half for line in lines}):
        part = [line for line in lines if line.half == half]
        show(half or "all", part, routes)
        if any(line.clear for line in part):
            show(f"{half}, the clear subset", [line for line in part if line.clear], routes)
        if any(line.also for line in part):
            one_sided = [line for line in part if not line.also]
            show(f"{half}, no other class alike as well", one_sided, routes)


if __name__ == "__main__":
    main()

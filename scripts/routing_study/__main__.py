"""Run the study: `python -m scripts.routing_study [--gold DIR] [--encoder NAME_OR_FOLDER]…`.

Writes the page and its figures. Without `--gold` it is about atlas alone; each further encoder is
tried with the default settings. Takes about a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.routing import shuffled
from graphlabel.embedding import Encoder, load_encoder
from graphlabel.protocol import CalibratedSettings, switched_on
from graphlabel.protocol.selectivity import selectivity
from graphlabel.protocol.study import ScoreBank, Settings
from scripts.routing_study import figures, tables, variants
from scripts.routing_study.judging import Verdict
from scripts.routing_study.sets import Gold, atlas_gold, folder_gold

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "studies" / "routing.md"
DRAWS = 20_000


class Judge:
    """Gold sets with their scores under one encoder."""

    def __init__(self, atlas: Gold, real: Sequence[Gold], encoder: Encoder) -> None:
        """Keep a bank of scores for every source."""
        self.encoder, self.golds = encoder, (atlas, real)
        self._banks = [(_bank(atlas, encoder), [atlas.of_half("dev"), atlas.of_half("held-out")])]
        self._banks += [(_bank(each, encoder), [each]) for each in real]
        self._fewest = [200, *(100 for _ in real)]

    @property
    def sets(self) -> list[Gold]:
        """The sets, in the order of the verdicts."""
        return [gold for _, golds in self._banks for gold in golds]

    def verdicts(self, settings: Settings) -> list[Verdict]:
        """What a rule gives on every set."""
        found = []
        for (bank, golds), fewest in zip(self._banks, self._fewest, strict=True):
            used = settings
            if isinstance(settings, CalibratedSettings):
                used = replace(settings, min_features=fewest)
            classes = bank.classes(used)
            found += [Verdict.of(gold, classes) for gold in golds]
        return found

    def shares(self) -> Iterator[tuple[str, float, float]]:
        """Gold class and selectivity of both sides, for the dev half."""
        gold = self._banks[0][1][0]
        for record in gold.records:
            if record.key in gold.classes:
                found = selectivity(record)
                yield gold.classes[record.key], found["input"].share, found["output"].share


def _bank(gold: Gold, encoder: Encoder) -> ScoreBank:
    judged = [record for record in gold.records if record.key in gold.classes]
    return ScoreBank(
        judged,
        encoder,
        calibrate_on=gold.records,
        extensions=lambda settings, used: switched_on(settings, used, lambda: gold.records),
    )


def run(judge: Judge, others: Mapping[str, Encoder], folder: Path) -> dict[str, str]:
    """Everything the page needs, by the name of its place there."""
    names = [gold.name for gold in judge.sets]
    plain = CalibratedSettings(draws=DRAWS)
    before = variants.specified(plain)
    raw = {key: judge.verdicts(each) for key, each in variants.raw(weighted=False).items()}
    weighted = {key: judge.verdicts(each) for key, each in variants.raw(weighted=True).items()}
    thetas = {key: judge.verdicts(each) for key, each in variants.thetas(plain).items()}
    old = {key: judge.verdicts(each) for key, each in variants.thetas(before).items()}
    floors = {key: judge.verdicts(each) for key, each in variants.floors(plain).items()}
    rows = {}
    for title, settings in variants.changes(plain).items():
        print(title, flush=True)
        rows[title] = judge.verdicts(settings)
    default = rows["the default"]
    kinds: dict[str, list[tuple[float, float]]] = {}
    for name, at, after in judge.shares():
        kinds.setdefault(name, []).append((at, after))
    figures.thresholds(
        folder / "study-thresholds.svg",
        {
            "calibrated, the default": {key: each[0] for key, each in thetas.items()},
            "calibrated, top examples alone": {key: each[0] for key, each in old.items()},
            "raw": {key: each[0] for key, each in raw.items()},
            "raw, weighted": {key: each[0] for key, each in weighted.items()},
        },
        {"shuffled gold": shuffled(default[0].gold, default[0].routed)[0]},
    )
    figures.scatter(
        folder / "study-selectivity.svg",
        {name: kinds[name] for name in ("input", "output", "obscure") if name in kinds},
        ("share fired on, of places with its peak tokens", "… before its next tokens"),
    )
    figures.bars(folder / "study-recall.svg", dict(zip(names, default, strict=True)))
    encoders = {f"{judge.encoder.name} (default)": default}
    for name, encoder in others.items():
        print(name, flush=True)
        encoders[name] = Judge(*judge.golds, encoder).verdicts(plain)
    chance = [shuffled(verdict.gold, verdict.routed) for verdict in default]
    return {
        "raw": tables.comparison({f"τ = {key}": each for key, each in raw.items()}, names),
        "weighted": tables.comparison(
            {f"τ = {key}, weighted": each for key, each in weighted.items()}, names
        ),
        "before": tables.comparison({f"θ = {key}": each for key, each in old.items()}, names),
        "theta": tables.comparison({f"θ = {key}": each for key, each in thetas.items()}, names),
        "floor": tables.comparison({f"floor {key}": each for key, each in floors.items()}, names),
        "changes": tables.comparison(rows, names),
        "encoders": tables.comparison(encoders, names),
        "recalls": "\n\n".join(
            f"**{name}**: macro-F1 {verdict.macro_f1:.3f}, with shuffled gold "
            f"{mean:.3f} ± {deviation:.3f}\n\n{tables.recalls(verdict)}"
            for name, verdict, (mean, deviation) in zip(names, default, chance, strict=True)
        ),
    }


def main() -> None:
    """Run the study and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, action="append", default=[])
    parser.add_argument("--encoder", action="append", default=[])
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    images = options.page.parent.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    judge = Judge(atlas_gold(), [folder_gold(path) for path in options.gold], load_encoder())
    others = {Path(name).name: load_encoder(name) for name in options.encoder}
    page = (HERE / "page.md").read_text(encoding="utf-8")
    for place, text in run(judge, others, images).items():
        page = page.replace(f"{{{{{place}}}}}", text)
    options.page.write_text(page, encoding="utf-8")
    print(f"wrote {options.page}")


if __name__ == "__main__":
    main()

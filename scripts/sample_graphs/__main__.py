"""Make the sample graphs of SmolLM2 again: index, trace, route, label, edits by hand, test, write.

Run from the repository root: `python -m scripts.sample_graphs --model MODEL.gguf
--transcoders DIR --corpus TEXT --work out/samples -o sample_graphs`. What is in the work folder
already is not made again. `graphlabel transcoders train` makes the transcoders.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from graphlabel.cli.pipeline import source_for
from graphlabel.export.feature_json import feature_numbers, write_feature_files
from graphlabel.files import GraphDocument, read_graph, write_graph
from graphlabel.graph import FeatureKey
from graphlabel.models import load_language_model, load_transcoders
from scripts.sample_graphs.hypotheses import Tested, table, tested
from scripts.sample_graphs.readme import evaluation_table, graphs_table, with_tables
from scripts.sample_graphs.samples import Samples, edited, read_samples

INDEX = ("--top", "12", "--quantiles", "5", "--per-quantile", "3", "--radius", "10")
TRACE = (
    "--node-threshold", "0.8", "--edge-threshold", "0.95", "--max-feature-nodes", "600",
    "--max-n-logits", "5",
)  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Where everything is."""

    model: Path
    transcoders: Path
    corpus: Path
    tokens: int
    work: Path
    out: Path

    @property
    def index(self) -> Path:
        """The feature index of the whole set, which is too large for the repository."""
        return self.work / "index"

    @property
    def of_set(self) -> tuple[str, ...]:
        """The options that name model and transcoders."""
        return "--model", str(self.model), "--transcoders", str(self.transcoders)


def graphlabel(*arguments: str | Path) -> None:
    """Run a command of the tool, as anybody would."""
    print("graphlabel", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "graphlabel", *map(str, arguments)], check=True)


def traced(places: Places, samples: Samples) -> None:
    """Index, trace, route, label tier 1."""
    if not places.index.is_dir():
        graphlabel(
            "features", "build", *places.of_set, "--corpus", places.corpus, "--tokens",
            str(places.tokens), "--dtype", "bfloat16", *INDEX, "-o", places.index,
        )  # fmt: skip
    prompts = places.work / "prompts.jsonl"
    asked = [{"prompt": each.prompt, "slug": each.slug} for each in samples.samples]
    prompts.write_bytes(b"\n".join(map(msgspec.json.encode, asked)))
    graphlabel(
        "trace-many", prompts, *places.of_set, *TRACE, "--features", places.index, "-o",
        places.work / "graphs",
    )  # fmt: skip


def written(places: Places, samples: Samples) -> dict[str, GraphDocument]:
    """The graphs with the recorded edits, and the evidence of all their features together."""
    documents = {}
    numbers: dict[FeatureKey, int] = {}
    for each in samples.samples:
        document = edited(read_graph(places.work / "graphs" / f"{each.slug}.json"), samples, each)
        write_graph(document, places.out / f"{each.slug}.json")
        numbers |= feature_numbers(document, as_read=False)
        documents[each.slug] = document
    source = source_for(next(iter(documents.values())), [str(places.index)])
    folder = places.out / "features"
    for old in folder.glob("*"):
        old.unlink()
    write_feature_files(numbers, source, folder, lambda *_: None)
    for single in folder.glob("*.json"):
        single.unlink()  # the packed files hold the same
    return documents


def tests_of(places: Places, samples: Samples, documents: dict[str, GraphDocument]) -> list[Tested]:
    """The hypothesis tests of every graph."""
    model, transcoders = (
        load_language_model(str(places.model)),
        load_transcoders(str(places.transcoders)),
    )
    return [
        result
        for each in samples.samples
        for result in tested(documents[each.slug], each, model, transcoders)
    ]


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--transcoders", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=100_000, help="of the index")
    parser.add_argument("--work", type=Path, default=Path("out/samples"))
    parser.add_argument("-o", "--out", type=Path, default=Path("sample_graphs"))
    parser.add_argument("--no-tests", action="store_true", help="leave the interventions out")
    asked = vars(parser.parse_args())
    with_tests = not asked.pop("no_tests")
    places, samples = Places(**asked), read_samples()
    for folder in (places.work, places.out):
        folder.mkdir(parents=True, exist_ok=True)
    traced(places, samples)
    documents = written(places, samples)
    tables = {
        "graphs": graphs_table(samples, documents),
        "evaluation": evaluation_table(places.transcoders),
    }
    if with_tests:
        tables["hypotheses"] = table(tests_of(places, samples, documents))
    readme = places.out / "README.md"
    if readme.is_file():
        readme.write_text(with_tables(readme.read_text("utf-8"), tables), "utf-8")
    else:
        print("\n\n".join(tables.values()))


if __name__ == "__main__":
    main()

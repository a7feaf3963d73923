"""Make the sample graphs of atlas again: trace, route, label, edits by hand, test, write.

Run from the repository root: `python -m scripts.sample_graphs.atlas -o sample_graphs`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from graphlabel import api, atlas
from graphlabel.cli.pipeline import source_for
from graphlabel.export.feature_json import feature_numbers, write_feature_files
from graphlabel.files import GraphDocument, write_graph
from graphlabel.graph import FeatureKey
from graphlabel.models import load_language_model, load_transcoders
from scripts.sample_graphs.hypotheses import table, tested
from scripts.sample_graphs.readme import graphs_table, with_tables
from scripts.sample_graphs.samples import Sample, edited, read_samples

NODE_THRESHOLD = 0.95
"""Atlas's graphs are small: at the usual 0.8 a few features are left."""


def made(sample: Sample) -> GraphDocument:
    """The traced graph, routed, its first tier labelled."""
    document = api.trace(
        sample.prompt,
        model=atlas.MODEL_FOLDER,
        transcoders=atlas.TRANSCODERS_FOLDER,
        slug=sample.slug,
        node_threshold=NODE_THRESHOLD,
    )
    return api.label(api.route(document, atlas.INDEX_FOLDER), atlas.INDEX_FOLDER)


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("sample_graphs"))
    out: Path = parser.parse_args().out
    samples = read_samples(Path(__file__).with_name("atlas.json"))
    documents = {each.slug: edited(made(each), samples, each) for each in samples.samples}
    numbers: dict[FeatureKey, int] = {}
    for slug, document in documents.items():
        write_graph(document, out / f"{slug}.json")
        numbers |= feature_numbers(document, as_read=False)
    folder = out / "atlas-features"
    for old in folder.glob("*"):
        old.unlink()
    source = source_for(next(iter(documents.values())), [str(atlas.INDEX_FOLDER)])
    write_feature_files(numbers, source, folder, lambda *_: None)
    for single in folder.glob("*.json"):
        single.unlink()  # the packed files hold the same
    model = load_language_model(str(atlas.MODEL_FOLDER))
    transcoders = load_transcoders(str(atlas.TRANSCODERS_FOLDER))
    results = [
        result
        for each in samples.samples
        for result in tested(documents[each.slug], each, model, transcoders)
    ]
    tables = {"atlas": f"{graphs_table(samples, documents)}\n\n{table(results)}"}
    readme = out / "README.md"
    readme.write_text(with_tables(readme.read_text("utf-8"), tables), "utf-8")


if __name__ == "__main__":
    main()

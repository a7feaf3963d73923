"""Every sample graph opens, carries its evidence, leaves in every format, and is small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graphlabel.cli.pipeline import source_for
from graphlabel.export import ExportOptions, export_graph
from graphlabel.export.formats import FORMATS
from graphlabel.files import GraphDocument, encode_graph, read_graph
from graphlabel.files.lint.lint import lint_graph
from graphlabel.graph import NodeKind
from scripts.sample_graphs import atlas
from scripts.sample_graphs.readme import with_tables
from scripts.sample_graphs.samples import Sample, edited, read_samples

FOLDER = Path(__file__).resolve().parent.parent / "sample_graphs"
EVIDENCE = {"smol": FOLDER / "features", "atlas": FOLDER / "atlas-features"}
GRAPHS = sorted(path for path in FOLDER.glob("*.json"))
RECORDS = {
    "smol": read_samples(),
    "atlas": read_samples(Path(atlas.__file__).with_name("atlas.json")),
}
SAMPLES = [sample for record in RECORDS.values() for sample in record.samples]
MEGABYTE = 1_000_000


def opened(sample: Sample) -> GraphDocument:
    return read_graph(FOLDER / f"{sample.slug}.json")


def evidence(slug: str) -> list[str]:
    return [str(EVIDENCE["atlas" if slug.startswith("atlas-") else "smol"])]


def named(sample: Sample) -> str:
    return sample.slug


def test_all_samples_are_there_and_small() -> None:
    assert {sample.slug for sample in SAMPLES} <= {path.stem for path in GRAPHS}
    assert len(SAMPLES) >= 10
    assert {path.stem for path in GRAPHS} <= {sample.slug for sample in SAMPLES}
    assert max(path.stat().st_size for path in GRAPHS) <= 3 * MEGABYTE
    everything = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in everything) <= 20 * MEGABYTE


@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_sample_is_a_sound_file(path: Path) -> None:
    assert not lint_graph(path).problems
    assert encode_graph(read_graph(path)) == path.read_bytes()


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_the_model_gives_the_answer(sample: Sample) -> None:
    graph = opened(sample).graph
    assert graph.prompt.endswith(sample.prompt)
    logits = [graph.nodes[place] for place in graph.places(NodeKind.LOGIT)]
    assert max(logits, key=lambda node: node.probability or 0.0).text == sample.answer


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_every_feature_has_its_evidence_and_class(sample: Sample) -> None:
    document = opened(sample)
    source = source_for(document, evidence(sample.slug))
    for place in document.graph.places(NodeKind.FEATURE):
        key = document.graph.nodes[place].key
        record = source.get(key.feature_key)
        assert record is not None
        assert record.top_logits
        if record.quantiles:
            assert document.annotations.routing_of(key) is not None


@pytest.mark.parametrize("sample", SAMPLES, ids=named)
def test_a_sample_was_grouped_and_tested(sample: Sample) -> None:
    annotations = opened(sample).annotations
    assert sample.tests
    page = (FOLDER / "README.md").read_text("utf-8")
    for name in sample.tests:
        assert f"| {sample.slug} | {name} (" in page
    for name in sample.groups:
        assert annotations.supernode(name) is not None


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: path.stem)
def test_a_sample_leaves_in_every_format(path: Path, to: str, tmp_path: Path) -> None:
    document = read_graph(path)
    features = None
    if FORMATS[to].takes_evidence:
        features = source_for(document, evidence(path.stem))
    target = tmp_path / f"{path.stem}{FORMATS[to].suffix}"
    export_graph(document, to, target, ExportOptions(features=features))
    assert target.stat().st_size > 0
    if to in ("same", "neuronpedia", "circuit-tracer"):
        again = read_graph(target)
        assert len(again.graph.nodes) == len(document.graph.nodes)
        assert {group.name for group in again.annotations.supernodes} == {
            group.name for group in document.annotations.supernodes
        }


def test_tables_take_their_place_in_a_page() -> None:
    page = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n<!-- two -->\n<!-- /two -->\n"
    made = with_tables(with_tables(page, {"one": "1"}), {"one": "2", "two": "3"})
    assert made == (
        "a\n<!-- one -->\n\n2\n\n<!-- /one -->\nb\n<!-- two -->\n\n3\n\n<!-- /two -->\n"
    )


def test_edits_are_not_made_in_graphs_of_other_transcoders() -> None:
    samples = read_samples()
    document = opened(samples.samples[0])
    assert (
        edited(document, replace(samples, transcoders="sha256:0"), samples.samples[0]) is document
    )

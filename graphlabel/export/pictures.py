"""The supernode graph as a picture file."""

from __future__ import annotations

from collections.abc import Iterator

from graphlabel.export.options import ExportOptions
from graphlabel.export.picture import DARK, LIGHT, Scene, Words, draw_svg, scene_of, svg_to_png
from graphlabel.export.picture.text import shortened
from graphlabel.export.scores import score_caption
from graphlabel.files import GraphDocument

MOST_TITLE = 200
MOST_PROMPT = 5000


def svg(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """The picture as SVG."""
    yield _drawn(document, options).encode()


def png(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """The picture as PNG at twice its size."""
    yield svg_to_png(_drawn(document, options))


def picture_words(document: GraphDocument, scene: Scene) -> Words:
    """What stands around the picture: slug, prompt, what is shown, of which graph, its scores."""
    graph = document.graph
    drawn = f"{len(scene.edges)} of {scene.n_edges} links between boxes drawn"
    source = [name for name in (graph.source.model, graph.source.transcoders) if name]
    whole = f"{len(graph):,} nodes, {len(graph.edges):,} links in the graph"
    said = (f"{scene.shown}; {drawn}", " · ".join((*source, whole)), score_caption(document))
    prompt = graph.prompt or "".join(graph.tokens)
    return Words(
        shortened(document.slug, MOST_TITLE),
        shortened(prompt, MOST_PROMPT),
        tuple(filter(None, said)),
    )


def _drawn(document: GraphDocument, options: ExportOptions) -> str:
    scene = scene_of(document)
    return draw_svg(scene, picture_words(document, scene), DARK if options.dark else LIGHT)

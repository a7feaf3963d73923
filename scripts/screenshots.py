"""Makes the pictures of the workbench and of exported graphs from the sample graphs.

Run from the repository root: python scripts/screenshots.py -o docs/images
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.evidence import open_source
from graphlabel.export import ExportOptions, export_graph
from graphlabel.files import read_graph
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.proposal_list import ProposalList

SAMPLES = Path("sample_graphs")
EVIDENCE = {"france": SAMPLES / "features", "atlas-dallas": SAMPLES / "atlas-features"}
WIDE, SMALL = (120, 40), (80, 24)
PATIENCE_S = 300
"""Suggestions are made by another process, which first loads the sentence encoder."""


class Shot(NamedTuple):
    """A picture of the workbench: its name, the sample, the selected node, the keys pressed."""

    name: str
    sample: str
    node: str
    keys: Sequence[str] = ()
    size: tuple[int, int] = WIDE
    proposals: bool = False


SHOTS = (
    Shot("ui-france", "france", "L24 #1037 @5"),
    Shot("ui-france-label", "france", "L29 #1842 @5", ("e",)),
    Shot("ui-france-suggest", "france", "L24 #1037 @5", ("s",), proposals=True),
    Shot("ui-dallas", "atlas-dallas", "L2 #588 @10"),
    Shot("ui-dallas-80x24", "atlas-dallas", "L2 #588 @10", ("2",), SMALL),
)


class Drawing(NamedTuple):
    """A picture of a sample's supernodes."""

    name: str
    sample: str
    options: ExportOptions = ExportOptions()


DRAWINGS = (
    Drawing("export-france", "france"),
    Drawing("export-dallas", "atlas-dallas"),
    Drawing("export-dallas-dark", "atlas-dallas", ExportOptions(dark=True)),
)


async def take(shot: Shot, graph: Path) -> str:
    """One picture as SVG text; the workbench may write to the graph."""
    source = open_source(EVIDENCE[shot.sample])
    session = Session(read_graph(graph), graph, source=source, author="you")
    keys = {str(each.key): each.key for each in session.graph.nodes}
    session.selected = keys[shot.node]
    app = GraphLabelApp(session)
    async with app.run_test(size=shot.size) as pilot:
        await pilot.press(*shot.keys)
        await pilot.pause()
        if shot.proposals:
            async with asyncio.timeout(PATIENCE_S):
                while not app.screen.query_one(ProposalList).proposals:
                    await pilot.pause(1)
            await pilot.pause()
        return app.export_screenshot(title=f"graphlabel · {session.document.slug}")


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    out: Path = parser.parse_args().output
    for shot in SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copy(SAMPLES / f"{shot.sample}.json", folder)
            picture = asyncio.run(take(shot, Path(copy)))
        path = out / f"{shot.name}.svg"
        write_bytes(path, picture.encode(), ExportError)
        print(path)
    for drawing in DRAWINGS:
        path = out / f"{drawing.name}.svg"
        document = read_graph(SAMPLES / f"{drawing.sample}.json")
        export_graph(document, "svg", path, drawing.options)
        print(path)


if __name__ == "__main__":
    main()

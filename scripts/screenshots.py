"""Makes the README's pictures of the workbench from an annotated graph and its feature index.

python scripts/screenshots.py GRAPH --features INDEX -o docs/images
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from graphlabel.annotation import FeatureClass, Group
from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.evidence import open_source
from graphlabel.files import read_graph
from graphlabel.graph import NodeKey, NodeKind
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.session import Session
from graphlabel_tui.theme import LIGHT


class Shot(NamedTuple):
    """A picture: its name, the terminal's size, the keys pressed first, and the theme."""

    name: str
    size: tuple[int, int]
    keys: Sequence[str] = ()
    theme: str = ""


SHOTS = (
    Shot("ui-80x24", (80, 24)),
    Shot("ui-feature-80x24", (80, 24), ("2",)),
    Shot("ui-nodes-80x24", (80, 24), ("3",)),
    Shot("ui-100x30", (100, 30)),
    Shot("ui-120x40", (120, 40)),
    Shot("ui-light-120x40", (120, 40), theme=LIGHT.name),
    Shot("ui-label-120x40", (120, 40), ("e", "end")),
    Shot("ui-200x60", (200, 60)),
)


def telling_node(session: Session) -> NodeKey | None:
    """A node worth showing: an influential feature whose label names the likeliest next token."""
    annotations = session.annotations
    logits = [node for node in session.graph.nodes if node.probability is not None]
    answer = max(logits, key=lambda node: node.probability or 0.0).text.strip() if logits else ""

    def merit(key: NodeKey) -> tuple[bool, bool, float]:
        label, influence = annotations.label_of(key), session.node(key).influence
        named = label is not None and bool(answer) and answer in label.text
        return named, label is not None, -(influence or 0.0)

    features = [node.key for node in session.graph.nodes if node.is_feature]
    return max(features, key=merit, default=None)


def group_for_show(session: Session, most: int = 12) -> None:
    """Group the most influential nodes by the token they stand at and what they do there."""
    annotations, groups = session.annotations, dict[str, list[NodeKey]]()
    ranked = sorted(session.graph.nodes, key=lambda node: node.influence or 0.0)
    for node in ranked:
        token, routing = node.text.strip(), annotations.routing_of(node.key)
        if node.key.kind is NodeKind.LOGIT:
            groups.setdefault(token, []).append(node.key)
        elif node.is_feature and routing and sum(map(len, groups.values())) < most:
            name = {FeatureClass.INPUT: token, FeatureClass.OUTPUT: f"{token} → say …"}
            if routing.feature_class in name:
                groups.setdefault(name[routing.feature_class], []).append(node.key)
    for name, members in groups.items():
        session.do(Group(name, tuple(members)))


async def take(shot: Shot, graph: Path, features: Path | None, node: str | None) -> str:
    """One picture as SVG text."""
    source = open_source(features) if features else None
    session = Session(read_graph(graph), graph, source=source, author="you")
    keys = {str(each.key): each.key for each in session.graph.nodes}
    session.selected = keys[node] if node else telling_node(session)
    group_for_show(session)
    app = GraphLabelApp(session)
    if shot.theme:
        app.theme = shot.theme
    async with app.run_test(size=shot.size) as pilot:
        await pilot.press(*shot.keys)
        await pilot.pause()
        return app.export_screenshot(title=f"graphlabel · {session.document.slug}")


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path, help="an annotated graph file")
    parser.add_argument("--features", type=Path, help="its feature index")
    parser.add_argument("--node", help="the node to select, such as 'L2 #214 @10'")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    for shot in SHOTS:
        picture = asyncio.run(take(shot, given.graph, given.features, given.node))
        path = given.output / f"{shot.name}.svg"
        write_bytes(path, picture.encode(), ExportError)
        print(path)


if __name__ == "__main__":
    main()

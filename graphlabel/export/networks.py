"""The whole graph for graph tools: GraphML, GEXF and DOT, written as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from graphlabel.export.markup import attribute, element, text
from graphlabel.export.options import ExportOptions
from graphlabel.export.tables import INTEGERS, NUMBERS, Cell, Row, node_rows
from graphlabel.files import GraphDocument
from graphlabel.inert import inert

GRAPHML = "http://graphml.graphdrawing.org/xmlns"
GEXF = "http://gexf.net/1.3"
_DOT_SHAPES = {"feature": "box", "error": "diamond", "token": "ellipse", "logit": "ellipse"}


def graphml(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """GraphML: node columns as in the table, ``weight`` on links."""
    rows = list(node_rows(document))
    columns = list(rows[0]) if rows else []
    head = "".join(_graphml_key(name, "node", _type(name, "long", "string")) for name in columns)
    head += _graphml_key("weight", "edge", "double")
    said = {"prompt": document.graph.prompt, "model": document.graph.source.model}
    head += "".join(_graphml_key(name, "graph", "string") for name in said)
    data = "".join(_graphml_data(name, value) for name, value in said.items())
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="{GRAPHML}">\n{head}'
        f'<graph edgedefault="directed">\n{data}'
    ).encode()
    names = _unique(rows)
    for name, row in zip(names, rows, strict=True):
        inner = "".join(_graphml_data(k, value) for k, value in row.items() if value is not None)
        yield f"<node id={attribute(name)}>{inner}</node>\n".encode()
    for source, target, weight in _links(document, [attribute(name) for name in names]):
        link = f'<edge source={source} target={target}><data key="weight">{weight}</data></edge>\n'
        yield link.encode()
    yield b"</graph>\n</graphml>\n"


def _graphml_key(name: str, domain: str, kind: str) -> str:
    key = {"id": name, "for": domain, "attr.name": name, "attr.type": kind}
    return element("key", key) + "\n"


def _graphml_data(name: str, value: Cell) -> str:
    return f'<data key="{name}">{text(value)}</data>'


def _type(column: str, whole: str, words: str) -> str:
    return whole if column in INTEGERS else "double" if column in NUMBERS else words


def gexf(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """GEXF 1.3 for Gephi: node columns as attributes, signed ``weight`` on links."""
    rows = list(node_rows(document))
    columns = list(rows[0]) if rows else []
    attributes = "".join(
        element("attribute", {"id": name, "title": name, "type": _type(name, "long", "string")})
        for name in columns
    )
    said = element("description", {}, text(document.graph.prompt))
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="{GEXF}" version="1.3">\n'
        f'<meta>{said}</meta>\n<graph defaultedgetype="directed" mode="static">\n'
        f'<attributes class="node" mode="static">{attributes}</attributes>\n<nodes>\n'
    ).encode()
    names = _unique(rows)
    for name, row in zip(names, rows, strict=True):
        inner = "".join(
            f'<attvalue for="{column}" value={attribute(value)}/>'
            for column, value in row.items()
            if value is not None
        )
        shown = attribute(_label(row))
        head = f"<node id={attribute(name)} label={shown}>"
        yield f"{head}<attvalues>{inner}</attvalues></node>\n".encode()
    yield b"</nodes>\n<edges>\n"
    number = count()
    for source, target, weight in _links(document, [attribute(name) for name in names]):
        link = f'<edge id="{next(number)}" source={source} target={target} weight="{weight}"/>\n'
        yield link.encode()
    yield b"</edges>\n</graph>\n</gexf>\n"


def dot(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """DOT for Graphviz: supernodes as clusters, negative links dashed and orange."""
    rows = list(node_rows(document))
    names = [_quoted(name) for name in _unique(rows)]
    title = _quoted(document.graph.prompt)
    yield (
        f"digraph {_quoted(document.slug)} {{\n  rankdir=BT; label={title}; labelloc=t;\n"
        '  node [fontname="sans-serif", style=filled, fillcolor=white];\n'
    ).encode()
    groups: dict[str, list[str]] = {}
    for name, row in zip(names, rows, strict=True):
        shape = _DOT_SHAPES.get(str(row["kind"]), "box")
        kind = f"kind={row['kind']}, layer={row['layer']}, position={row['position']}"
        yield f"  {name} [label={_quoted(_label(row))}, shape={shape}, {kind}];\n".encode()
        if row["supernode"] is not None:
            groups.setdefault(str(row["supernode"]), []).append(name)
    for number, (group, members) in enumerate(groups.items()):
        inner = "; ".join(members)
        yield f"  subgraph cluster_{number} {{ label={_quoted(group)}; {inner}; }}\n".encode()
    for source, target, weight in _links(document, names):
        look = ', style=dashed, color="#d55e00"' if weight < 0 else ', color="#0072b2"'
        yield f"  {source} -> {target} [effect={weight}{look}];\n".encode()
    yield b"}\n"


def _quoted(value: str) -> str:
    """A DOT string; backslashes are doubled, for Graphviz replaces escapes in labels."""
    return '"' + re.sub(r'(["\\])', r"\\\1", inert(value)) + '"'


def _label(row: Row) -> str:
    if row["label"]:
        return str(row["label"])
    if row["kind"] in ("token", "logit"):
        return str(row["token"])
    return str(row["node_id"])


def _links(document: GraphDocument, names: list[str]) -> Iterator[tuple[str, str, float]]:
    edges = document.graph.edges
    rows = zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
    return ((names[source], names[target], weight) for source, target, weight in rows)


def _unique(rows: list[Row]) -> list[str]:
    """The nodes' ids as other tools need them: inert, none twice."""
    seen: dict[str, int] = {}
    result = []
    for row in rows:
        name = inert(str(row["node_id"]))
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result

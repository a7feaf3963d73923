"""A small annotated graph, its evidence, and the texts that attack programs which show them."""

from __future__ import annotations

from collections.abc import Iterator

from graphlabel.annotation import (  # fmt: skip
    FeatureClass,
    Group,
    History,
    Origin,
    Provenance,
    Routing,
    SetLabel,
    SetNote,
    TogglePin,
    WindowScore,
)
from graphlabel.evidence.source import PlainNames
from graphlabel.files import GraphDocument, new_document
from graphlabel.graph import (  # fmt: skip
    AttributionGraph,
    Edges,
    FeatureKey,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)
from graphlabel.records import (  # fmt: skip
    ActivationExample,
    Explanation,
    FeatureRecord,
    Histogram,
    LogitEffect,
    Quantile,
    TranscoderSet,
)

ME = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")
SET = TranscoderSet("atlas", "set")

HOSTILE = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "--><img src=x onerror=window.pwned=1>",
    "]]>&amp;&#60;",
    "\x1b[31mred\x1b[0m",
    "[red]markup[/red]",
    "abc\u202egpj.exe\u2066x",
    "line\u2028para\u2029end\n\r\t",
    "=cmd()|' /C calc'!A0",
    '"quoted\\" \\N {a|b};',
    "{data}{title}",
    "\ud800half\uffff",
    "null\x00byte",
)


def document(
    label: str = "Dallas", *, token: str = " Dallas", group: str = "the city"
) -> GraphDocument:
    """Two features of one supernode or none, an error, two tokens, a logit; the first is routed."""
    nodes = (
        Node(NodeKey(NodeKind.FEATURE, 0, 1, 1), token, 2.5, 0.4),
        Node(NodeKey(NodeKind.FEATURE, 1, 7, 1), token, 1.25, 0.6),
        Node(NodeKey(NodeKind.ERROR, 1, -1, 1), token, None, 0.7),
        Node(NodeKey(NodeKind.TOKEN, -1, 1, 0), "<bos>", None, 0.9),
        Node(NodeKey(NodeKind.TOKEN, -1, 6, 1), token, None, 0.2),
        Node(NodeKey(NodeKind.LOGIT, 2, 9, 1), " Austin", probability=0.9),
    )
    edges = Edges.of(
        [4, 3, 0, 4, 0, 1, 2], [0, 0, 1, 1, 5, 5, 5], [1.5, 0.5, 2.0, 0.25, 1.0, -2.5, 0.5]
    )
    graph = AttributionGraph(
        "in" + token, ("<bos>", token), nodes, edges, 2, GraphSource("atlas", "r", "set"), (1, 6)
    )
    made = new_document(graph, "dallas")
    history = History(made.annotations)
    history.do(SetLabel((nodes[0].key,), label, ME))
    history.do(SetNote(nodes[0].key, "a note"))
    history.do(Group(group, (nodes[0].key,)))
    history.do(TogglePin((nodes[1].key,)))
    score = WindowScore(0.9, 0.8, 10, p=0.001, effect=0.7)
    routing = Routing(FeatureClass.INPUT, {"input": score, "output": None, "cross": None}, "alike")
    annotations = history.annotations.with_routings({nodes[0].key.feature_key: routing})
    return made.annotated(annotations)


class Evidence(PlainNames):
    """Evidence of the first feature only."""

    name = "evidence"
    kind = "fixture"
    transcoder_set: TranscoderSet | None = SET

    def __init__(self, token: str = " Dallas") -> None:
        self.token = token

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of feature 1 of layer 0."""
        if key != FeatureKey(0, 1):
            return None
        example = ActivationExample.of(("<bos>", "in", self.token, "."), (9.0, 0.0, 2.0, 0.5))
        return FeatureRecord(
            key,
            SET,
            (Quantile("top", (example,)), Quantile("q1", (example,))),
            (LogitEffect(self.token, 1.0),),
            (LogitEffect("no"),),
            0.01,
            2.0,
            Histogram(0.0, 2.0, (3, 1)),
            (Explanation("a city: " + self.token, "eleuther"),),
        )

    def keys(self) -> Iterator[FeatureKey]:
        """That one."""
        yield FeatureKey(0, 1)

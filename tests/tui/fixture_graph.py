"""The Dallas/Austin story by hand: about 40 nodes, four classes, labels, evidence, supernodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from graphlabel.annotation import (
    Annotations,
    FeatureClass,
    Label,
    LabelTarget,
    Origin,
    Provenance,
    Routing,
    Scope,
    Supernode,
    WindowScore,
)
from graphlabel.evidence.source import PlainNames
from graphlabel.files import GraphDocument, new_document
from graphlabel.graph import (
    TOKEN_LAYER,
    AttributionGraph,
    Edges,
    FeatureKey,
    GraphScores,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)
from graphlabel.records import (
    ActivationExample,
    Explanation,
    FeatureRecord,
    Histogram,
    LogitEffect,
    Quantile,
    TranscoderSet,
)
from graphlabel.store import Store
from graphlabel_tui.session import Session

TOKENS = ("<bos>", "Fact", ":", " the", " capital", " of", " the", " state", " containing",
          " Dallas", " is")  # fmt: skip
TIME = "2026-01-02T03:04:05Z"
N_LAYERS = 6

F, I, O, C, U = "feature", "input", "output", "cross", "obscure"  # noqa: E741

FEATURES: tuple[tuple[int, int, int, str, str, float, float], ...] = (
    # layer, feature, position, class, label, influence, activation
    (0, 11, 1, I, "Fact", 0.62, 3.1),
    (0, 44, 4, I, "capital", 0.34, 6.8),
    (0, 52, 7, I, "state", 0.41, 5.2),
    (0, 312, 9, I, "Dallas", 0.18, 9.6),
    (0, 313, 9, I, "Dallas", 0.52, 2.2),
    (0, 77, 10, I, "is", 0.70, 1.9),
    (1, 44, 4, I, "capital", 0.38, 6.1),
    (1, 90, 8, I, "containing", 0.66, 2.7),
    (1, 312, 9, I, "Dallas", 0.22, 8.8),
    (1, 401, 9, C, "", 0.47, 4.0),
    (2, 33, 9, C, "Texas", 0.15, 7.9),
    (2, 120, 4, C, "governments", 0.44, 3.3),
    (2, 214, 10, O, "say Austin", 0.12, 7.4),
    (2, 97, 10, U, "", 0.36, 2.6),
    (2, 51, 7, C, "", 0.49, 3.8),
    (3, 33, 10, C, "Texas", 0.09, 8.3),
    (3, 18, 10, O, "say a capital", 0.14, 6.6),
    (3, 97, 10, U, "", 0.21, 3.9),
    (3, 260, 8, "", "", 0.74, 1.1),
    (4, 214, 10, O, "say Austin", 0.07, 9.2),
    (4, 301, 10, O, "", 0.31, 4.4),
    (4, 88, 10, U, "", 0.58, 1.7),
    (5, 9, 10, O, "say Austin", 0.05, 11.5),
    (5, 402, 10, C, "[red]cities[/red]", 0.64, 2.0),
)

EDGES: tuple[tuple[tuple[int, int, int], tuple[int, int, int], float], ...] = (
    ((0, 44, 4), (1, 44, 4), 2.4), ((0, 312, 9), (1, 312, 9), 2.9),
    ((0, 313, 9), (1, 312, 9), 0.7), ((0, 52, 7), (2, 51, 7), 1.2),
    ((1, 44, 4), (2, 120, 4), 0.8), ((1, 312, 9), (2, 33, 9), 2.2),
    ((1, 401, 9), (2, 33, 9), -0.5), ((1, 90, 8), (3, 260, 8), 0.3),
    ((2, 33, 9), (3, 33, 10), 1.9), ((2, 120, 4), (3, 18, 10), 0.9),
    ((1, 44, 4), (3, 18, 10), 1.6), ((2, 51, 7), (3, 18, 10), 0.4),
    ((2, 214, 10), (4, 214, 10), 0.6), ((2, 97, 10), (3, 97, 10), 0.4),
    ((0, 77, 10), (2, 97, 10), 0.2), ((3, 33, 10), (4, 214, 10), 1.82),
    ((3, 18, 10), (4, 214, 10), 0.91), ((3, 97, 10), (4, 301, 10), 0.3),
    ((3, 18, 10), (5, 9, 10), 1.1), ((4, 214, 10), (5, 9, 10), 2.41),
    ((3, 33, 10), (5, 9, 10), 2.0), ((3, 260, 8), (4, 88, 10), -0.2),
    ((4, 301, 10), (5, 402, 10), 0.5), ((4, 88, 10), (5, 402, 10), 0.1),
    ((0, 11, 1), (2, 120, 4), 0.3), ((2, 33, 9), (2, 214, 10), 1.3),
)  # fmt: skip

REASONS = {
    I: "the tokens at the peak agree (10 of 10 are “{label}”), far above chance for two tokens",
    O: "next tokens agree (Austin 9/10), top logit Austin; far above chance for 2-token windows",
    C: "neither side alone is alike, but the whole windows are: effect 0.61 on 17 tokens",
    U: "nothing is alike: the best effect is 0.08, no better than chance; a person must look",
}

SCORES = {
    I: (0.97, 0.98, 0.31, 0.10, 0.41, 0.55),
    O: (0.34, 0.12, 0.97, 0.91, 0.41, 0.44),
    C: (0.22, 0.05, 0.26, 0.11, 0.52, 0.61),
    U: (0.18, 0.02, 0.21, 0.04, 0.09, 0.08),
}

STATES = (("Texas", "Austin"), ("Ohio", "Columbus"), ("Utah", "Salt"), ("Oregon", "Salem"))


def key_of(layer: int, feature: int, position: int) -> NodeKey:
    """The key of a feature node."""
    return NodeKey(NodeKind.FEATURE, layer, feature, position)


def routing(name: str, label: str) -> Routing:
    """A routing of a class with scores that fit it."""
    s_in, e_in, s_out, e_out, s_cross, e_cross = SCORES[name]

    def score(s: float, effect: float, window: tuple[int, int]) -> WindowScore:
        p = 0.0002 if effect > 0.5 else 0.31
        return WindowScore(s=s, weighted=s, n=10, window=window, p=p, effect=effect)

    return Routing(
        feature_class=FeatureClass(name),
        scores={
            "input": score(s_in, e_in, (-1, 0)),
            "output": score(s_out, e_out, (1, 2)),
            "cross": score(s_cross, e_cross, (-8, 8)),
        },
        reason=REASONS[name].format(label=label or "the"),
    )


def make_graph() -> AttributionGraph:
    """The graph."""
    nodes = [
        Node(key_of(layer, feature, at), TOKENS[at], activation=act, influence=infl)
        for layer, feature, at, _, _, infl, act in FEATURES
    ]
    for layer, at, infl in (
        (0, 9, 0.55),
        (2, 10, 0.29),
        (3, 10, 0.4),
        (4, 10, 0.51),
        (5, 10, 0.45),
    ):
        nodes.append(Node(NodeKey(NodeKind.ERROR, layer, -1, at), TOKENS[at], influence=infl))
    first_token = len(nodes)
    for at, token in enumerate(TOKENS):
        nodes.append(Node(NodeKey(NodeKind.TOKEN, TOKEN_LAYER, 100 + at, at), token))
    first_logit = len(nodes)
    for number, (token, share) in enumerate(((" Austin", 0.984), (" Houston", 0.006))):
        nodes.append(Node(NodeKey(NodeKind.LOGIT, N_LAYERS, number, 10), token, probability=share))
    place = {node.key: at for at, node in enumerate(nodes)}
    edges = [(place[key_of(*a)], place[key_of(*b)], w) for a, b, w in EDGES]
    for layer, feature, at, *_ in FEATURES:
        if layer == 0:
            edges.append((first_token + at, place[key_of(layer, feature, at)], 1.5 + at / 10))
    for source, weight in (((5, 9, 10), 3.3), ((4, 214, 10), 2.41), ((5, 402, 10), -0.4)):
        edges.append((place[key_of(*source)], first_logit, weight))
        edges.append((place[key_of(*source)], first_logit + 1, weight / 5))
    for layer, at, weight in ((0, 9, 0.2), (2, 10, 0.2), (3, 10, -0.3), (4, 10, 0.4), (5, 10, 0.5)):
        target = first_logit if layer else place[key_of(1, 312, 9)]
        edges.append((place[NodeKey(NodeKind.ERROR, layer, -1, at)], target, weight))
    return AttributionGraph(
        prompt="".join(TOKENS[1:]),
        tokens=TOKENS,
        nodes=tuple(nodes),
        edges=Edges.of(*map(list, zip(*edges, strict=True))),
        n_layers=N_LAYERS,
        source=GraphSource("atlas", transcoders="per-layer 512"),
        scores=GraphScores(0.71, 0.88),
    )


def make_annotations() -> Annotations:
    """Labels by the counter, by a model and by a person; routings; two supernodes."""
    labels: dict[LabelTarget, Label] = {}
    routings: dict[FeatureKey, Routing] = {}
    for layer, feature, _at, name, text, *_ in FEATURES:
        if name:
            routings[FeatureKey(layer, feature)] = routing(name, text)
        if not text:
            continue
        if name in (I, O):
            made = Provenance(Origin.MACHINE, "graphlabel", "token_count", time=TIME, score=0.9)
            labels[FeatureKey(layer, feature)] = Label(text, Scope.FEATURE, made)
        elif name == C:
            made = Provenance(Origin.MACHINE, "graphlabel", "auto_interp", "claude", TIME, 0.55)
            labels[FeatureKey(layer, feature)] = Label(text, Scope.FEATURE, made)
    mine = Provenance(Origin.PERSON, "sam", time=TIME)
    labels[key_of(4, 214, 10)] = Label("say Austin", Scope.OCCURRENCE, mine)
    groups = (
        Supernode("Dallas", (key_of(0, 312, 9), key_of(1, 312, 9))),
        Supernode("Texas", (key_of(2, 33, 9), key_of(3, 33, 10))),
        Supernode("capital", (key_of(0, 44, 4), key_of(1, 44, 4))),
        Supernode("say a capital", (key_of(3, 18, 10),)),
        Supernode("say Austin", (key_of(4, 214, 10), key_of(5, 9, 10))),
    )
    pinned = tuple(key for group in groups for key in group.members)
    notes = {key_of(3, 33, 10): "steer this one first"}
    return Annotations(labels, routings, groups, pinned, notes)


def example(tokens: list[str], peak: int, height: float) -> ActivationExample:
    """An example that rises before its peak."""
    values = [0.0] * len(tokens)
    values[peak] = height
    if peak >= 1:
        values[peak - 1] = height * 0.4
    return ActivationExample.of(tuple(tokens), tuple(values))


def make_record(key: FeatureKey) -> FeatureRecord:
    """Evidence that fits the story, different for every feature."""
    top = []
    for number, (state, city) in enumerate(STATES * 2):
        fact = f"<bos> … fact {number}: the capital of {state} is {city} ."
        tokens = [" " + word for word in f"{fact} The governor of {state} lives there .".split(" ")]
        tokens[0] = "<bos>"
        top.append(example(tokens, tokens.index(" is"), 12.0 - number - key.layer / 10))
    weak = (example([" a", " line\n", "\tbreak", " is", " next"], 3, 2.0 - key.layer / 10),)
    stretches = {"top": tuple(top), "q9": tuple(top[4:6]), "q5": weak, "q1": weak}
    counts = (90, 70, 44, 31, 22, 15, 11, 8, 6, 4, 4, 3, 2, 2, 1, 1, 1, 1, 2, 3)
    said = "capitals of states, just before the name"
    up = {" Austin": 1.21, " Texas": 0.84, " Waco": 0.5}
    down = {" Dallas": -0.92, " Houston": -0.61}
    return FeatureRecord(
        key=key,
        transcoder_set=TranscoderSet("atlas", "per-layer 512"),
        quantiles=tuple(Quantile(name, texts) for name, texts in stretches.items()),
        top_logits=tuple(LogitEffect(*each) for each in up.items()),
        bottom_logits=tuple(LogitEffect(*each) for each in down.items()),
        density=0.008,
        max_activation=12.0,
        histogram=Histogram(0.0, 12.0, counts),
        explanations=(Explanation(said, "auto_interp", "claude", 0.55),),
    )


class MemorySource(PlainNames):
    """Evidence in memory; layer 4 has none."""

    name = "the fixture"
    kind = "fixture"
    transcoder_set = TranscoderSet("atlas", "per-layer 512")

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature."""
        return None if key.layer == 4 else make_record(key)

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature of the graph."""
        return (FeatureKey(layer, feature) for layer, feature, *_ in FEATURES)


def dallas_document() -> GraphDocument:
    """The annotated document."""
    return new_document(make_graph(), "dallas").annotated(make_annotations())


def dallas_session(path: Path = Path("dallas.json"), store: Store | None = None) -> Session:
    """A session at “say Austin”, with evidence."""
    session = Session(dallas_document(), path, store, MemorySource(), author="sam")
    session.selected = key_of(2, 214, 10)
    return session


def hostile_session(text: str) -> Session:
    """The same session with one label, a note and the tokens written by a stranger."""
    document = dallas_document()
    annotations = document.annotations
    key = key_of(2, 214, 10)
    labels = {**annotations.labels, key: Label(text)}
    graph = replace(
        document.graph,
        tokens=(*document.graph.tokens[:-1], text),
        nodes=tuple(
            replace(node, text=text) if node.key.position == 10 else node
            for node in document.graph.nodes
        ),
    )
    document = replace(document, graph=graph, slug=text)
    notes = {**annotations.notes, key: text}
    groups = (*annotations.supernodes, Supernode(text, (key,)))
    written = replace(annotations, labels=labels, notes=notes, supernodes=groups)
    session = Session(document.annotated(written), Path("x.json"), None, MemorySource(), "sam")
    session.selected = key
    return session

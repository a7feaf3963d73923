"""Generated graphs in the form of every dialect, odd corners included."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from graphlabel.files.node_ids import cantor

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | plain,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(plain, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
extra = st.dictionaries(st.text("abcdef", min_size=6, max_size=8), values, max_size=2)
DIALECTS = ("circuit-tracer", "no schema", "neuronpedia", "neuronpedia (lorsa)", "anthropic", "eleutherai attribute", "graphlabel")  # fmt: skip


def node(dialect: str, kind: str, layer: int, index: int, position: int) -> dict[str, Any]:
    """A node as the dialect writes it."""
    lorsa, eleuther = dialect == "neuronpedia (lorsa)", dialect == "eleutherai attribute"
    types = {"feature": "cross layer transcoder", "attention": "lorsa", "error": "mlp reconstruction error",
             "attention error": "lorsa error", "token": "embedding", "logit": "logit"}  # fmt: skip
    ids = {
        "feature": f"intermediate_{position}_{layer}_{index}" if eleuther else f"{layer}_cro_{index}_{position}" if lorsa else f"{layer}_{index}_{position}",
        "attention": f"{layer}_lor_{index}_{position}",
        "error": f"error_{position}_{layer}" if eleuther else f"{layer}_error_mlp_{position}" if lorsa else f"0_{layer}_{position}",
        "attention error": f"{layer}_error_attn_{position}",
        "token": f"input_{position}" if eleuther else f"E_{100 + position}_{position}",
        "logit": f"output_{position}_{index}" if eleuther else f"{layer}_{index}_{position}",
    }  # fmt: skip
    coded = {"circuit-tracer": cantor(layer, index), "no schema": layer * 100_000 + index}.get(
        dialect, cantor(layer, index)
    )
    number: int | None = {
        "feature": coded,
        "attention": coded,
        "token": position,
        "logit": index,
    }.get(kind, -1)
    if (lorsa or eleuther) and kind in ("error", "attention error", "token"):
        number = None
    shown: int | str = (
        "E"
        if kind == "token"
        else "-1"
        if eleuther and kind == "logit"
        else layer
        if lorsa
        else str(layer)
    )
    js_id = f"{layer}_{index}_-{position}" if dialect == "anthropic" else f"{layer}_{index}-0"
    return {"node_id": ids[kind], "feature": number, "layer": shown, "ctx_idx": position,
            "feature_type": types[kind], "jsNodeId": js_id, "clerp": ""}  # fmt: skip


METADATA: dict[str, dict[str, Any]] = {
    "circuit-tracer": {"schema_version": 1, "transcoder_list": []},
    "no schema": {"node_threshold": 0.8},
    "neuronpedia": {"schema_version": 1, "info": {"create_time_ms": 1, "neuronpedia_source_set": "clt"}},
    "neuronpedia (lorsa)": {"schema_version": 1, "info": {}},
    "anthropic": {},
    "eleutherai attribute": {"n_layers": 3, "title_prefix": ""},
    "graphlabel": {"schema_version": 1, "info": {"generator": {"name": "graphlabel"}}},
}  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn, dialect: str) -> dict[str, Any]:
    """A small graph with unknown fields, shared ids, dangling links and lost pins."""
    n_positions = draw(st.integers(2, 4))
    places = st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(1, n_positions - 1))
    features = sorted(draw(st.sets(places, min_size=1, max_size=8)))
    nodes = [node(dialect, "feature", *place) for place in features]
    nodes += [node(dialect, "error", layer, 50 + layer, 1) for layer in range(3)]
    if dialect == "neuronpedia (lorsa)":
        nodes += [node(dialect, "attention", *place) for place in features[:3]]
        nodes += [node(dialect, "attention error", layer, 0, 1) for layer in range(3)]
    nodes += [node(dialect, "token", 0, position, position) for position in range(n_positions)]
    nodes.append(node(dialect, "logit", 4, 7, n_positions - 1))
    for each in nodes:
        each |= {
            "clerp": draw(plain),
            "influence": draw(st.none() | st.floats(0, 1)),
            **draw(extra),
        }
    ids = [each["node_id"] for each in nodes]
    js_ids = [each["jsNodeId"] for each in nodes]
    link = st.fixed_dictionaries(
        {"source": st.sampled_from([*ids, "nowhere"]), "target": st.sampled_from(ids),
         "weight": st.floats(-5, 5, allow_nan=False) | st.integers(-3, 3)},
    )  # fmt: skip
    with_extra = st.builds(lambda each, rest: {**rest, **each}, link, extra)
    links = draw(st.lists(link | with_extra, max_size=10))
    names = st.sampled_from([*(js_ids if dialect == "anthropic" else ids), "gone"])
    supernodes = st.lists(
        st.builds(lambda name, members: [name, *members], plain, st.lists(names, max_size=3)),
        max_size=3,
    )
    metadata = {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a"] * n_positions}
    q_params = {
        "pinnedIds": draw(st.lists(names, max_size=3)),
        "supernodes": draw(supernodes),
        **draw(extra),
    }
    return {
        "metadata": {**metadata, **METADATA[dialect], **draw(extra)},
        "qParams": q_params, "nodes": nodes, "links": links, **draw(extra),
    }  # fmt: skip

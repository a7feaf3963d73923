"""Checks of metadata and nodes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from graphlabel.files.lint.contents import LOGIT_LAYER, Contents
from graphlabel.files.lint.problem import Problem, shown
from graphlabel.files.node_ids import cantor
from graphlabel.graph import NodeKind

_REQUIRED = ("node_id", "feature", "layer", "ctx_idx", "feature_type", "jsNodeId", "clerp")
_NUMBERS = ("activation", "influence", "token_prob")


def metadata_fields(contents: Contents) -> Iterator[Problem]:
    """``slug``, ``scan``, ``prompt`` and ``prompt_tokens`` are there and of their types."""
    problem = Problem("metadata-field", "Neuronpedia refuses a graph without these fields")
    metadata = contents.metadata
    for name in ("slug", "scan", "prompt"):
        value = metadata.get(name)
        if not isinstance(value, str) and not (name == "scan" and isinstance(value, list)):
            problem.places.append(f"metadata has no {name} that is a text")
    tokens = metadata.get("prompt_tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        problem.places.append("metadata has no prompt_tokens that are texts")
    yield problem


def node_fields(contents: Contents) -> Iterator[Problem]:
    """Every node has the fields that the schema requires."""
    easy = Problem(
        "node-field", "frontends expect a text here", remedy="an empty clerp, the id as jsNodeId"
    )
    hard = Problem("node-field", "readers cannot place the node")
    mendable: list[tuple[dict[str, Any], str, str]] = []
    for place, node in enumerate(contents.nodes):
        for name in _REQUIRED:
            missing = name not in node or (node[name] is None and name != "feature")
            if not missing:
                continue
            if name in ("clerp", "jsNodeId"):
                easy.places.append(f"{contents.node(place)} has no {name}")
                text = "" if name == "clerp" else str(node.get("node_id", ""))
                mendable.append((node, name, text))
            else:
                hard.places.append(f"{contents.node(place)} has no {name}")
        if contents.layers[place] is None and node.get("layer") is not None:
            hard.places.append(f"{contents.node(place)} has the layer {shown(node['layer'])}")

    def fix() -> None:
        for node, name, text in mendable:
            node[name] = text

    easy.fix = fix
    yield easy
    yield hard


def positions(contents: Contents) -> Iterator[Problem]:
    """Every node stands at a token of the prompt."""
    tokens = contents.metadata.get("prompt_tokens")
    problem = Problem("position", "the node stands beyond the prompt's tokens")
    length = len(tokens) if isinstance(tokens, list) else 0
    for place, node in enumerate(contents.nodes):
        position = node.get("ctx_idx")
        if length and isinstance(position, int) and not 0 <= position < length:
            problem.places.append(f"{contents.node(place)} at {position} of {length} tokens")
    yield problem


def numbers(contents: Contents) -> Iterator[Problem]:
    """Activations, influences and probabilities are numbers or null."""
    problem = Problem("not-a-number", "JSON has no NaN or infinity", remedy="null instead")
    found: list[tuple[dict[str, Any], str]] = []
    for place, node in enumerate(contents.nodes):
        for name in _NUMBERS:
            value = node.get(name)
            if isinstance(value, float) and not math.isfinite(value):
                problem.places.append(f"{contents.node(place)}: {name} is {value}")
                found.append((node, name))

    def fix() -> None:
        for node, name in found:
            node[name] = None

    problem.fix = fix
    yield problem


def repeated_nodes(contents: Contents) -> Iterator[Problem]:
    """No node is there twice with every field alike."""
    problem = Problem("repeated-node", "the same node twice", remedy="drops the repetition")
    repeated: set[int] = set()
    for places in contents.places.values():
        first: dict[bytes, int] = {}
        for place in places if len(places) > 1 else ():
            alike = msgspec.json.encode(_plain(contents.nodes[place]))
            if first.setdefault(alike, place) != place:
                problem.places.append(contents.node(place))
                repeated.add(place)

    def fix() -> None:
        kept = [node for place, node in enumerate(contents.nodes) if place not in repeated]
        contents.nodes[:] = kept

    problem.fix = fix
    yield problem


def _plain(node: dict[str, Any]) -> dict[str, str]:
    return {name: repr(value) for name, value in node.items()}


def feature_numbers(contents: Contents) -> Iterator[Problem]:
    """Since schema 1 ``feature`` is the Cantor pairing of the layer and the index in the id."""
    problem = Problem(
        "feature-number", "frontends would look up another feature than the node id says"
    )
    if contents.metadata.get("schema_version") == 1 and contents.dialect.name != "anthropic":
        for place, node in enumerate(contents.nodes):
            parts = str(node.get("node_id", "")).split("_")
            layer, stated = contents.layers[place], node.get("feature")
            is_feature = contents.kinds[place] is NodeKind.FEATURE
            if not is_feature or len(parts) != 3 or layer is None or layer < 0:
                continue
            index = parts[1]
            if index.isdecimal() and len(index) < 19 and stated != cantor(layer, int(index)):
                problem.places.append(f"{contents.node(place)} has feature {shown(stated)}")
    yield problem


def layers(contents: Contents) -> Iterator[Problem]:
    """Some node stands above layer 0, or Neuronpedia's frontend finds no layers."""
    known = [layer for layer in contents.layers if layer is not None and layer < LOGIT_LAYER]
    problem = Problem("no-layers", "Neuronpedia's frontend stops at a graph without layers")
    if max(known, default=0) <= 0:
        problem.places.append("no feature or error above layer 0")
    yield problem


def shared_ids(contents: Contents) -> Iterator[Problem]:
    """No two nodes have one id, such as an error of circuit-tracer and a layer-0 feature."""
    problem = Problem(
        "id-collision",
        "tools that go by the id lose one of the nodes",
        remedy="the error becomes error_{layer}_{position}, its links follow",
    )
    unsure = Problem(problem.code, problem.meaning)
    pairs: dict[str, tuple[int, int]] = {}
    for node_id, places in contents.places.items():
        if len(places) < 2:
            continue
        kinds = ", ".join(str(contents.kinds[place]) for place in places[:8])
        text = f"{shown(node_id)} names {len(places)} nodes ({kinds})"
        pair = _feature_and_error(contents, places)
        if pair is None:
            unsure.places.append(text)
        else:
            pairs[node_id] = pair
    plans = _plans(contents, pairs)
    for node_id in pairs:
        (problem if node_id in plans else unsure).places.append(
            f"{shown(node_id)}: a node, an error"
        )
    problem.fix = lambda: _rename(contents, plans)
    yield problem
    yield unsure


def _feature_and_error(contents: Contents, places: list[int]) -> tuple[int, int] | None:
    """The places of a feature and of an error, when an id names just these two."""
    errors = [place for place in places if contents.kinds[place] is NodeKind.ERROR]
    features = [place for place in places if contents.kinds[place] is NodeKind.FEATURE]
    known = all(contents.layers[place] is not None for place in places)
    return (features[0], errors[0]) if len(errors) == len(features) == 1 and known else None


def _plans(
    contents: Contents, pairs: dict[str, tuple[int, int]]
) -> dict[str, tuple[int, list[int]]]:
    """For each id whose links are beyond doubt: the error's place and the links it sends.

    Nothing enters an error and links rise in layer. Of two links between the same ids the first
    is the feature's, as circuit-tracer writes its rows; a single one could be of either.
    """
    outgoing: dict[str, dict[str, list[int]]] = {name: defaultdict(list) for name in pairs}
    for number, link in enumerate(contents.links):
        source, target = link.get("source"), link.get("target")
        if isinstance(source, str) and source in outgoing and isinstance(target, str):
            outgoing[source][target].append(number)
    plans = {}
    for name, (feature, error) in pairs.items():
        theirs: list[int] = []
        certain = (
            f"error_{contents.layers[error]}_{_position(contents, error)}" not in contents.places
        )
        for target, numbers_ in outgoing[name].items():
            candidates = _may_send(contents, (feature, error), target)
            if len(candidates) == len(numbers_) == 2:
                theirs.append(numbers_[1])
            elif candidates == [error] and len(numbers_) == 1:
                theirs.append(numbers_[0])
            elif not (candidates == [feature] and len(numbers_) == 1):
                certain = False
        if certain:
            plans[name] = (error, theirs)
    return plans


def _may_send(contents: Contents, pair: tuple[int, int], target: str) -> list[int]:
    """Which of the two stand below a target."""
    above = [contents.layers[place] for place in contents.places.get(target, ())]
    if len(above) != 1 or above[0] is None:
        return []
    return [place for place in pair if (contents.layers[place] or 0) < above[0]]


def _position(contents: Contents, place: int) -> object:
    return contents.nodes[place].get("ctx_idx")


def _rename(contents: Contents, plans: dict[str, tuple[int, list[int]]]) -> None:
    for error, numbers_ in plans.values():
        name = f"error_{contents.layers[error]}_{_position(contents, error)}"
        contents.nodes[error]["node_id"] = name
        for number in numbers_:
            contents.links[number]["source"] = name


CHECKS = (
    metadata_fields,
    node_fields,
    positions,
    numbers,
    repeated_nodes,
    feature_numbers,
    layers,
    shared_ids,
)

"""Checks of links."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from graphlabel.files.lint.contents import Contents
from graphlabel.files.lint.problem import Problem


def weights(contents: Contents) -> Iterator[Problem]:
    """Every weight is a finite number."""
    problem = Problem(
        "weight-not-a-number",
        "readers refuse the graph or reckon with nothing",
        remedy="drops the link",
    )
    bad = set()
    for number, link in enumerate(contents.links):
        weight = link.get("weight")
        if not _is_finite(weight):
            bad.add(number)
            problem.places.append(f"{contents.link(number)}: {weight!s:.40}")
    problem.fix = _drop(contents, bad)
    yield problem


def _is_finite(weight: object) -> bool:
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        return False
    try:
        return math.isfinite(weight)
    except OverflowError:
        return False


def dangling_links(contents: Contents) -> Iterator[Problem]:
    """Both ends of every link are nodes."""
    problem = Problem(
        "dangling-link", "the link names a node that is not there", remedy="drops the link"
    )
    bad = set()
    for number, link in enumerate(contents.links):
        ends = (link.get("source"), link.get("target"))
        if not all(isinstance(end, str) and end in contents.places for end in ends):
            bad.add(number)
            problem.places.append(contents.link(number))
    problem.fix = _drop(contents, bad)
    yield problem


def backward_links(contents: Contents) -> Iterator[Problem]:
    """Links with a weight rise in layer; else influence is undefined."""
    problem = Problem("backward-link", "links should rise in layer, or influence is undefined")
    layer_of = {
        node_id: contents.layers[places[0]]
        for node_id, places in contents.places.items()
        if len(places) == 1
    }
    for number, link in enumerate(contents.links):
        source, target = link.get("source"), link.get("target")
        if not (isinstance(source, str) and isinstance(target, str) and link.get("weight")):
            continue
        low, high = layer_of.get(source), layer_of.get(target)
        if low is not None and high is not None and low >= high:
            problem.places.append(contents.link(number))
    yield problem


def repeated_links(contents: Contents) -> Iterator[Problem]:
    """No two links join the same two nodes."""
    problem = Problem("repeated-link", "two links between the same nodes are added up or lost")
    seen: set[tuple[str, str]] = set()
    for number, link in enumerate(contents.links):
        source, target = link.get("source"), link.get("target")
        if not (isinstance(source, str) and isinstance(target, str)):
            continue
        pair = (source, target)
        if pair in seen and all(len(contents.places.get(end, ())) == 1 for end in pair):
            problem.places.append(contents.link(number))
        seen.add(pair)
    yield problem


def _drop(contents: Contents, numbers: set[int]) -> Callable[[], None]:
    bad = {id(contents.links[number]) for number in numbers}

    def fix() -> None:
        contents.links[:] = [link for link in contents.links if id(link) not in bad]

    return fix


CHECKS = (weights, dangling_links, backward_links, repeated_links)

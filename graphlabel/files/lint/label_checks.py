"""Checks of labels, pins and supernodes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from graphlabel.annotation import clean_label
from graphlabel.files.clerps import read_clerps
from graphlabel.files.lint.contents import Contents
from graphlabel.files.lint.problem import Problem, shown
from graphlabel.files.q_params import UniqueNames
from graphlabel.graph import NodeKey, NodeKind

LONGEST_LABEL = 10_000
"""Longer labels freeze a frontend's page."""


def logit_labels(contents: Contents) -> Iterator[Problem]:
    """A logit's clerp is empty or holds ``(p=…)``, at which every frontend splits it."""
    meaning = "frontends split a logit's clerp at “(p=” and crash without it"
    problem = Problem("logit-label", meaning, remedy="adds the token and its probability")
    unsure = Problem("logit-label", meaning)
    mendable: list[tuple[dict[str, Any], str]] = []
    for place, node in enumerate(contents.nodes):
        clerp = node.get("clerp")
        if contents.kinds[place] is not NodeKind.LOGIT or not isinstance(clerp, str):
            continue
        if not clerp or "(p=" in clerp:
            continue
        text, probability = f"{contents.node(place)}: {shown(clerp)}", node.get("token_prob")
        if isinstance(probability, (int, float)) and 0 <= probability <= 1:
            problem.places.append(text)
            mendable.append((node, f'[{clerp}] Output "{clerp}" (p={probability:.3f})'))
        else:
            unsure.places.append(text)

    def fix() -> None:
        for node, clerp in mendable:
            node["clerp"] = clerp

    problem.fix = fix
    yield problem
    yield unsure


def label_texts(contents: Contents) -> Iterator[Problem]:
    """Labels are texts without control or bidirectional characters, and not endless."""
    unsafe = Problem(
        "label-characters",
        "control or bidirectional characters garble whatever shows the label",
        remedy="removes these characters",
    )
    wrong = Problem("label-type", "frontends expect a text")
    long = Problem("label-length", f"a label of more than {LONGEST_LABEL:,} characters")
    mendable: list[tuple[dict[str, Any], str]] = []
    for place, node in enumerate(contents.nodes):
        clerp = node.get("clerp")
        if clerp is not None and not isinstance(clerp, str):
            wrong.places.append(f"{contents.node(place)}: {shown(clerp)}")
        elif isinstance(clerp, str) and len(clerp) > LONGEST_LABEL:
            long.places.append(f"{contents.node(place)}: {len(clerp):,} characters")
        elif isinstance(clerp, str) and _acts(clerp):
            unsafe.places.append(f"{contents.node(place)}: {shown(clerp)}")
            mendable.append((node, "".join(char for char in clerp if not _acts(char))))

    def fix() -> None:
        for node, clerp in mendable:
            node["clerp"] = clerp

    unsafe.fix = fix
    yield from (unsafe, wrong, long)


def _acts(text: str) -> bool:
    """Whether some character does more than show itself; white space in tokens is as it is."""
    if text.isascii() and text.isprintable():
        return False
    return any(
        unicodedata.category(char) in ("Cc", "Cs") or 0x202A <= ord(char) <= 0x202E
        or 0x2066 <= ord(char) <= 0x2069
        for char in text
        if char not in "\n\t\r"
    )  # fmt: skip


def pins(contents: Contents) -> Iterator[Problem]:
    """Pinned ids are texts that name nodes."""
    lost = Problem("unresolved-pin", "a pinned id names no node", remedy="unpins it")
    wrong = Problem("pins-form", "frontends expect pinnedIds to be a list of texts")
    value = contents.q_params.get("pinnedIds", [])
    if not isinstance(value, list):
        wrong.places.append(f"pinnedIds is {shown(value)}")
        value = []
    for each in value:
        if not isinstance(each, str):
            wrong.places.append(f"pinned: {shown(each)}")
        elif not contents.names_a_node(each):
            lost.places.append(shown(each))

    def fix() -> None:
        kept = [each for each in value if not isinstance(each, str) or contents.names_a_node(each)]
        contents.q_params["pinnedIds"] = kept

    lost.fix = fix
    yield lost
    yield wrong


def supernodes(contents: Contents) -> Iterator[Problem]:
    """Supernodes are lists of texts: a label of their own, then ids that name nodes."""
    wrong = Problem("supernode-form", "frontends expect a list of texts, the label first")
    rows = contents.q_params.get("supernodes", [])
    if not isinstance(rows, list):
        wrong.places.append(f"supernodes is {shown(rows)}")
        rows = []
    good = []
    for place, row in enumerate(rows):
        if isinstance(row, list) and row and all(isinstance(each, str) for each in row):
            good.append(row)
        else:
            wrong.places.append(f"supernode {place}: {shown(row)}")
    yield wrong
    yield _members(contents, good)
    yield _names(contents, good)


def _members(contents: Contents, rows: list[list[str]]) -> Problem:
    problem = Problem(
        "unresolved-member", "a supernode's member names no node", remedy="takes it out"
    )
    for row in rows:
        lost = [each for each in row[1:] if not contents.names_a_node(each)]
        problem.places += [f"{shown(each)} of {shown(row[0])}" for each in lost]

    def fix() -> None:
        for row in rows:
            row[1:] = [each for each in row[1:] if contents.names_a_node(each)]

    problem.fix = fix
    return problem


def _names(contents: Contents, rows: list[list[str]]) -> Problem:
    problem = Problem(
        "supernode-label",
        "frontends use the label as the supernode's id: it must be its own, and no node's id",
        remedy="makes it unique by a number",
    )
    unique = UniqueNames()
    wanted = []
    for row in rows:
        plain = clean_label(row[0]) or "supernode"
        name = unique(f"{plain} (group)" if plain in contents.places else plain)
        # spaces around are harmless; a person may have meant them
        wanted.append(row[0] if name == row[0].strip() else name)
        if wanted[-1] != row[0]:
            problem.places.append(f"{shown(row[0])}")

    def fix() -> None:
        for row, name in zip(rows, wanted, strict=True):
            row[0] = name

    problem.fix = fix
    return problem


def clerps(contents: Contents) -> Iterator[Problem]:
    """Labels stand in the nodes: the form of ``clerps`` differs between the frontends."""
    value = contents.q_params.get("clerps")
    problem = Problem(
        "clerps-form",
        "Neuronpedia and circuit-tracer each break on the other's form of clerps",
        remedy="moves the labels to the nodes",
    )
    if value:
        keys = [
            NodeKey(kind, layer or 0, place, 0)
            for place, (kind, layer) in enumerate(zip(contents.kinds, contents.layers, strict=True))
        ]
        labels, unknown = read_clerps(value, keys, contents.nodes)
        problem.places.append(f"{len(labels)} labels in qParams")

        def fix() -> None:
            for key, node in zip(keys, contents.nodes, strict=True):
                text = labels.get(key) or labels.get(key.feature_key)
                if text and key.kind is not NodeKind.LOGIT:
                    node["clerp"] = text
            del contents.q_params["clerps"]

        if unknown:
            problem.remedy = ""
        else:
            problem.fix = fix
    yield problem


CHECKS = (logit_labels, label_texts, pins, supernodes, clerps)

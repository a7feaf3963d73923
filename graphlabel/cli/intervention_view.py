"""What an intervention did, as facts and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphlabel.cli.intervening import Wanted
from graphlabel.files import GraphDocument
from graphlabel.graph import Node

if TYPE_CHECKING:
    from torch import Tensor

    from graphlabel.tracing.interventions import Experiment, Intervened, Intervention

_REGIMES = {
    "constrained": "direct effects only: attention patterns, norm scales, other features held",
    "patterns": "attention patterns held, all else reacts",
    "free": "everything reacts",
}


def facts(
    document: GraphDocument,
    experiment: Experiment,
    wanted: Wanted,
    *,
    top: int,
    n_tokens: int,
    quiet: bool,
) -> dict[str, Any]:
    """Run it; logits and probabilities before and after, supernodes, text, as plain values."""
    from graphlabel.cli.console import progress
    from graphlabel.models.memory import explained_memory
    from graphlabel.tracing.interventions import continued

    interventions = wanted.interventions(len(experiment.prompt.ids))
    groups = _watched(document, experiment)
    watched = [node.key for nodes in groups.values() for node in nodes]
    with explained_memory(), progress("intervene", quiet=quiet) as report:
        found = experiment.run(interventions, watched=watched)
        generated = {}
        if n_tokens:
            runs: dict[str, Sequence[Intervention]] = {"before": [], "free": interventions}
            for name, changes in runs.items():
                ids = continued(experiment, changes, n_tokens, report=report)
                generated[name] = experiment.model.tokenizer.decode(list(ids))
    return {
        "prompt": experiment.prompt.text,
        "changed": [str(each) for each in wanted.changed],
        "swapped_in": list(wanted.swap.names) if wanted.swap else [],
        "interventions": [_intervention(each) for each in interventions],
        "tokens": _tokens(experiment, found, top),
        "supernodes": _supernodes(groups, found),
        "generated": generated,
    }


def _intervention(each: Intervention) -> dict[str, Any]:
    return {
        "layer": each.layer,
        "feature": each.feature,
        "position": each.position,
        str(each.action): each.amount,
        "conditional": each.conditional,
    }


def _runs(found: Intervened) -> dict[str, Any]:
    return {"before": found.before, **{str(name): each for name, each in found.after.items()}}


def _tokens(experiment: Experiment, found: Intervened, top: int) -> list[dict[str, Any]]:
    """The likeliest tokens of every run, likeliest before the change first."""
    logits: dict[str, Tensor] = {name: each.logits for name, each in _runs(found).items()}
    chances = {name: each.softmax(-1) for name, each in logits.items()}
    wanted = {
        i for each in logits.values() for i in each.topk(min(top, len(each))).indices.tolist()
    }
    decode = experiment.model.tokenizer.decode
    return [
        {
            "id": token,
            "token": decode([token]),
            **{
                name: {"logit": float(each[token]), "probability": float(chances[name][token])}
                for name, each in logits.items()
            },
        }
        for token in sorted(wanted, key=lambda i: -float(logits["before"][i]))
    ]


def _watched(document: GraphDocument, experiment: Experiment) -> dict[str, list[Node]]:
    """The features of each supernode that this model and transcoders have."""
    graph, n_positions = document.graph, len(experiment.prompt.ids)
    layers = experiment.transcoders.layers
    groups = {}
    for group in document.annotations.supernodes:
        nodes = [graph.nodes[graph.index_of[key]] for key in group.members if key in graph.index_of]
        groups[group.name] = [
            node
            for node in nodes
            if node.is_feature
            and node.key.position < n_positions
            and node.key.layer < len(layers)
            and node.key.feature < layers[node.key.layer].n_features
        ]
    return {name: nodes for name, nodes in groups.items() if nodes}


def _supernodes(groups: Mapping[str, list[Node]], found: Intervened) -> list[dict[str, Any]]:
    """The sum of each supernode's activations as a share of what it was."""
    rows, start = [], 0
    for name, nodes in groups.items():
        part = slice(start, start := start + len(nodes))
        before = float(found.before.activations[part].sum())
        if before:
            shares = {
                str(regime): float(each.activations[part].sum()) / before
                for regime, each in found.after.items()
            }
            rows.append({"name": name, **shares})
    return rows


def show(found: Mapping[str, Any]) -> None:
    """Print tables: tokens, supernodes, text."""
    from graphlabel.cli.console import note, print_table, say

    count = len(found["interventions"])
    note(f"{', '.join(found['changed'])}: {count} feature{'s' * (count != 1)} changed")
    if found["swapped_in"]:
        note(f"in their place: {', '.join(found['swapped_in'])}")
    names = [name for name in _REGIMES if any(name in row for row in found["tokens"])]
    tokens = [
        (repr(row["token"]), *(_chance(row[name], row["before"]) for name in ("before", *names)))
        for row in found["tokens"]
    ]
    print_table(_table("next token", ["before", *names], tokens))
    if found["supernodes"]:
        rows = [
            (each["name"], *(f"{each[name]:.0%}" for name in names)) for each in found["supernodes"]
        ]
        print_table(_table("supernode's activation", names, rows))
    for name in names:
        note(f"{name}: {_REGIMES[name]}")
    for name, text in found["generated"].items():
        say(f"{name}: {text!r}")


def _chance(run: Mapping[str, float], before: Mapping[str, float]) -> str:
    change = run["logit"] - before["logit"]
    return f"{run['probability']:.1%}" + (f" ({change:+.2f})" if run is not before else "")


def _table(first: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from graphlabel.inert import inert

    table = Table()
    table.add_column(first)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(inert(cell, most=60)) for cell in row))
    return table

"""``graphlabel suggest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.llm_options import LanguageModelOptions, language_model_options
from graphlabel.cli.options import AnySetFlag, GraphFile, JsonFlag, OfflineOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from graphlabel.files import GraphDocument
    from graphlabel.graph import FeatureKey, NodeKey
    from graphlabel.grouping import Grouper, Known, Suggestion
    from graphlabel.records import FeatureRecord

_SHOWN = 20
_LABEL = 40
"""Characters of a member's label."""


@language_model_options
def suggest(
    graph: GraphFile,
    language_model: LanguageModelOptions,
    features: Annotated[
        list[str] | None,
        typer.Option(help="Also compare the features' evidence, from here.", metavar="SOURCE"),
    ] = None,
    transcoders: Annotated[
        str | None, typer.Option(help="Also compare decoder directions.", metavar="DIR|ID")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Sentence encoder for labels and examples.", metavar="NAME")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="Let a language model group the nodes, such as anthropic:claude-haiku-5-5.",
            metavar="MODEL",
        ),
    ] = None,
    influential: Annotated[
        float, typer.Option(min=0, max=1, help="Group nodes up to this share of influence.")
    ] = 0.8,
    likeness: Annotated[
        float, typer.Option(min=-1, max=1, help="Members are at least so alike on average.")
    ] = 0.4,
    most_members: Annotated[
        int | None, typer.Option(min=2, help="Members of a group; by default √(nodes).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Accept all and write the graph.", metavar="FILE"),
    ] = None,
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Suggest supernodes: nodes that belong together, a name, and the reason."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.pipeline import check_writable
    from graphlabel.files import read_graph, write_graph
    from graphlabel.grouping import ClusteringGrouper, accepting

    document = read_graph(graph)
    if output is not None:
        check_writable(output)
    known = _known(document, features or (), transcoders, encoder, any_set, offline)
    if by is None:
        grouper: Grouper = ClusteringGrouper(likeness, most_members, influential)
        suggestions = grouper.suggest(document.graph, document.annotations, known)
    else:
        suggestions = _asked(document, known, by, influential, language_model)
        if language_model.dry_run:
            return
    if output is not None:
        edit = accepting(document.annotations, suggestions)
        annotations = edit.patch(document.annotations).apply(document.annotations)
        write_graph(document.annotated(annotations), output)
    if json:
        print_json({"supernodes": [_plain(document, each) for each in suggestions]})
        return
    _print(document, suggestions)
    if output is not None:
        note(f"wrote {output} with {_accepted(len(edit.commands), len(suggestions))}")
    else:
        note(f"next: graphlabel suggest {graph} -o FILE makes these supernodes")


def _asked(
    document: GraphDocument,
    known: Known,
    model: str,
    influential: float,
    options: LanguageModelOptions,
) -> list[Suggestion]:
    """What a language model suggests; what it cost is said."""
    from graphlabel.cli.llm_options import print_outcome
    from graphlabel.errors import AnswerError
    from graphlabel.grouping import LanguageModelGrouper

    with options.open(model) as gateway:
        grouper = LanguageModelGrouper(gateway, influential)
        try:
            return grouper.suggest(document.graph, document.annotations, known)
        except AnswerError:
            if not options.dry_run:
                raise
            return []
        finally:
            print_outcome(gateway)


def _known(
    document: GraphDocument,
    features: Sequence[str],
    transcoders: str | None,
    encoder: str | None,
    any_set: bool,
    offline: bool,
) -> Known:
    """What labels, evidence and decoders tell, as far as they are named."""
    from graphlabel.grouping import Known

    labelled = any(label.text for label in document.annotations.labels.values())
    speaks = None
    if labelled or features:
        from graphlabel.embedding import load_encoder

        speaks = load_encoder(encoder) if encoder else load_encoder()
    records = _records(document, features, any_set, offline) if features else {}
    return Known(records, _directions(document, transcoders) if transcoders else {}, speaks)


def _records(
    document: GraphDocument, features: Sequence[str], any_set: bool, offline: bool
) -> dict[FeatureKey, FeatureRecord]:
    from graphlabel.cli.pipeline import feature_keys, source_for
    from graphlabel.evidence import get_records

    source = source_for(document, features, any_set=any_set, offline=offline)
    found = get_records(source, feature_keys(document))
    return {key: record for key, record in found.items() if record is not None}


def _directions(document: GraphDocument, transcoders: str) -> dict[FeatureKey, np.ndarray]:
    from graphlabel.cli.pipeline import feature_keys
    from graphlabel.labeling.verbalizers.directions import feature_direction
    from graphlabel.models import load_transcoders

    found = load_transcoders(transcoders)
    keys = feature_keys(document)
    return {key: feature_direction(found, key, None).values for key in keys}


def _plain(document: GraphDocument, each: Suggestion) -> dict[str, object]:
    ids = document.id_of_key
    return {
        "name": each.name,
        "members": [ids[key] for key in each.members],
        "reason": each.reason,
    }


def _print(document: GraphDocument, suggestions: Sequence[Suggestion]) -> None:
    from graphlabel.cli.console import counted, note, say

    for each in suggestions[:_SHOWN]:
        say(f"{each.name} ({len(each.members)})")
        say(f"  {each.reason}")
        say(f"  {', '.join(_member(document, key) for key in each.members)}")
    grouped = sum(len(each.members) for each in suggestions)
    more = len(suggestions) - _SHOWN
    note(
        f"suggested {counted(len(suggestions), 'supernode')} with {counted(grouped, 'node')} in all"
        + (f"; the last {more} are not shown, --json prints them too" if more > 0 else "")
    )


def _member(document: GraphDocument, key: NodeKey) -> str:
    """A node by its label, where it has one, and its id."""
    from graphlabel.inert import inert

    node_id, label = document.id_of_key[key], document.annotations.label_of(key)
    shown = inert(label.text, most=_LABEL) if label else ""
    return f"“{shown}” {node_id}" if shown else node_id


def _accepted(made: int, suggested: int) -> str:
    """How many suggestions became supernodes, and why the others did not."""
    from graphlabel.cli.console import counted

    left = suggested - made
    why = "fewer than two of their nodes are in no supernode yet"
    return counted(made, "more supernode") + (f"; left out {left}: {why}" if left else "")

"""The feature panel: what it is called, why that tier, show me, what it writes, where it leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from graphlabel.annotation import Label, Review, Routing, Verbalization, WindowScore
from graphlabel.graph import Node, NodeKind
from graphlabel.records import FeatureRecord
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.glyphs import dots, look_of
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import Line, Span, clip, crop, line, spread, wrap
from graphlabel_tui.messages import ListOpened
from graphlabel_tui.view import Neighbour, View
from graphlabel_tui.widgets.evidence_lines import (
    EXAMPLES_SHOWN,
    example_lines,
    explanation_lines,
    histogram_lines,
    logit_lines,
    quantile_line,
    remark_lines,
)
from graphlabel_tui.widgets.region import LineList
from graphlabel_tui.wording import (
    making_words,
    number,
    percent,
    provenance_words,
    review_words,
    score_words,
    signed,
    title_of,
    token_at,
    where,
)

NEIGHBOURS_SHOWN = 12
MOST_SHOWN = 2000
"""Characters of a note; all of it is in the edit line."""
NO_SOURCE = (
    "No evidence for these features. Name a source: graphlabel open GRAPH --features PLACE; "
    "graphlabel info GRAPH says where it is likely to be."
)


class FeaturePanel(LineList):
    """Everything known of the selected node."""

    BINDINGS: ClassVar[list[BindingType]] = [*region_bindings("feature")]

    def __init__(self, view: View) -> None:
        """Show a view's selected node."""
        super().__init__(view, "feature")
        self._whole: set[str] = set()
        """Which lists of neighbours are shown to their end."""
        self._shown: object = None

    def show_view(self) -> None:
        """Show the selected node, from its top when it is another one."""
        if self._shown != self.view.session.selected:
            self._shown = self.view.session.selected
            self.view.quantile = 0
            self.cursor = -1
            self._whole.clear()
            self.scroll_home(animate=False, immediate=True)
        super().show_view()

    def make_lines(self, width: int) -> list[Line]:
        """The panel from top to bottom."""
        place = self.view.session.place
        if place is None:
            self.titled("2 feature")
            return wrap("No node is selected. Choose one in the link graph (1) or the table (3).",
                        width, "muted")  # fmt: skip
        node = self.view.node(place)
        self.titled(f"2 {node.key.kind} {where(self.view.graph, node.key)}")
        lines = [*self._head(node, width)]
        if node.is_feature:
            lines += self._evidence(node, width)
        return [*lines, *self._neighbours(place, width)]

    def _head(self, node: Node, width: int) -> list[Line]:
        session = self.view.session
        annotations = session.annotations
        look = look_of(node.key, annotations)
        label = annotations.label_of(node.key)
        title = title_of(node, annotations) if label or not node.is_feature else "no label yet"
        routing = annotations.routing_of(node.key) if node.is_feature else None
        tier = f" · tier {int(routing.tier)}" if routing else ""
        right = [Span(look.glyph, look.role), Span(f" {look.name}{tier}", "muted")]
        role = "title" if label or not node.is_feature else "warn"
        lines = [line(*spread([Span(title, role)], right, width))]
        if label:
            lines.append(self._provenance_line(node, label, width))
            lines += wrap(score_words(label), width, "muted") if label.provenance.scores else []
            made = making_words(label.provenance)
            lines += wrap(made, width, "muted", limit=2) if made else []
        elif node.is_feature:
            hint = " · e names it" + ("" if session.marked else ", n goes to the next")
            lines.append(line(Span(clip(self._needs(node) + hint, width), "muted")))
        lines += self._state_lines(node, width)
        why = routing_lines(routing, width) if routing else []
        aids = verbalization_lines(annotations.verbalizations_of(node.key), width)
        return [*lines, *why, *aids, *self._about(node, width)]

    def _provenance_line(self, node: Node, label: Label, width: int) -> Line:
        session = self.view.session
        made = label.provenance
        spans = [Span(provenance_words(label, session.author), "muted")]
        if made.score is None:
            return line(*crop(spans, width))
        trust = [Span(f"{dots(made.score)} {made.score:.2f}", "title")]
        return line(*spread(spans, trust, width))

    def _needs(self, node: Node) -> str:
        routing = self.view.session.annotations.routing_of(node.key)
        if routing is None:
            return "not routed"
        return {1: "awaits the token counter", 2: "awaits a model", 3: "needs you"}[routing.tier]

    def _state_lines(self, node: Node, width: int) -> list[Line]:
        annotations = self.view.session.annotations
        key = node.key
        group = annotations.supernode_of(key)
        review = annotations.reviews.get(key)
        parts = [
            review_words(review),
            f"in [{inert(group.name)}]" if group else "",
            "pinned" if key in annotations.pinned else "",
        ]
        said = " · ".join(part for part in parts if part)
        role = "warn" if review is Review.REJECTED else "good"
        lines = [line(Span(clip(said, width), role))] if said else []
        note = annotations.notes.get(key)
        return (
            [*lines, *wrap(f"✎ {inert(note, MOST_SHOWN)}", width, "italic", limit=6)]
            if note
            else lines
        )

    def _about(self, node: Node, width: int) -> list[Line]:
        key, kind = node.key, node.key.kind
        token = token_at(self.view.graph, key.position)
        words = {
            NodeKind.TOKEN: f"The token “{token}” at position {key.position}.",
            NodeKind.ERROR: (
                f"What the transcoder of layer {key.layer} does not explain at “{token}”. "
                "Error nodes have no features and need no label."
            ),
            NodeKind.LOGIT: "A next token: "
            + ("no probability given." if node.probability is None
               else f"the model gives it {percent(node.probability)}."),
            NodeKind.OTHER: f"A node only another tool knows, in layer {key.layer} at “{token}”.",
        }  # fmt: skip
        place = self.view.graph.index_of[key]
        influence = self.view.influence[place]
        facts = [] if influence is None else [f"influence {influence:.2f}"]
        if node.activation is not None:
            facts.append(f"activation {number(node.activation)}")
        lines = wrap(words[kind], width) if kind in words else []
        return [*lines, line(Span(" · ".join(facts), "muted"))] if facts else lines

    def _evidence(self, node: Node, width: int) -> list[Line]:
        session = self.view.session
        record = session.record(node.key.feature_key)
        if record is None:
            if session.source is None:
                words = NO_SOURCE
            elif session.evidence_error:
                words = f"The evidence cannot be read: {session.evidence_error}"
            else:
                words = f"{session.source.name} has no evidence for {node.key.feature_key}."
            return [_rule("examples", width), *wrap(inert(words), width, "muted")]
        return [*self._examples(record, width), *_numbers(record, node, width)]

    def _examples(self, record: FeatureRecord, width: int) -> list[Line]:
        if not record.quantiles:
            none = line(Span("none: it never fired", "muted"))
            return [_rule("examples", width), none, *remark_lines(record, 0, width)]
        chosen = min(self.view.quantile, len(record.quantiles) - 1)
        examples = record.quantiles[chosen].examples
        lines = example_lines(examples, width, EXAMPLES_SHOWN)
        return [quantile_line(record, chosen, width), *lines, *remark_lines(record, chosen, width)]

    def _neighbours(self, place: int, width: int) -> list[Line]:
        lines: list[Line] = []
        for head, arrow, found in (
            ("comes from", "◀", self.view.parents(place)),
            ("goes to", "▶", self.view.children(place)),
        ):
            all_, found = found, self.view.seen(found)
            if not all_:
                continue
            hidden = f", {len(all_) - len(found)} errors hidden" if len(all_) > len(found) else ""
            lines.append(_rule(f"{head} ({len(found)}{hidden})", width))
            shown = len(found) if head in self._whole else NEIGHBOURS_SHOWN
            lines += [self._neighbour(each, arrow, width) for each in found[:shown]]
            if len(found) > shown:
                rest = f"  … {len(found) - shown} weaker ones: ⏎ shows them"
                lines.append(line(Span(clip(rest, width), "muted"), name=head))
        return lines

    def leads_to(self, chosen: Line) -> Message | None:
        """A node, or the rest of a list of neighbours."""
        return ListOpened(chosen.name) if chosen.name else super().leads_to(chosen)

    def open_list(self, name: str) -> None:
        """Show all neighbours of a list."""
        self._whole.add(name)
        self.show_view()

    def _neighbour(self, each: Neighbour, arrow: str, width: int) -> Line:
        view = self.view
        node = view.node(each.place)
        look = look_of(node.key, view.session.annotations)
        left = [
            Span(f"{arrow} ", "muted"),
            Span(f"{signed(each.weight):>7} ", "plus" if each.weight >= 0 else "minus"),
            Span(f"{look.glyph} ", look.role),
            Span(title_of(node, view.session.annotations)),
        ]
        right = [Span(where(view.graph, node.key), "muted")]
        return line(*spread(left, right, width), target=node.key)


def _numbers(record: FeatureRecord, node: Node, width: int) -> list[Line]:
    lines = [*histogram_lines(record, node.activation, width), *logit_lines(record, width)]
    if record.explanations:
        lines += [_rule("explanations", width), *explanation_lines(record.explanations, width)]
    return lines


def _rule(title: str, width: int) -> Line:
    text = f"── {title} "
    return line(*crop([Span(text, "line"), Span("─" * max(0, width - len(text)), "line")], width))


def routing_lines(routing: Routing, width: int) -> list[Line]:
    """The scores of the three windows and the reason, in words."""
    spans: list[Span] = []
    for name in ("input", "output", "cross"):
        score = routing.scores.get(name)
        short = {"input": "in", "output": "out"}.get(name, name)
        here = routing.feature_class.value == name
        spans.append(Span("  " if spans else ""))
        spans += _score(short, score, here, here or width >= 70)
    lines = [line(*crop(spans, width))]
    lines += wrap(f"routed: {inert(routing.reason)}", width, limit=8)
    for note in routing.notes[:3]:
        lines += wrap(inert(note), width, "muted", limit=3)
    return lines


def verbalization_lines(texts: Sequence[Verbalization], width: int) -> list[Line]:
    """What verbalizers said, with what speaks against it; an aid, never the label."""
    lines: list[Line] = []
    for each in texts[:3]:
        doubts = [
            f"in {each.model}" if each.model else "",
            "cut off" if each.truncated else "",
            "" if each.cosine is None else f"cosine {each.cosine:.2f}",
            each.out_of_distribution,
        ]
        head = " · ".join(["verbalized", *filter(None, doubts)])
        lines += wrap(inert(head), width, "warn" if each.out_of_distribution else "muted", limit=2)
        lines += wrap(inert(" ".join(each.text.split())), width, "italic", limit=6)
    return lines


def _score(name: str, score: WindowScore | None, here: bool, whole: bool) -> list[Span]:
    role = "bold" if here else "muted"
    if score is None:
        return [Span(f"{name} —", role)]
    spans = [Span(f"{name} {score.s:.2f}", role)]
    if score.effect is not None and whole:
        spans.append(Span(f" {dots(score.effect)}", "title" if here else "muted"))
    if score.p is not None and whole:
        spans.append(Span(" p<.001" if score.p < 0.001 else f" p {score.p:.2g}", role))
    return spans

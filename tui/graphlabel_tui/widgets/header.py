"""The two lines at the top: what is open and how far the work is; the prompt and its answer."""

from __future__ import annotations

from graphlabel.graph import NodeKind
from graphlabel_tui.glyphs import LOOKS
from graphlabel_tui.inert import bare_token, inert
from graphlabel_tui.lines import Span, crop, spread, width_of
from graphlabel_tui.view import View
from graphlabel_tui.widgets.painted import PaintedLine
from graphlabel_tui.wording import percent


class TitleLine(PaintedLine):
    """The slug, the model, the counts and the undo depth."""

    def __init__(self, view: View) -> None:
        """Show a view's graph."""
        super().__init__(id="title-line")
        self.view = view

    def make_spans(self, width: int) -> tuple[Span, ...]:
        """The line; counts stay when there is no room for the names."""
        return spread(self._names(), self._counts(width), width)

    def _names(self) -> list[Span]:
        document = self.view.session.document
        source = self.view.graph.source
        parts = [inert(part) for part in (source.model, source.transcoders) if part]
        return [
            Span(" graphlabel  ", "title"),
            Span(inert(document.slug), "bold"),
            Span(f" · {' ▸ '.join(parts)}" if parts else "", "muted"),
        ]

    def _counts(self, width: int) -> list[Span]:
        counts = self.view.counts()
        undo = f"undo {len(self.view.session.history.done)} "
        model, person = LOOKS["cross"].glyph, LOOKS["obscure"].glyph
        if width < 60:
            return [Span(f" {counts.labelled}/{counts.features}  "), Span(undo, "muted")]
        wide = width >= 100
        return [
            Span(f"  {counts.features}{' features' if wide else ' feat.'}  "),
            Span(f"{counts.labelled} labelled  "),
            Span(f"{model}{counts.await_model}", "cross" if counts.await_model else "muted"),
            Span(" await a model  " if wide else "  ", "muted"),
            Span(f"{person}{counts.await_person}", "obscure" if counts.await_person else "muted"),
            Span(" await you   " if wide else "   ", "muted"),
            Span(undo, "muted"),
        ]


class PromptLine(PaintedLine):
    """The prompt's tokens, the selected position highlighted, and the likeliest next tokens."""

    def __init__(self, view: View) -> None:
        """Show a view's prompt."""
        super().__init__(id="prompt-line")
        self.view = view
        self._logits = sorted(
            (view.node(place) for place in view.graph.places(NodeKind.LOGIT)),
            key=lambda node: -(node.probability or 0.0),
        )

    def make_spans(self, width: int) -> tuple[Span, ...]:
        """The line; the tokens scroll so that the selected one is seen."""
        answer = self._answer(width)
        room = max(0, width - width_of(answer) - 3)
        tokens = self._tokens(room)
        return spread([Span(" "), *tokens], answer, width)

    def _tokens(self, room: int) -> list[Span]:
        selected = self.view.session.selected
        here = None if selected is None else selected.position
        spans = [
            Span(inert(token), "ring" if at == here else "bold")
            for at, token in enumerate(self.view.graph.tokens)
        ]
        before = width_of(spans[: (here or 0) + 1])
        if width_of(spans) > room and before > room - 2:
            start = 0
            while start < len(spans) and width_of(spans[start : (here or 0) + 1]) > room - 4:
                start += 1
            spans = [Span("…", "muted"), *spans[start:]]
        return list(crop(spans, room))

    def _answer(self, width: int) -> list[Span]:
        shown = 4 if width >= 160 else 2 if width >= 90 else 1
        spans: list[Span] = []
        for at, node in enumerate(self._logits[:shown]):
            share = "" if node.probability is None else f" {percent(node.probability)}"
            text = crop([Span(bare_token(node.text))], 20)[0].text
            spans += [
                Span("→ " if at == 0 else "   ", "muted"),
                Span(text, "logit" if at == 0 else "muted"),
                Span(share, "bold" if at == 0 else "muted"),
            ]
        return [*spans, Span(" ")] if spans else []

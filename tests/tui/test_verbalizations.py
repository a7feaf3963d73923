"""What verbalizers said, beside the feature."""

from __future__ import annotations

from fixture_graph import dallas_session, key_of

from graphlabel.annotation import Reading, Verbalization
from graphlabel_tui.widgets.feature_panel import verbalization_lines

HERE = key_of(2, 214, 10)


def shown(texts: tuple[Verbalization, ...], width: int) -> list[str]:
    return ["".join(span.text for span in each.spans) for each in verbalization_lines(texts, width)]


def test_a_text_stands_with_what_speaks_against_it() -> None:
    said = Verbalization("A passage on\n\nTexas \x1b[31mand its cities", "av", Reading.PROMPT, layer=2,
                         reads_layer=20, truncated=True, cosine=0.91)  # fmt: skip
    lines = shown((said,), 60)
    assert "verbalized · cut off · cosine 0.91 · out of distribution" in " ".join(lines)
    assert "A passage on Texas" in " ".join(lines)
    assert "\x1b" not in "".join(lines)
    assert all(len(each) <= 60 for each in lines)
    assert shown((), 60) == []


async def test_the_panel_shows_it_and_the_node_stays_unnamed(opened):
    session = dallas_session()
    label = session.annotations.label_of(HERE)
    said = Verbalization("A passage on Texas", "av", Reading.PROMPT, layer=2, reads_layer=2)
    session.history.annotations = session.annotations.with_verbalizations({HERE: (said,)})
    async with opened(session) as (_, screen):
        panel = screen.query_one("#feature")
        lines = ["".join(span.text for span in each.spans) for each in panel.make_lines(60)]
        assert any("A passage on Texas" in each for each in lines)
        assert session.annotations.label_of(HERE) == label

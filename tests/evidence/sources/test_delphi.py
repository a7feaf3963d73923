"""Texts with marks, and delphi's records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graphlabel.errors import EvidenceError
from graphlabel.evidence import every_record, find_named, open_source
from graphlabel.evidence.sources.delphi import split_name
from graphlabel.evidence.sources.delphi_marks import (
    UNLISTED,
    MarkedText,
    Token,
    parse_marks,
    render_marks,
    split_prompt,
)
from graphlabel.graph import FeatureKey
from graphlabel.records import TranscoderSet


def firing(text: str, *listed: tuple[str, float]) -> list[tuple[str, float]]:
    tokens = parse_marks(MarkedText(text, tuple(Token(*each) for each in listed)))
    return [tuple(token) for token in tokens if token.activation > 0]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "listed", "expected"),
    [
        ("a<< death>> of", [(" death", 9)], [(" death", 9)]),
        ("S.Ct<<. 8>>39", [(".", 10), (" 8", 7)], [(".", 10), (" 8", 7)]),
        # one of a span is too weak to be listed
        ("S.Ct<<. 8>>39", [(" 8", 7)], [(".", UNLISTED), (" 8", 7)]),
        ("S<<470>> and S<<480>> to", [("480", 9)], [("470", UNLISTED), ("480", 9)]),
        ("listed<<0>>", [("0", 0)], [("0", UNLISTED)]),
        # the listed tokens say which of three are the marks
        ("</head> <<<body>>> <p>", [("body", 10)], [("body", 10)]),
        ("x <<<<>> y", [("<<", 4)], [("<<", 4)]),
        ("x <<>>>> y", [(">>", 4)], [(">>", 4)]),
        # marks that are text
        ("cout << x", [], []),
        ("cout << x<<foo>>", [("foo", 3)], [("foo", 3)]),
        ("a >> b", [], []),
        # empty and nested marks
        ("a<<>>b", [], []),
        ("a<<b<<c>>d>>e", [], [("bcd", UNLISTED)]),
        ("<<a>><<b>>", [("a", 1), ("b", 2)], [("a", 1), ("b", 2)]),
        ("", [], []),
        ("<<", [], []),
        ("<<<", [("x", 1)], []),
    ],
)
def test_marks(text: str, listed: list[tuple[str, float]], expected: list[Any]) -> None:
    assert firing(text, *listed) == expected


def test_text_outside_marks_is_split_into_words_with_the_space_before_them() -> None:
    tokens = parse_marks(
        MarkedText("<|endoftext|> It's w<<reat>>hs, 25 of\n\nthem_all…", (Token("reat", 9),))
    )
    assert [token.text for token in tokens] == [
        "<|endoftext|>", " It", "'s", " w", "reat", "hs", ",", " 25", " of", "\n", "\n", "them", "_", "all", "…",
    ]  # fmt: skip


PIECES = st.text(st.characters(exclude_characters="<>"), min_size=1, max_size=6)
TOKENS = st.lists(st.tuples(PIECES, st.integers(0, 10)).map(lambda pair: Token(pair[0], float(pair[1]))), max_size=12)  # fmt: skip


@given(TOKENS)
def test_rendered_marks_are_read_back(tokens: list[Token]) -> None:
    marked = render_marks(tokens)
    found = parse_marks(marked)
    assert "".join(token.text for token in found) == "".join(token.text for token in tokens)
    assert [token for token in found if token.activation > 0] == [
        token for token in tokens if token.activation > 0
    ]


@given(TOKENS)
def test_rendered_prompts_are_split_back(tokens: list[Token]) -> None:
    assume(any(token.activation > 0 for token in tokens))
    marked = render_marks(tokens)
    assume(
        not any(
            word in marked.text
            for word in (
                "Activations:",
                "Example ",
                '"',
                "\r",
                "\x85",
                "\u2028",
                "\u2029",
                "\x0b",
                "\x0c",
                "\x1c",
                "\x1d",
                "\x1e",
            )
        )
    )
    shown = ", ".join(f'("{token.text}" : {token.activation:.0f})' for token in marked.listed)
    prompt = (
        "".join(f"\nExample {n}: {marked.text}\nActivations: {shown}" for n in (1, 2, 3)) + "\n"
    )
    found = split_prompt(prompt)
    assert [each.text for each in found] == [marked.text.removeprefix("")] * 3
    assert all(each.listed == marked.listed for each in found)


@given(
    st.text(alphabet="<>ab \n", max_size=60),
    st.lists(st.sampled_from(["a", "b", "<", ">>", " a"]), max_size=4),
)
def test_any_text_is_read_without_loss(text: str, listed: list[str]) -> None:
    """Nothing but marks is ever left out."""
    tokens = parse_marks(MarkedText(text, tuple(Token(each, 3.0) for each in listed)))
    joined = "".join(token.text for token in tokens)
    left = iter(text)
    assert all(char in left for char in joined)
    assert joined.replace("<", "").replace(">", "") == text.replace("<", "").replace(">", "")


def test_hostile_marks_take_no_time() -> None:
    for hostile in ("<<" * 6_000, "<<a" * 6_000, "<<a>" * 4_000):
        assert "".join(token.text for token in parse_marks(MarkedText(hostile, ()))) == hostile


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("h.4_feature12", ("h.*", FeatureKey(4, 12))),
        ("layers.10.mlp_latent7", ("layers.*.mlp", FeatureKey(10, 7))),
        (".model.layers.10_feature_5", (".model.layers.*", FeatureKey(10, 5))),
        ("feature5", None),
        ("h4_feature5", None),
        ("1_7", None),
    ],
)
def test_names(name: str, expected: object) -> None:
    assert split_name(name) == expected


def write(folder: Path, name: str, prompt: object, **more: object) -> Path:
    (folder / f"{name}.json").write_text(json.dumps({"generation_prompt": prompt, **more}))
    return folder


PROMPT = '\nExample 1: a<< death>> of\nActivations: (" death" : 10)\nExample 2: nothing fires\nActivations: \nExample 3: <<x>>\nActivations: ("x" : 2)\n'


def test_a_record(tmp_path: Path) -> None:
    write(tmp_path, "h.4_feature12", PROMPT, explanation="dying")
    write(
        tmp_path,
        "h.4_feature2",
        [{"role": "system", "content": "s"}, {"role": "user", "content": PROMPT}],
    )
    source = open_source(tmp_path)
    record = source.get(FeatureKey(4, 12))
    assert record is not None
    assert [e.tokens[e.peak] for e in record.top_examples] == [" death", "x"]
    assert record.dropped == 1
    assert record.explanations[0].text == "dying"
    assert "0 to 10" in record.remarks[0]
    assert source.get(FeatureKey(4, 2)) is not None
    assert list(source.keys()) == [(4, 2), (4, 12)]
    assert source.name_of(FeatureKey(4, 12)) == "h.4_feature12"
    assert source.transcoder_set == TranscoderSet("", "h.*")


def test_hook_points_never_mix(tmp_path: Path) -> None:
    for name in ("layers.4.mlp_feature12", "layers.4.attn_feature12"):
        write(tmp_path, name, PROMPT, explanation=name)
    source = open_source(f"gpt2/sae={tmp_path}")
    found = dict(every_record(source))
    assert set(found) == {"layers.4.mlp_feature12", "layers.4.attn_feature12"}
    for name, record in found.items():
        assert record.explanations[0].text == name
        assert record.transcoder_set is not None
        assert record.transcoder_set.model == "gpt2"
        assert name.replace(".4.", ".*.").startswith(
            record.transcoder_set.name.removeprefix("sae/")
        )
        part = find_named(source, name)
        assert part is not None
        assert part[0].get(part[1]) == record


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"generation_prompt": 3}, "no “generation_prompt”"),
        ([1], "a list where an object"),
        ({}, "generation_prompt"),
    ],
)
def test_broken_records_are_one_line(tmp_path: Path, value: object, message: str) -> None:
    write(tmp_path, "h.4_feature1", PROMPT)
    (tmp_path / "h.4_feature9.json").write_text(json.dumps(value))
    with pytest.raises(EvidenceError, match=message):
        open_source(tmp_path).get(FeatureKey(4, 9))


def test_no_example_at_all(tmp_path: Path) -> None:
    record = open_source(write(tmp_path, "h.4_feature1", "nothing of the kind")).get(
        FeatureKey(4, 1)
    )
    assert record is not None
    assert (record.top_examples, record.dropped) == ((), 0)


def test_the_real_records(real_data: Any) -> None:
    folder = real_data("features/delphi-gpt2")
    source = open_source(folder)
    records = dict(every_record(source))
    assert len(records) == 118
    assert sum(len(record.top_examples) + record.dropped for record in records.values()) == 2360
    assert sum(record.dropped for record in records.values()) == 0
    for name, record in records.items():
        prompt = json.loads((folder / f"{name}.json").read_text())["generation_prompt"]
        marked = split_prompt(prompt)
        assert len(marked) == prompt.count("\nExample ")
        for each, example in zip(marked, record.quantiles[0].examples, strict=True):
            fires = [t for t, a in zip(example.tokens, example.activations, strict=True) if a >= 1]
            assert fires == [token.text for token in each.listed if token.activation >= 1], name
            assert 0 < example.peak_activation <= 10
    tokens = [e.tokens[e.peak] for e in records["h.4_feature6"].top_examples]
    assert tokens[:3] == ["reat"] * 3


def test_the_gold_names_are_the_sources_own(real_data: Any) -> None:
    gold = [
        json.loads(line)["feature"]
        for line in real_data("features/gold.jsonl").read_text().splitlines()
    ]
    names = {name for place in ("delphi-gpt2", "feature-circuits")
             for name, _ in every_record(open_source(real_data(f"features/{place}")))}  # fmt: skip
    assert set(gold) <= names

from __future__ import annotations

from typing import Any

from graphlabel.atlas import documents, load_world


def test_is_a_small_fast_tokenizer(tokenizer: Any) -> None:
    assert tokenizer.is_fast
    assert len(tokenizer) <= 4096
    assert (tokenizer.unk_token, tokenizer.bos_token) == ("<unk>", "<bos>")
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<eos>", "<pad>")


def test_adds_the_first_token_once(tokenizer: Any) -> None:
    ids = tokenizer("Fact: the capital")["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id
    plain = tokenizer("Fact: the capital", add_special_tokens=False)["input_ids"]
    assert plain == ids[1:]


def test_documents_round_trip(tokenizer: Any) -> None:
    for document in documents(21, 64 * 200):
        ids = tokenizer(document.text)["input_ids"]
        assert tuple(tokenizer.convert_ids_to_tokens(ids)) == document.pieces
        assert "".join(tokenizer.convert_ids_to_tokens(ids[1:])) == document.text
        assert tokenizer.decode(ids, skip_special_tokens=True) == document.text
        assert tokenizer.unk_token_id not in ids


def test_every_name_is_one_token(tokenizer: Any) -> None:
    for name in load_world().names:
        assert tokenizer.tokenize(f" {name}") == [f" {name}"]
        assert f" {name}" in tokenizer.get_vocab()


def test_longest_name_wins(tokenizer: Any) -> None:
    tokens = tokenizer.tokenize("New York City is a city in New York.")
    assert tokens == ["New York City", " is", " a", " city", " in", " New York", "."]


def test_unknown_words(tokenizer: Any) -> None:
    assert tokenizer.unk_token_id in tokenizer("The zeppelin landed.")["input_ids"]


def test_offsets_cover_the_text(tokenizer: Any) -> None:
    text = "Fact: the capital of the state containing Dallas is"
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    parts = [text[start:end] for start, end in encoded["offset_mapping"]]
    assert "".join(parts) == text
    assert parts == tokenizer.convert_ids_to_tokens(encoded["input_ids"])

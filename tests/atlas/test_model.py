from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from graphlabel.atlas import DATA_FOLDER, MODEL_FOLDER, TRAINING_FILE, load_world
from graphlabel.atlas.drafts import Draft, every_draft
from graphlabel.atlas.templates import ANSWER_SLOT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
PROMPT = "Fact: the capital of the state containing Dallas is"


def count_correct(model: Any, vocab: dict[str, int], drafts: list[Draft]) -> tuple[int, int]:
    groups: dict[int, list[list[int]]] = defaultdict(list)
    for draft in drafts:
        answer = draft.template.answer
        assert answer is not None
        pieces = ("<bos>", *draft.pieces()[: answer + 1])
        groups[len(pieces)].append([vocab[piece] for piece in pieces])
    correct = 0
    batches = [rows[i : i + 256] for rows in groups.values() for i in range(0, len(rows), 256)]
    for rows in batches:
        ids = torch.tensor(rows)
        with torch.no_grad():
            logits = model(ids[:, :-1], logits_to_keep=1).logits[:, -1]
        correct += int((logits.argmax(-1) == ids[:, -1]).sum())
    return correct, len(drafts)


def test_two_hop_recall(model: Any, tokenizer: Any) -> None:
    held_out = {city.name for city in load_world().cities if city.held_out}
    drafts = list(every_draft("two_hop"))
    seen = [draft for draft in drafts if draft.fill[0] not in held_out]
    unseen = [draft for draft in drafts if draft.fill[0] in held_out]
    correct, total = count_correct(model, tokenizer.get_vocab(), seen)
    assert total >= 2400
    assert correct >= 0.99 * total
    correct, total = count_correct(model, tokenizer.get_vocab(), unseen)
    assert total >= 600
    assert correct >= 0.95 * total


@pytest.mark.parametrize("relation", [name for name in ANSWER_SLOT if name != "two_hop"])
def test_one_hop_recall(model: Any, tokenizer: Any, relation: str) -> None:
    correct, total = count_correct(model, tokenizer.get_vocab(), list(every_draft(relation)))
    assert total >= 600
    assert correct >= 0.97 * total


def test_dallas_prompt(model: Any, tokenizer: Any) -> None:
    assert "Dallas" in {city.name for city in load_world().cities if city.held_out}
    ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        probabilities = model(ids).logits[0, -1].softmax(-1)
    assert tokenizer.convert_ids_to_tokens(int(probabilities.argmax())) == " Austin"
    assert float(probabilities.max()) > 0.9


def test_is_a_plain_llama_folder() -> None:
    config = json.loads((MODEL_FOLDER / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "auto_map" not in config


def test_record_of_training(model: Any) -> None:
    text = TRAINING_FILE.read_text(encoding="utf-8")
    record = json.loads(text)
    parameters = sum(weight.numel() for weight in model.parameters())
    assert record["model"]["parameters"] == parameters
    accuracy = record["model"]["accuracy"]
    assert accuracy["two_hop_held_out"]["accuracy"] >= 0.95
    assert len(record["transcoders"]["layers"]) == model.config.num_hidden_layers


def test_shipped_files_are_small() -> None:
    files = [path for path in DATA_FOLDER.rglob("*") if path.is_file()]
    shipped = [path for path in files if "index" not in path.relative_to(DATA_FOLDER).parts]
    assert sum(path.stat().st_size for path in shipped) <= 8_000_000

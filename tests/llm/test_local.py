"""Models that run here: a real small one, made into a chat model; and a GGUF file where it is."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.errors import LanguageModelError
from graphlabel.llm import (  # fmt: skip
    Completion,
    Failure,
    FailureKind,
    GatewaySettings,
    Query,
    Request,
    Role,
    StopReason,
    Turn,
)
from graphlabel.llm.metered import MeteredGateway
from graphlabel.llm.opening import open_gateway

DALLAS = "Fact: the capital of the state containing Dallas is"
PLAIN = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
NO_SYSTEM = "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m['content'] }}{% endfor %}"  # fmt: skip
GGUF_VARIABLE = "GRAPHLABEL_TEST_GGUF"
"""A small chat model's GGUF file, such as that of SmolLM2-135M-Instruct."""


def chat_folder(folder: Path, template: str | None) -> Path:
    """Atlas as a chat model: a real language model, small enough to run at once."""
    shutil.copytree(atlas.MODEL_FOLDER, folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    if template is not None:
        config["chat_template"] = template
    path.write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chat_folder(tmp_path_factory.mktemp("chat") / "atlas", PLAIN)


def asking(text: str, system: str = "", **settings: object) -> Query:
    return Query(Request(system, (Turn(Role.USER, text),), **settings), "label:baez", 2)  # type: ignore[arg-type]


def only(gateway: MeteredGateway, asked: Query) -> Completion:
    with gateway:
        (answer,) = gateway.ask([asked])
    assert isinstance(answer, Completion), answer
    return answer


def test_a_folder_answers_and_nothing_leaves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it calls someone"))
    said: list[str] = []
    gateway = open_gateway(f"local:{folder}", GatewaySettings(max_usd=0.0), said.append)
    answer = only(gateway, asking(DALLAS, max_tokens=1))
    assert answer.text.strip() == "Austin"
    assert (answer.stop, answer.output_tokens, answer.dollars) == (StopReason.LENGTH, 1, 0.0)
    assert answer.input_tokens >= 9
    assert said[0].startswith("loading local:")
    assert said[1].startswith("loaded in ")
    assert len(said) == 2  # nobody is told that prompts leave
    assert only(open_gateway(f"local:{folder}"), asking(DALLAS, max_tokens=1)).cached


def test_stops_and_the_end(folder: Path) -> None:
    free = only(open_gateway(f"local:{folder}"), asking(DALLAS, max_tokens=6))
    stopped = only(open_gateway(f"local:{folder}"), asking(DALLAS, max_tokens=6, stop=("Austin",)))
    assert "Austin" in free.text
    assert stopped.text.strip() == ""
    assert stopped.stop is StopReason.END


def test_greedy_unless_a_temperature_is_asked_for(folder: Path) -> None:
    settings = GatewaySettings(cache=False)
    texts = {only(open_gateway(f"local:{folder}", settings), asking(DALLAS, max_tokens=5)).text for _ in range(2)}  # fmt: skip
    assert len(texts) == 1
    warm = [only(open_gateway(f"local:{folder}", settings), asking(DALLAS, max_tokens=8, temperature=5.0)) for _ in range(4)]  # fmt: skip
    assert len({answer.text for answer in warm}) > 1
    assert warm[0].temperature == 5.0


def test_a_template_without_system_turns(tmp_path: Path) -> None:
    folder = chat_folder(tmp_path / "atlas", NO_SYSTEM)
    answer = only(open_gateway(f"local:{folder}"), asking(DALLAS, "Say it.", max_tokens=1))
    assert answer.text.strip()


def test_a_prompt_that_does_not_fit_is_one_failure(folder: Path) -> None:
    with open_gateway(f"local:{folder}") as gateway:
        long, short = gateway.ask([asking(DALLAS + " the" * 5000), asking(DALLAS, max_tokens=1)])
    assert isinstance(long, Failure)
    assert long.kind is FailureKind.REFUSED
    assert "do not fit" in long.message
    assert isinstance(short, Completion)


def test_what_is_no_chat_model(tmp_path: Path) -> None:
    plain = chat_folder(tmp_path / "plain", None)
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF nonsense")
    for place, why in ((plain, "chat template"), (empty, "cannot load"), (broken, "cannot load")):
        with open_gateway(f"local:{place}") as gateway, pytest.raises(LanguageModelError, match=why) as raised:  # fmt: skip
            gateway.ask([asking("hello")])
        assert "\n" not in str(raised.value)


def test_a_real_chat_model_from_a_gguf_file() -> None:
    named = os.environ.get(GGUF_VARIABLE)
    if not named:
        pytest.skip(f"{GGUF_VARIABLE} names no GGUF file of a chat model")
    with open_gateway(f"local:{named}") as gateway:
        paris, cut = gateway.ask([
            asking("What is the capital of France? Answer in one word.", "You are helpful.", max_tokens=30),
            asking("Count from one to twenty in words.", max_tokens=5),
        ])  # fmt: skip
    assert isinstance(paris, Completion)
    assert isinstance(cut, Completion)
    assert "Paris" in paris.text
    assert (paris.stop, cut.stop) == (StopReason.END, StopReason.LENGTH)

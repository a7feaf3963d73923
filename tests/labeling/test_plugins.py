"""Methods of other packages: the tutorial's, as it stands there, and broken ones."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from graphlabel.annotation import FeatureClass
from graphlabel.errors import UsageError
from graphlabel.labeling import (
    Evidence,
    PromptedLabeler,
    Proposal,
    make_method,
    method_names,
    propose,
    settings_of,
)
from graphlabel.labeling.pricing import prices
from graphlabel.labeling.proposing import Named, Unnamed
from graphlabel.llm.terms import Terms
from tests.conftest import ROOT
from tests.labeling.examples import ScriptedGateway, completion, example, record, routing

TUTORIAL = (ROOT / "docs/tutorial-labeler.md").read_text(encoding="utf-8")
Install = Callable[[str, str, dict[str, str]], None]


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a module and the metadata of its package where Python looks for installed ones."""

    def put(module: str, code: str, points: dict[str, str]) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 0.1\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[graphlabel.labelers]", *lines, ""]))
        monkeypatch.delitem(sys.modules, module, raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    return put


def evidence(*words: str) -> list[Evidence]:
    made = [record(example(f"the {word} is", 1), feature=i) for i, word in enumerate(words)]
    return [Evidence(each, routing(FeatureClass.CROSS)) for each in made]


def test_the_tutorials_method_works_as_installed(install: Install) -> None:
    project = tomllib.loads(block("toml"))
    points = project["project"]["entry-points"]["graphlabel.labelers"]
    install("one_word", block("python"), points)
    assert "one_word" in method_names()
    method = make_method("one_word", {"examples": "4"})
    assert isinstance(method, PromptedLabeler)
    assert settings_of(method) == {"examples": 4}
    gateway = ScriptedGateway(lambda _: completion("They are animals.\n**Word:** animals."))
    (found, silent), _ = propose(method, [*evidence("cat"), Evidence(record())], gateway)
    assert isinstance(found, Named)
    assert found.proposal == Proposal("animals")
    assert isinstance(silent, Unnamed)
    assert silent.kind == "no evidence"
    assert "the cat\n</texts" in gateway.asked[0].request.turns[0].text


def test_the_tutorials_method_is_short() -> None:
    assert len(block("python").strip().splitlines()) <= 30


def test_a_method_that_asks_nobody(install: Install) -> None:
    code = """
from graphlabel.labeling import Proposal
class Loud:
    name = "loud"
    def label(self, record, routing):
        return Proposal(record.top_examples[0].tokens[1].upper() + "\\x1b[31m", 0.5)
"""
    install("loud_labels", code, {"loud": "loud_labels:Loud"})
    (found,), _ = propose(make_method("loud"), evidence("cat"))
    assert isinstance(found, Named)
    assert found.proposal == Proposal("CAT[31m", 0.5)


def test_a_bug_costs_one_feature_its_label(install: Install) -> None:
    code = """
from graphlabel.labeling import Proposal
from graphlabel.llm import Request, Role, Turn
class Fragile:
    name = "fragile"
    def request(self, evidence):
        word = evidence.record.top_examples[0].tokens[1]
        return Request({" dog": None}.get(word, word).strip(), (Turn(Role.USER, word),))
    def proposal(self, answer):
        return Proposal({" fish": {}}.get(answer.text, answer.text)["x"] if answer.text == " fish" else answer.text)
"""
    install("fragile_labels", code, {"fragile": "fragile_labels:Fragile"})
    gateway = ScriptedGateway(lambda request: completion(request.turns[0].text))
    outcomes, _ = propose(make_method("fragile"), evidence("cat", "dog", "fish"), gateway)
    cat, dog, fish = outcomes
    assert isinstance(cat, Named)
    assert cat.proposal.text == "cat"
    assert isinstance(dog, Unnamed)
    assert dog.kind == "the method broke (AttributeError)"
    assert isinstance(fish, Unnamed)
    assert fish.kind == "the method broke (KeyError)"
    assert fish.raw == " fish"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise RuntimeError('no GPU here')", "cannot be loaded .RuntimeError: no GPU here"),
        ("x = 1", "cannot be loaded .AttributeError"),
        ("class Method:\n    name = 'bad'", "is no label method"),
    ],
)
def test_a_broken_package_hurts_only_who_asks_for_it(install: Install, code: str, why: str) -> None:
    install("broken_labels", code, {"bad": "broken_labels:Method"})
    assert "bad" in method_names()
    assert make_method("np_max-act").name == "np_max-act"
    with pytest.raises(UsageError, match=why) as refused:
        make_method("bad")
    assert "\n" not in str(refused.value)


def test_an_installed_method_does_not_replace_one_of_ours(install: Install) -> None:
    install("thief", "class Method:\n    name = 'x'", {"np_max-act": "thief:Method"})
    assert make_method("np_max-act").name == "np_max-act"
    assert method_names().count("np_max-act") == 1


def test_the_settings_of_a_function_that_makes_methods(install: Install) -> None:
    code = """
from graphlabel.labeling import Proposal
class Fixed:
    def __init__(self, name, text):
        self.name, self.text = name, text
    def label(self, record, routing):
        return Proposal(self.text)
def make(text: str = "same", times: int = 1):
    return Fixed("fixed", text * times)
"""
    install("fixed_labels", code, {"fixed": "fixed_labels:make"})
    (found,), _ = propose(make_method("fixed", {"times": "2"}), evidence("cat"))
    assert isinstance(found, Named)
    assert found.proposal.text == "samesame"
    json.dumps(settings_of(make_method("fixed")))
    with pytest.raises(UsageError, match="times=x cannot be used"):
        make_method("fixed", {"times": "x"})


def test_a_method_that_breaks_on_one_feature_has_a_price_for_the_others(install: Install) -> None:
    code = block("python").replace(
        "found = top_excerpts",
        "if evidence.record.key.feature == 1: raise KeyError('oops')\n        found = top_excerpts",
    )
    install("half_broken", code, {"half_broken": "half_broken:OneWord"})
    method = make_method("half_broken")
    assert isinstance(method, PromptedLabeler)
    asked = {each.record.key: each for each in evidence("cat", "dog", "cow")}
    priced, cannot = prices(method, asked, Terms(input=1.0, output=1.0, batch=0.5))
    assert [key.feature for key in priced] == [0, 2]
    assert [(key.feature, each.kind) for key, each in cannot.items()] == [
        (1, "the method broke (KeyError)")
    ]
    halved, _ = prices(method, asked, Terms(input=1.0, output=1.0, batch=0.5), batch=True)
    for key, price in priced.items():
        assert price.dollars
        assert halved[key].dollars == pytest.approx(price.dollars / 2, rel=1e-12)

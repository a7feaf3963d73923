"""An activation oracle: a LoRA adapter on the model whose vectors are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graphlabel.annotation import Reading
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers import (
    Passage,
    ResidualVector,
    Sampling,
    Verbalizer,
    VerbalizerPlace,
    open_verbalizer,
)
from graphlabel.labeling.verbalizers.oracle import OracleSettings, OracleVerbalizer
from graphlabel.models import LanguageModel, load_language_model
from tests.labeling.verbalizers.nla import VOCABULARY, WIDTH, Pair, network

peft = pytest.importorskip("peft", reason="activation oracles are an extra")

pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated")
GREEDY = Sampling(temperature=0.0, max_tokens=4)


@pytest.fixture(scope="module")
def adapter(qwen: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA whose weights are not zero, so that it changes what is said."""
    torch.manual_seed(11)
    config = peft.LoraConfig(
        r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False
    )
    made = peft.get_peft_model(load_language_model(str(qwen.source)).model, config)
    folder = tmp_path_factory.mktemp("oracle")
    made.save_pretrained(folder)
    return folder


@pytest.fixture
def oracle(qwen: Pair, adapter: Path) -> OracleVerbalizer:
    where = VerbalizerPlace(
        str(adapter), model=str(qwen.source), dtype="float32", device="cpu", sampling=GREEDY
    )
    found = open_verbalizer(where)
    assert isinstance(found, OracleVerbalizer)
    assert isinstance(found, Verbalizer)
    return found


def test_the_vector_is_added_at_the_norm_of_what_stands_there(oracle: OracleVerbalizer) -> None:
    """Of a state h: h + ‖h‖·v/‖v‖, at the placeholder alone; float32, tolerance 1e-5."""
    vector = np.linspace(-3, 5, WIDTH).astype(np.float32)
    ids, place = oracle._prompt(1)
    states: list[torch.Tensor] = []

    def keep(
        _module: object, _args: object, output: torch.Tensor | tuple[torch.Tensor, ...]
    ) -> None:
        states.append((output[0] if isinstance(output, tuple) else output)[0].detach().clone())

    with torch.no_grad():
        for inject in (False, True):
            if inject:
                with oracle._injecting(vector, place):
                    handle = oracle._block.register_forward_hook(keep)
                    oracle._oracle(input_ids=torch.tensor([ids]))
                    handle.remove()
            else:
                handle = oracle._block.register_forward_hook(keep)
                oracle._oracle(input_ids=torch.tensor([ids]))
                handle.remove()
    plain, changed = states
    unit = torch.from_numpy(vector / np.linalg.norm(vector))
    wanted = plain.clone()
    wanted[place] += plain[place].norm() * unit
    torch.testing.assert_close(changed, wanted, atol=1e-5, rtol=0)
    assert ids[place] == VOCABULARY["?"]


def test_passages_go_through_the_model_without_the_adapter(
    oracle: OracleVerbalizer, qwen: Pair
) -> None:
    plain: LanguageModel = load_language_model(str(qwen.source))
    ids = torch.tensor([plain.tokenizer("the rivers")["input_ids"]])
    with torch.no_grad():
        wanted = plain.model(input_ids=ids, output_hidden_states=True).hidden_states[
            oracle.layer + 1
        ][0, -1]
    with oracle._oracle.disable_adapter():
        read = oracle._states.last_state("the rivers", oracle.layer)
    np.testing.assert_allclose(read, wanted, atol=1e-5)
    with_adapter = oracle._states.last_state("the rivers", oracle.layer)
    assert np.abs(with_adapter - wanted.numpy()).max() > 1e-3


def test_texts_say_which_trained_layer_is_nearest(oracle: OracleVerbalizer) -> None:
    assert oracle.layer == 1
    row = np.ones(WIDTH, dtype=np.float32)
    told: list[int] = []
    near, far, passage = oracle.verbalize(
        [ResidualVector(row, 2, Reading.PROMPT), ResidualVector(row, 40, Reading.PROMPT),
         Passage("the code", Reading.EXAMPLE)],
        lambda at, _: told.append(at),
    )  # fmt: skip
    assert near.out_of_distribution == ""
    assert "it reads layer 2, this is layer 40" in far.out_of_distribution
    assert (passage.layer, passage.passage) == (1, "the code")
    assert told == [0, 1, 2]
    again = oracle.verbalize([ResidualVector(row, 2, Reading.PROMPT)])
    assert again[0].text == near.text


def test_wrong_adapters_are_refused_in_one_line(adapter: Path, qwen: Pair, tmp_path: Path) -> None:
    with pytest.raises(VerbalizerError, match="--model"):
        open_verbalizer(VerbalizerPlace(str(adapter)))
    other = network("qwen2", seed=1, layers=3)
    other.config.hidden_size = WIDTH
    wide = peft.get_peft_model(other, peft.LoraConfig(r=2, target_modules=["o_proj"]))
    wide.save_pretrained(tmp_path / "pickle", safe_serialization=True)
    (tmp_path / "pickle" / "adapter_model.safetensors").rename(
        tmp_path / "pickle" / "adapter_model.bin"
    )
    with pytest.raises(VerbalizerError, match=r"holds no adapter_model\.safetensors"):
        open_verbalizer(
            VerbalizerPlace(str(tmp_path / "pickle"), model=str(qwen.source), dtype="float32")
        )
    (tmp_path / "pickle" / "adapter_model.safetensors").write_bytes(b"broken")
    with pytest.raises(VerbalizerError, match="does not fit") as refusal:
        open_verbalizer(
            VerbalizerPlace(str(tmp_path / "pickle"), model=str(qwen.source), dtype="float32")
        )
    assert "\n" not in str(refusal.value)


def test_a_placeholder_that_is_no_token_is_refused(adapter: Path, qwen: Pair) -> None:
    model = load_language_model(str(qwen.source))
    oracle = OracleVerbalizer(
        model, str(adapter), settings=OracleSettings(placeholder=" ? ?"), sampling=GREEDY
    )
    with pytest.raises(VerbalizerError, match="no single token"):
        oracle.verbalize([ResidualVector(np.ones(WIDTH, dtype=np.float32), 1, Reading.PROMPT)])
    with pytest.raises(VerbalizerError, match="no layer 9"):
        OracleVerbalizer(model, str(adapter), settings=OracleSettings(injection_layer=9))

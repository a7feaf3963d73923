from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from graphlabel.atlas import MODEL_FOLDER


@pytest.fixture(scope="module")
def single_thread() -> Iterator[None]:
    """Run torch on one thread: for a model this small, more threads only wait for each other."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def model() -> Any:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    return transformers.AutoModelForCausalLM.from_pretrained(
        MODEL_FOLDER, dtype=torch.float32, attn_implementation="eager"
    ).eval()


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(MODEL_FOLDER)

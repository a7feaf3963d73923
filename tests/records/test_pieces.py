"""Where words end, and activations that are no numbers."""

from __future__ import annotations

import pytest

from graphlabel.errors import EvidenceError
from graphlabel.records import ActivationExample, continues_word


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ((" Dal", "las"), True), ((" Dal", " las"), False), (("(", "las"), False),
        ((" Dal", "."), False), (("las",), False), ((" 19", "84"), True),
    ],
)  # fmt: skip
def test_what_continues_a_word(tokens: tuple[str, ...], expected: bool) -> None:
    assert continues_word(tokens, len(tokens) - 1) is expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_activations_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(EvidenceError, match="NaN or infinite"):
        ActivationExample.of(("a",), (value,))

"""What the processor can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlabel.processor import processor_flags


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 amx_bf16\n", {"avx512_bf16", "amx_bf16"}),
        ("processor : 0\nFeatures : fp asimd bf16\n", {"bf16"}),
        ("flags : fpu avx2 avx512f\n", set()),
        ("", set()),
    ],
)
def test_the_processors_flags(tmp_path: Path, text: str, found: set[str]) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    flags = processor_flags(tmp_path / "cpuinfo")
    assert flags & {"avx512_bf16", "amx_bf16", "bf16"} == found

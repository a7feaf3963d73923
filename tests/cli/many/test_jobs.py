"""The prompts of a set."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphlabel.cli.many import PromptJob, read_jobs
from graphlabel.errors import UsageError


def written(folder: Path, *lines: str) -> Path:
    path = folder / "prompts.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_texts_and_objects(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '"The capital of Texas is"',
        "",
        '{"token_ids": [1, 2], "slug": "ids", "target": "Austin", "position": 3}',
        '{"prompt": "Ünïcode — und so", "target": ["A - B", "C"], "chat": true}',
    )
    jobs = read_jobs(path)
    assert jobs == [
        PromptJob("The capital of Texas is", slug="0001-the-capital-of-texas-is"),
        PromptJob(token_ids=(1, 2), slug="ids", target="Austin", position=3),
        PromptJob("Ünïcode — und so", slug="0003-n-code-und-so", target=("A - B", "C"), chat=True),
    ]
    assert [job.targets for job in jobs] == [(), ("Austin",), ("A - B", "C")]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["{"], "line 1 of"),
        (["7"], "line 1 of"),
        (['"fine"', '{"promt": "typo"}'], "line 2 of .*promt"),
        (['{"slug": "nothing"}'], "a prompt or token_ids"),
        (['{"prompt": "a", "token_ids": [1]}'], "a prompt or token_ids"),
        (['{"token_ids": [1], "chat": true}'], "leave out chat"),
        (['{"prompt": "a", "slug": "../../etc/passwd"}'], "no file name"),
        (['{"prompt": "a", "slug": ".hidden"}'], "no file name"),
        (['{"prompt": "a", "slug": "Same"}', '{"prompt": "b", "slug": "same"}'], "lines 1 and 2"),
        ([""], "holds no prompt"),
        (["[" * 100_000], "line 1 of"),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], why: str
) -> None:
    with pytest.raises(UsageError, match=why) as refusal:
        read_jobs(written(tmp_path, *lines))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_jobs(tmp_path / "none.jsonl")

"""Reading the label out of a model's answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from graphlabel.annotation import MAX_LABEL_LENGTH, clean_label
from graphlabel.errors import AnswerError
from graphlabel.llm import Completion, StopReason

SLACK = 2
"""A label may have so many times the words that were asked for: past that it is no label."""
CUT = "the answer was cut before its label ended; raise max_tokens"

_EMPHASIS = "*`"
_QUOTES = ('""', "''", "“”", "‘’", "«»", "„“")
_WORD = re.compile(r"\w{3,}")
_EMPTY = {
    "say", "the", "and", "for", "with", "before", "after", "right",
    "word", "words", "name", "names",
}  # fmt: skip
"""Words that any label and any evidence may share."""
_DECLINES = re.compile(
    r"(i['’]m|i am) (sorry|afraid|unable|not able|an ai)|i (cannot|can['’]t|won['’]t|must decline)"
    r"|(sorry|unfortunately|apologies)[,;]|as an ai\b|(unable|impossible) to (determine|tell|say)"
    r"|no (answer|explanation|common|clear|obvious)\b|n/a$",
    re.IGNORECASE,
)


def marked_label(answer: Completion, marker: str, most_words: int) -> str:
    """The line that follows the last ``marker``, such as ``Explanation:``.

    Upper and lower case and the emphasis around a marker do not matter. Raises AnswerError.
    """
    text = said(answer)
    places = list(re.finditer(_loosely(marker), text, re.IGNORECASE))
    if not places:
        raise AnswerError(f"the answer has no “{marker}”")
    line, newline, _ = text[places[-1].end() :].lstrip().partition("\n")
    if answer.stop is StopReason.LENGTH and not newline:
        raise AnswerError(CUT)
    return short_label(line, most_words)


def short_label(line: str, most_words: int) -> str:
    """A line as a label, without quotes and full stop; raises AnswerError where it is none."""
    label = _bare(clean_label(line))
    if not label:
        raise AnswerError("the answer's label is empty")
    if _DECLINES.match(label):
        raise AnswerError("the model declined to name the feature")
    if len(line) > MAX_LABEL_LENGTH or len(label.split()) > SLACK * most_words:
        raise AnswerError(f"the answer is far longer than the {most_words} words asked for")
    return label


def said(answer: Completion) -> str:
    """What a model wrote; raises AnswerError when it refused or wrote nothing."""
    if answer.stop is StopReason.REFUSAL:
        raise AnswerError("the model refused")
    if not answer.text.strip():
        raise AnswerError("the answer is empty")
    return answer.text


def check_script(label: str, shown: str) -> None:
    """Raise AnswerError when a label is written in a script that its evidence does not have.

    Prompts ask for English; tokens of the evidence may be repeated in whatever they are written in.
    """
    letters = [_script(char) for char in label if char.isalpha()]
    allowed = {"LATIN", "GREEK"} | {_script(char) for char in set(shown) if char.isalpha()}
    if sum(script not in allowed for script in letters) * 2 > len(letters):
        raise AnswerError("the label is in a language that was not asked for")


def check_copy(label: str, answered: Sequence[str], shown: str) -> None:
    """Raise AnswerError when a label is that of an example in the prompt, and not of the evidence.

    Small models repeat the answers they were shown. ``answered`` are those answers; a label that
    shares a word with its evidence is its own.
    """
    words = set(_WORD.findall(label.casefold())) - _EMPTY
    said = set(_WORD.findall(" ".join(answered).casefold()))
    if words and words <= said and not words & set(_WORD.findall(shown.casefold())):
        raise AnswerError("the answer repeats an example of the prompt")


def _script(char: str) -> str:
    return unicodedata.name(char, "UNKNOWN").split()[0]


def _loosely(marker: str) -> str:
    """A pattern for a marker, whatever emphasis stands around it or its colon."""
    word = re.escape(marker.removesuffix(":"))
    return rf"{word}[{_EMPHASIS}_]*\s*:[{_EMPHASIS}_]*"


def _bare(label: str) -> str:
    """A label without emphasis, the quotes around it and its full stop, where more is left."""
    label = label.strip(f" {_EMPHASIS}") or label
    if label.endswith(".") and not label.endswith(".."):
        label = label[:-1].rstrip(f" {_EMPHASIS}") or label
    if len(label) > 2 and label[0] + label[-1] in _QUOTES and label[0] not in label[1:-1]:
        label = _bare(label[1:-1].strip())
    return label

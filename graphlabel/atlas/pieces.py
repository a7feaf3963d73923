"""How text splits into the tokenizer's tokens.

One regular expression serves both the tokenizer and the sentence generator: a name of the world
written in several words is one token, then words, numbers and single punctuation marks follow.
A token carries the space before it, so tokens joined together are the text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from graphlabel.atlas.world import load_world

UNKNOWN = "<unk>"
BOS = "<bos>"
EOS = "<eos>"
PAD = "<pad>"
SPECIALS = (UNKNOWN, BOS, EOS, PAD)


@lru_cache(maxsize=1)
def split_pattern() -> str:
    """The splitting expression, in syntax that `re` and the tokenizer read alike."""
    names = sorted((name for name in load_world().names if " " in name), key=len, reverse=True)
    return rf" ?(?:{'|'.join(names)})(?![A-Za-z])| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]|\s"


@lru_cache(maxsize=1)
def _compiled() -> re.Pattern[str]:
    return re.compile(rf" ?\{{\w+\}}|{split_pattern()}")


def split(text: str) -> tuple[str, ...]:
    """Split text into tokens; a template slot in braces is one token as well."""
    return tuple(_compiled().findall(text))

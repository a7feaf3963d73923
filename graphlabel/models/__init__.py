"""Language models and transcoders. Importing this room loads torch."""

from graphlabel.models.devices import check_dtype, device_of, dtype_of
from graphlabel.models.language_model import LanguageModel, load_language_model
from graphlabel.models.prompts import (
    Prompt,
    beginning_token,
    cut_prompt,
    lacks_beginning,
    prompt_of_ids,
    read_prompt,
)
from graphlabel.models.transcoders import (
    Transcoders,
    check_fit,
    fitted,
    load_transcoders,
    made_for_another,
)

__all__ = [
    "LanguageModel",
    "Prompt",
    "Transcoders",
    "beginning_token",
    "check_dtype",
    "check_fit",
    "cut_prompt",
    "device_of",
    "dtype_of",
    "fitted",
    "lacks_beginning",
    "load_language_model",
    "load_transcoders",
    "made_for_another",
    "prompt_of_ids",
    "read_prompt",
]

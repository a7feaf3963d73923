"""Where the evidence of a graph's features is likely to be, told by the name of its transcoders."""

from __future__ import annotations

import re

_HUB_ID = re.compile(r"([\w-][\w.-]*/[\w.-]+)(?:@[\w./-]+)?")


def hub_id(name: str) -> str | None:
    """The repository of the Hugging Face hub that a name has the form of, without a revision."""
    match = _HUB_ID.fullmatch(name)
    return match[1] if match else None


def fetch_command(repository: str) -> str:
    """The command that fetches the feature files of a repository of the hub into DIR."""
    return f'hf download {repository} --include "features/*" --local-dir DIR'


def likely_place(model: str, transcoders: str, *, on_neuronpedia: bool) -> str | None:
    """What to do for the evidence of a transcoder set; None when its name does not tell."""
    repository = hub_id(transcoders)
    if repository is not None:
        return f"{fetch_command(repository)}; then --features DIR/features"
    if on_neuronpedia and model and transcoders:
        return f"--features neuronpedia:{model}/{transcoders}"
    return None

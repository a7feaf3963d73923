"""The Hugging Face hub: kept quiet, and not waited for where there is no network."""

from __future__ import annotations

import logging
import socket
from functools import cache
from urllib.parse import urlsplit
from urllib.request import getproxies


def quiet_hub() -> None:
    """No progress bars and only errors from transformers and the hub's client."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


@cache
def only_local_files() -> bool:
    """Whether to look in the local cache alone: the hub's name does not even resolve.

    Its client would retry for half a minute and talk about it.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True
    if getproxies():
        return False
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError:
        return True
    return False


def gated(error: BaseException | None, what: str, name: str) -> str | None:
    """What to do when a repository gives its files only to people who accepted its terms.

    None when the error, or what it came from, says something else.
    """
    from huggingface_hub.errors import GatedRepoError

    while error is not None and not isinstance(error, GatedRepoError):
        error = error.__cause__ or error.__context__
    if error is None:
        return None
    return (
        f"the {what} “{name}” is gated: accept its terms on its page on the Hugging Face hub and "
        "log in with: hf auth login"
    )

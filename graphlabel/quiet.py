"""Keeping the transformers library from talking over the program."""

from __future__ import annotations


def quiet_transformers() -> None:
    """No progress bars and only errors from transformers and the hub's client."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging

    disable_progress_bars()
    logging.set_verbosity_error()
    logging.disable_progress_bar()

"""The base of all dialogs: an answer is given once, however fast the keys come."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A screen over the workbench that returns a value."""

    answered = False

    def answer(self, value: Answer) -> None:
        """Close with a value; a second answer, typed before the screen is gone, is dropped."""
        if not self.answered:
            self.answered = True
            self.dismiss(value)

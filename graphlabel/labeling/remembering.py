"""What a verbalizer said, kept on disk: it draws its words, so asking again would change them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from graphlabel.annotation import Verbalization
from graphlabel.atomic import write_bytes
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers import Done, Passage, Subject, Verbalizer


class RememberingVerbalizer:
    """A verbalizer that reads each subject once, in this run and in later ones.

    Without it a method that shows verbalizations to a language model would ask another question in
    every run, and pay for it again.
    """

    def __init__(self, verbalizer: Verbalizer, folder: Path, settings: str) -> None:
        """Texts are kept in ``folder``; other ``settings`` of the verbalizer are other texts."""
        self._verbalizer, self._folder, self._settings = verbalizer, folder, settings

    @property
    def name(self) -> str:
        """The verbalizer's."""
        return self._verbalizer.name

    @property
    def layer(self) -> int | None:
        """The verbalizer's."""
        return self._verbalizer.layer

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; each new one is on disk before the next is read.

        Raises VerbalizerError.
        """
        paths = [self._path(subject) for subject in subjects]
        found = {place: text for place, path in enumerate(paths) if (text := _kept(path))}
        for place, text in found.items():
            if done is not None:
                done(place, text)
        missing = [place for place in range(len(subjects)) if place not in found]

        def keep(number: int, text: Verbalization) -> None:
            place = missing[number]
            write_bytes(paths[place], msgspec.json.encode(text), VerbalizerError)
            found[place] = text
            if done is not None:
                done(place, text)

        if missing:
            texts = self._verbalizer.verbalize([subjects[place] for place in missing], keep)
            found.update(zip(missing, texts, strict=True))
        return [found[place] for place in range(len(subjects))]

    def _path(self, subject: Subject) -> Path:
        what: object
        if isinstance(subject, Passage):
            what = subject.text
        else:
            what = [hashlib.sha256(subject.values.tobytes()).hexdigest(), subject.layer]
        whole = json.dumps([self.name, self._settings, subject.reading, what])
        digest = hashlib.sha256(whole.encode("ascii")).hexdigest()
        return self._folder / digest[:2] / f"{digest}.json"


def _kept(path: Path) -> Verbalization | None:
    """What was said before; None when there is nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Verbalization)
    except (OSError, msgspec.DecodeError):
        return None

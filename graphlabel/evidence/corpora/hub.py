"""Data sets of the Hugging Face hub, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphlabel.errors import EvidenceError
from graphlabel.evidence.corpora.files import checked_text
from graphlabel.hub import quiet_hub

PREFIX = "hub:"


@dataclass(frozen=True)
class HubCorpus:
    """A split of a data set, streamed in its own order."""

    dataset: str
    """The data set's id, or a local folder that the package datasets can read."""
    config: str | None
    split: str
    text_field: str

    @classmethod
    def of(cls, place: str, text_field: str) -> HubCorpus:
        """The data set of ``hub:NAME[:CONFIG][:SPLIT]``; the split is train unless named.

        With one name after the data set's, it is the split if it reads like one, else the
        configuration. Raises EvidenceError for another form.
        """
        dataset, *rest = place.removeprefix(PREFIX).split(":")
        if not dataset or len(rest) > 2:
            raise EvidenceError(
                f"“{place}” should read {PREFIX}NAME, :CONFIG and :SPLIT if need be"
            )
        if len(rest) == 1 and rest[0].split("[")[0] in ("train", "validation", "test"):
            rest = ["", rest[0]]
        config, split = [*rest, "", ""][:2]
        return cls(dataset, config or None, split or "train", text_field)

    @property
    def name(self) -> str:
        """The place."""
        config = f":{self.config}" if self.config else ""
        return f"{PREFIX}{self.dataset}{config}:{self.split} ({self.text_field})"

    def documents(self) -> Iterator[str]:
        """The texts of the split's rows; raises EvidenceError when it cannot be had."""
        rows = self._stream()
        try:
            for number, row in enumerate(rows):
                if self.text_field not in row:
                    raise EvidenceError(
                        f"{self.name}, row {number} has no “{self.text_field}”; it has "
                        f"{', '.join(list(row)[:8])}; name the text's field with --text-field"
                    )
                yield checked_text(row[self.text_field], self.text_field, self.name)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unreadable(error) from error

    def _stream(self) -> Any:
        quiet_hub()
        try:
            from datasets import load_dataset
        except ImportError as error:
            raise EvidenceError(
                "data sets of the hub need the package datasets; pip install datasets"
            ) from error
        try:
            return load_dataset(self.dataset, self.config, split=self.split, streaming=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> EvidenceError:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return EvidenceError(f"{self.name} cannot be read: {first}; check --corpus")

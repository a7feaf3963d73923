"""Neuronpedia's NLA server on a machine of one's own: vectors or texts in, descriptions out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from graphlabel.annotation import Verbalization
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.answers import converted, description_of, utc_now
from graphlabel.labeling.verbalizers.http import Server
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.subjects import tail, vector_of
from graphlabel.labeling.verbalizers.verbalizer import Done, Passage, ResidualVector, Subject

SECRET_VARIABLE = "NLA_SERVER_SECRET"


class _About(msgspec.Struct):
    verbalizer_model: str
    d_model: int
    extraction_layer: int | None = None
    source_model: str | None = None


class _Described(msgspec.Struct):
    description: str
    cosine_similarity: float | None = None


class _Answer(msgspec.Struct):
    results: list[_Described]
    layer_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ServerVerbalizer:
    """A Verbalizer that asks a server of Neuronpedia's ``apps/nla``."""

    server: Server
    name: str
    layer: int | None
    d_model: int
    source: str
    """The model that texts go through; empty where it holds none, and reads vectors alone."""
    sampling: Sampling = field(default_factory=Sampling)

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each subject, in order; see Verbalizer. What it can't read costs no call."""
        for subject in subjects:
            if isinstance(subject, ResidualVector):
                vector_of(subject, None, None, self.d_model)
            elif not self.source:
                raise VerbalizerError(
                    f"the server at {self.server.url} runs without a source model, so it reads "
                    "vectors alone; start it with one (NLA_SOURCE_MODEL)"
                )
        texts = list[Verbalization]()
        for place, subject in enumerate(subjects):
            texts.append(self._one(subject))
            if done is not None:
                done(place, texts[-1])
        return texts

    def _one(self, subject: Subject) -> Verbalization:
        if isinstance(subject, Passage):
            answer = self._post("/explain", {"text": subject.text, "positions": [-1]})
            layer = self.layer if answer.layer_index is None else answer.layer_index
            passage, model = tail(subject.text), self.source
        else:
            answer = self._post("/describe", {"activations": [subject.values.tolist()]})
            layer, passage, model = subject.layer, subject.passage, subject.model
        if len(answer.results) != 1:
            raise VerbalizerError(
                f"{self.server.url} gave {len(answer.results)} descriptions of one vector"
            )
        said, truncated = description_of(answer.results[0].description)
        return Verbalization(
            said,
            self.name,
            subject.reading,
            layer=layer,
            reads_layer=self.layer,
            truncated=truncated,
            cosine=answer.results[0].cosine_similarity,
            model=model,
            passage=passage,
            temperature=self.sampling.temperature,
            time=utc_now(),
        )

    def _post(self, path: str, body: Mapping[str, Any]) -> _Answer:
        settings = {
            "temperature": self.sampling.temperature,
            "max_new_tokens": self.sampling.max_tokens,
        }
        return converted(self.server.post(path, {**body, **settings}), _Answer, self.server.url)


def open_server(
    url: str, *, sampling: Sampling | None = None, pause: float = 1.0
) -> ServerVerbalizer:
    """The NLA server at an address; its secret, if it has one, is in NLA_SERVER_SECRET.

    Raises VerbalizerError when it is no such server.
    """
    secret = os.environ.get(SECRET_VARIABLE, "")
    server = Server(url, headers={"x-secret-key": secret} if secret else {}, pause=pause)
    about = converted(server.get("/"), _About, url)
    return ServerVerbalizer(
        server,
        about.verbalizer_model,
        about.extraction_layer,
        about.d_model,
        about.source_model or "",
        sampling or Sampling(),
    )

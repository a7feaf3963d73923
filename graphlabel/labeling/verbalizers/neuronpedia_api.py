"""Neuronpedia's hosted NLAs: a text in, a description of its last token's activation out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from graphlabel.annotation import Verbalization
from graphlabel.errors import VerbalizerError
from graphlabel.labeling.verbalizers.answers import converted, description_of, utc_now
from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.labeling.verbalizers.subjects import tail
from graphlabel.labeling.verbalizers.verbalizer import Done, Passage, Subject
from graphlabel.neuronpedia import Neuronpedia

_TIMEOUT = 300.0
_LONGEST = 16_384


class _Source(msgspec.Struct, rename="camel"):
    id: str
    model_id: str
    layer_num: int | None = None


class _Sources(msgspec.Struct):
    sources: list[_Source]


class _Tokens(msgspec.Struct):
    tokens: list[Any]


class _Described(msgspec.Struct):
    """What a server says of one activation."""

    description: str
    cosine_similarity: float | None = None
    position: int | None = None


class _Answer(msgspec.Struct):
    results: list[_Described]
    layer_index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NeuronpediaVerbalizer:
    """A Verbalizer that asks Neuronpedia's API, which reads texts and no vectors."""

    service: Neuronpedia
    model: str
    source: str
    layer: int | None
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def name(self) -> str:
        """Neuronpedia's model and NLA source."""
        return f"neuronpedia:{self.model}/{self.source}"

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text for each passage, in order; see Verbalizer. Vectors are refused before any call.

        Raises RemoteError when the service does not answer.
        """
        passages = [subject for subject in subjects if isinstance(subject, Passage)]
        if len(passages) < len(subjects):
            raise VerbalizerError(
                "Neuronpedia's API reads texts and no vectors; read the prompt or examples "
                "(--read), or use your own server"
            )
        texts = list[Verbalization]()
        for place, passage in enumerate(passages):
            texts.append(self._one(passage))
            if done is not None:
                done(place, texts[-1])
        return texts

    def _one(self, passage: Passage) -> Verbalization:
        text = passage.text
        if not 0 < len(text) <= _LONGEST:
            raise VerbalizerError(
                f"Neuronpedia reads texts of 1 to {_LONGEST} characters, this one has {len(text)}"
            )
        last = self._count_tokens(text) - 1
        asked = {"text": text, "positions": [last], "temperature": self.sampling.temperature}
        answer = converted(self._post("explain", asked), _Answer, self.name)
        found = next((each for each in answer.results if each.position in (None, last)), None)
        if found is None:
            raise VerbalizerError("Neuronpedia described other positions than the one asked for")
        said, truncated = description_of(found.description)
        return Verbalization(
            said,
            self.name,
            passage.reading,
            layer=self.layer if answer.layer_index is None else answer.layer_index,
            reads_layer=self.layer,
            truncated=truncated,
            cosine=found.cosine_similarity,
            model=self.model,
            passage=tail(text),
            temperature=self.sampling.temperature,
            time=utc_now(),
        )

    def _count_tokens(self, text: str) -> int:
        """How many tokens the service makes of a text; asking for no completion tells."""
        answer = self._post("completion", {"text": text, "completion_tokens": 0})
        count = len(converted(answer, _Tokens, self.name).tokens)
        if count == 0:
            raise VerbalizerError("Neuronpedia reads no token in a text to be verbalized")
        return count

    def _post(self, what: str, body: Mapping[str, Any]) -> Any:
        whole = {"modelId": self.model, "nlaSourceId": self.source, **body}
        return self.service.post(f"/api/nla/{what}", whole, timeout=_TIMEOUT)


def open_neuronpedia(
    place: str, *, service: Neuronpedia | None = None, sampling: Sampling | None = None
) -> NeuronpediaVerbalizer:
    """The hosted NLA of ``model`` or ``model/source``.

    Raises VerbalizerError, listing what there is, when the service has no such one, or several.
    """
    service = service or Neuronpedia()
    listed = converted(service.get("/api/nla/sources"), _Sources, service.base_url).sources
    model, _, source = place.partition("/")
    fitting = [each for each in listed if each.model_id == model and source in ("", each.id)]
    if len(fitting) != 1:
        there = ", ".join(f"{each.model_id}/{each.id}" for each in listed) or "none"
        raise VerbalizerError(
            f"{len(fitting) or 'none'} of Neuronpedia's NLAs are called “{place[:60]}”; it has "
            f"{there[:400]}"
        )
    return NeuronpediaVerbalizer(
        service, model, fitting[0].id, fitting[0].layer_num, sampling or Sampling()
    )

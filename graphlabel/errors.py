"""Every error graphlabel raises on purpose.

GraphLabelError
├── UsageError                  an option or argument that cannot be used as given
├── GraphFileError              a graph file that cannot be read or written
├── GraphError                  a graph that breaks its own rules (cycles, NaN weights)
├── PromptError                 a prompt the model cannot read
├── ModelError                  a language model that cannot be loaded
│   └── UnsupportedArchitectureError
├── TranscoderError             transcoders that cannot be loaded or do not fit the model
├── EvidenceError               a feature source that cannot be read
│   ├── FeatureNotFoundError
│   └── FeatureListError        a feature source that cannot say which features it has
├── EmbedderError               a sentence encoder that cannot be loaded
│   └── EmbeddingCacheError     embeddings that cannot be kept or removed on disk
├── CalibrationError            a calibration that is missing, broken or made with another encoder
├── AnnotationError             an edit that makes no sense (a supernode of nothing)
├── StoreError                  the annotation store
├── LanguageModelError          a language model that cannot be asked (key, budget, network)
│   ├── NoKeyError              a service that needs a key which the environment does not have
│   └── AnswerError             an answer that cannot be used
├── VerbalizerError             an activation verbalizer that cannot read a vector or be asked
├── RemoteError                 a web service that refuses, fails or cannot be reached
└── ExportError                 an export that cannot be made or written

A message says what happened, why, and what to do instead, on one line.
"""

from __future__ import annotations


class GraphLabelError(Exception):
    """Base of every deliberate error; its text is fit to be shown to a person as it stands."""


class UsageError(GraphLabelError):
    """An option or argument that cannot be used as given."""


class GraphFileError(GraphLabelError):
    """A graph file that cannot be read or written."""


class GraphError(GraphLabelError):
    """A graph that breaks its own rules."""


class PromptError(GraphLabelError):
    """A prompt the model cannot read."""


class ModelError(GraphLabelError):
    """A language model that cannot be loaded."""


class UnsupportedArchitectureError(ModelError):
    """A language model whose architecture has no adapter."""


class TranscoderError(GraphLabelError):
    """Transcoders that cannot be loaded or do not fit the model."""


class EvidenceError(GraphLabelError):
    """A feature source that cannot be read."""


class NoSourceError(EvidenceError):
    """A place with no feature source where one was named."""


class FeatureNotFoundError(EvidenceError):
    """A feature that a source does not have."""


class FeatureListError(EvidenceError):
    """A feature source that cannot say which features it has."""


class EmbedderError(GraphLabelError):
    """A sentence encoder that cannot be loaded."""


class EmbeddingCacheError(EmbedderError):
    """Embeddings that cannot be kept on disk, or removed from it."""


class CalibrationError(GraphLabelError):
    """A calibration that is missing, broken, or made with another encoder."""


class AnnotationError(GraphLabelError):
    """An edit that makes no sense."""


class StoreError(GraphLabelError):
    """The annotation store cannot do what was asked."""


class LanguageModelError(GraphLabelError):
    """A language model that labels or scores, and cannot be asked."""


class NoKeyError(LanguageModelError):
    """A service that needs a key which the environment does not have."""


class AnswerError(LanguageModelError):
    """A language model's answer that cannot be used: empty, cut, refused, not in the form asked."""

    def __init__(self, message: str, raw: str = "") -> None:
        """``raw`` is the answer as it came, where whoever catches the error does not have it."""
        super().__init__(message)
        self.raw = raw


class VerbalizerError(GraphLabelError):
    """An activation verbalizer that cannot be opened, read what it is given, or be asked."""


class RemoteError(GraphLabelError):
    """A web service that refuses, fails or cannot be reached."""

    passing = False
    """Whether the same request may well succeed a little later."""


class ExportError(GraphLabelError):
    """An export that cannot be made or written."""

"""A sentence-transformers model that runs: texts in, unit vectors and unknown-token flags out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32

from graphlabel.embedding.batches import length_buckets
from graphlabel.embedding.packed import pack_linears
from graphlabel.embedding.precision import Precision
from graphlabel.embedding.tokens import TokenizedTexts, clean, tokenize
from graphlabel.errors import EmbedderError

if TYPE_CHECKING:
    import torch

PROBES = ("the capital of Texas", " is", "An-other Ünusual text, 42!" * 3, "")
"""Texts on which the direct path must agree with the library before it is used."""

AGREEMENT = 1e-5
"""The largest difference of any number, float32."""

TOKENS_A_THREAD = 3_072
"""Tokens a batch on the CPU, padding included, by thread: more do not stay in a core's caches."""

TOKENS_ON_GPU = 65_536
"""Tokens a batch elsewhere."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Texts as unit vectors; a text the encoder finds empty has a zero vector in some encoders."""

    vectors: Float32[np.ndarray, "texts d"]
    unknown: Bool[np.ndarray, " texts"]
    """Whether the encoder has no token for something in the text, or for the whole of it."""


class SentenceModel:
    """A loaded sentence-transformers model in one precision.

    A Transformer with Pooling (and Normalize) is run directly, in batches by length; the library's
    own ``encode`` tokenises every small batch anew and pads by characters. Any other modules, a
    prompt, or a result that differs from the library's on a few probes: the library's own way.
    """

    def __init__(self, model: Any, precision: Precision) -> None:
        """Choose the way while the weights are float32, then convert them."""
        import torch

        self.model = model.eval()
        self.direct = _is_plain(model) and self._agrees()
        if precision is not Precision.FLOAT32:
            model.to(getattr(torch, precision.value))
            if self.direct and model.device.type == "cpu":
                # the fused kernel is slow on short texts in a lower precision
                model[0].auto_model.set_attn_implementation("eager")
                if precision is Precision.BFLOAT16:
                    pack_linears(model)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self.model.get_embedding_dimension())

    @property
    def tokenizer(self) -> Any:
        """The library's tokenizer; None for an encoder that has none."""
        return getattr(self.model, "tokenizer", None)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed texts; lone surrogates are embedded as U+FFFD and count as unknown.

        Raises EmbedderError when a vector is not finite.
        """
        cleaned = [clean(text) for text in texts]
        tokens = tokenize(self.tokenizer, cleaned, special=self.direct)
        vectors = self._run(tokens) if self.direct else self._library(cleaned)
        if not np.isfinite(vectors).all():
            raise EmbedderError(
                "the sentence encoder gave vectors that are not finite; "
                "use --encoder-dtype float32 or another encoder"
            )
        damaged = np.array([a != b for a, b in zip(texts, cleaned, strict=True)], dtype=bool)
        return Embedded(vectors, tokens.unknown | damaged)

    def _run(self, tokens: TokenizedTexts) -> Float32[np.ndarray, "texts d"]:
        import torch

        vectors = np.zeros((len(tokens.ids), self.dimension), dtype=np.float32)
        device = self.model.device
        on_cpu = device.type == "cpu"
        budget = TOKENS_A_THREAD * torch.get_num_threads() if on_cpu else TOKENS_ON_GPU
        with torch.inference_mode():
            for batch in length_buckets([len(ids) for ids in tokens.ids], budget):
                features = self._features(tokens.padded(batch), device)
                transformer, *rest = self.model
                features = transformer(features)
                # pooled in float32: a mean over many tokens in bfloat16 loses what they differ by
                features["token_embeddings"] = features["token_embeddings"].float()
                for module in rest:
                    features = module(features)
                pooled = torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)
                vectors[batch] = pooled.cpu().numpy()
        return vectors

    def _features(self, padded: dict[str, np.ndarray], device: torch.device) -> dict[str, Any]:
        import torch

        names = self.tokenizer.model_input_names
        features: dict[str, Any] = {
            name: torch.from_numpy(array).to(device)
            for name, array in padded.items()
            if name in names
        }
        return {**features, "modality": "text"}

    def _library(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts d"]:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        found = self.model.encode(
            list(texts), normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False
        )
        return np.asarray(found.float().cpu().numpy(), dtype=np.float32)

    def _agrees(self) -> bool:
        try:
            ours = self._run(tokenize(self.tokenizer, PROBES, special=True))
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
            return False
        return bool(np.abs(ours - self._library(PROBES)).max() < AGREEMENT)


def _is_plain(model: Any) -> bool:
    from sentence_transformers import SentenceTransformer
    from transformers import PreTrainedTokenizerFast

    own = all(type(module).__module__.startswith("sentence_transformers.") for module in model)
    kinds = [type(module).__name__ for module in model]
    return (
        type(model) is SentenceTransformer
        and own
        and is_plain(kinds)
        and isinstance(model.tokenizer, PreTrainedTokenizerFast)
        and not (model.default_prompt_name and model.prompts.get(model.default_prompt_name))
        and model.truncate_dim is None
        and not getattr(model[0], "can_flatten_inputs", False)
    )


def is_plain(kinds: Sequence[str]) -> bool:
    """Whether modules of these kinds are a Transformer, a Pooling and nothing but Normalize."""
    return list(kinds[:2]) == ["Transformer", "Pooling"] and set(kinds[2:]) <= {"Normalize"}

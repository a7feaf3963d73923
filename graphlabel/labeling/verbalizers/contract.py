"""The contract of an NLA checkpoint, ``nla_meta.yaml`` (Fraser-Taliente et al. 2026)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Literal

import msgspec
import yaml

from graphlabel.errors import VerbalizerError

SIDECAR = "nla_meta.yaml"
_LARGEST = 1_000_000
_SQRT_D = "sqrt_d_model"
_RAW = (None, "none", "raw")
_AV_ROLES, _AR_ROLES = ("av", "actor"), ("ar", "critic")


@dataclass(frozen=True, slots=True)
class VerbalizerContract:
    """How a vector goes into an activation verbalizer (AV)."""

    d_model: int
    injection_scale: float
    """The L2 norm of injected vectors."""
    injection_char: str
    injection_token_id: int
    left_neighbor_id: int
    right_neighbor_id: int
    template: str
    """What the user says, with ``{injection_char}`` where the vector goes."""
    layer: int | None
    """The block whose output it was trained on."""


@dataclass(frozen=True, slots=True)
class ReconstructorContract:
    """How a text goes into an activation reconstructor (AR)."""

    d_model: int
    template: str
    """The prompt, with ``{explanation}`` where the text goes."""
    suffix_ids: tuple[int, ...]
    """The tokens the prompt must end with; empty where the sidecar does not say."""
    layer: int | None


class _Extraction(msgspec.Struct):
    injection_scale: float | str | None = None
    layer_index: int | None = None
    norm: str | None = None
    whitening: Any = None
    d_model: int | None = None


class _Tokens(msgspec.Struct):
    injection_char: str | None = None
    injection_token_id: int | None = None
    injection_left_neighbor_id: int | None = None
    injection_right_neighbor_id: int | None = None
    critic_suffix_ids: tuple[int, ...] | None = None


class _Templates(msgspec.Struct):
    av: str | None = None
    actor: str | None = None
    ar: str | None = None
    critic: str | None = None


class _Critic(msgspec.Struct):
    extraction_layer_index: int | None = None


class _Sidecar(msgspec.Struct):
    kind: Literal["nla_model"]
    d_model: int
    role: str | None = None
    extraction_layer_index: int | None = None
    extraction: _Extraction = msgspec.field(default_factory=_Extraction)
    tokens: _Tokens = msgspec.field(default_factory=_Tokens)
    prompt_templates: _Templates = msgspec.field(default_factory=_Templates)
    critic: _Critic | None = None

    @property
    def layer(self) -> int | None:
        nested = self.critic.extraction_layer_index if self.critic else None
        stated = (self.extraction_layer_index, self.extraction.layer_index, nested)
        return next((layer for layer in stated if layer is not None), None)


def read_verbalizer_contract(path: Path) -> VerbalizerContract:
    """An AV's contract from its sidecar; raises VerbalizerError where a part is missing or wrong.

    ``prompt_templates.actor`` is the name that older sidecars give ``prompt_templates.av``.
    """
    sidecar = _read(path, _AV_ROLES, "a verbalizer (AV)")
    tokens, templates = sidecar.tokens, sidecar.prompt_templates
    needed = {
        "extraction.injection_scale": sidecar.extraction.injection_scale,
        "tokens.injection_char": tokens.injection_char,
        "tokens.injection_token_id": tokens.injection_token_id,
        "tokens.injection_left_neighbor_id": tokens.injection_left_neighbor_id,
        "tokens.injection_right_neighbor_id": tokens.injection_right_neighbor_id,
        "prompt_templates.av": templates.av or templates.actor,
    }
    missing = [name for name, value in needed.items() if value is None or value == ""]
    if missing:
        raise VerbalizerError(
            f"{path} lacks {', '.join(missing)}; ask who made the checkpoint for its whole sidecar"
        )
    scale, *rest = needed.values()
    char, token, left, right, template = msgspec.convert(rest, tuple[str, int, int, int, str])
    _check_template(template, "injection_char", path)
    return VerbalizerContract(
        d_model=sidecar.d_model,
        injection_scale=_scale(scale, sidecar.d_model, path),
        injection_char=char,
        injection_token_id=token,
        left_neighbor_id=left,
        right_neighbor_id=right,
        template=template,
        layer=sidecar.layer,
    )


def read_reconstructor_contract(path: Path) -> ReconstructorContract:
    """An AR's contract from its sidecar; raises VerbalizerError where a part is missing or wrong.

    ``prompt_templates.critic`` is the name that older sidecars give ``prompt_templates.ar``.
    """
    sidecar = _read(path, _AR_ROLES, "a reconstructor (AR)")
    template = sidecar.prompt_templates.ar or sidecar.prompt_templates.critic
    if not template:
        raise VerbalizerError(
            f"{path} lacks prompt_templates.ar; ask who made the checkpoint for its whole sidecar"
        )
    _check_template(template, "explanation", path)
    suffix = sidecar.tokens.critic_suffix_ids or ()
    return ReconstructorContract(sidecar.d_model, template, suffix, sidecar.layer)


def fill(template: str, name: str, value: str) -> str:
    """A template with its field replaced, braces read as in Python's format strings."""
    return "".join(
        literal + (value if field == name else "")
        for literal, field, _, _ in Formatter().parse(template)
    )


def _read(path: Path, roles: tuple[str, ...], what: str) -> _Sidecar:
    try:
        if path.stat().st_size > _LARGEST:
            raise VerbalizerError(f"{path} is no sidecar: it is larger than 1 MB")
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise VerbalizerError(f"cannot read {path}: {why}") from error
    if not isinstance(raw, Mapping):
        raise VerbalizerError(f"{path} is no NLA sidecar: it holds no fields")
    try:
        sidecar = msgspec.convert(dict(raw), _Sidecar)
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        raise VerbalizerError(f"{path} breaks the NLA contract: {error}") from error
    if sidecar.role is not None and sidecar.role not in roles:
        raise VerbalizerError(
            f"{path} is of a checkpoint with the role “{sidecar.role}”; name {what} there"
        )
    if sidecar.d_model <= 0:
        raise VerbalizerError(f"{path} breaks the NLA contract: d_model is {sidecar.d_model}")
    if sidecar.extraction.norm not in _RAW or sidecar.extraction.whitening is not None:
        raise VerbalizerError(
            f"{path} asks for whitened vectors (extraction.norm), which graphlabel does not make; "
            "use a checkpoint trained on raw ones"
        )
    return sidecar


def _scale(value: float | str | None, d_model: int, path: Path) -> float:
    try:
        scale = math.sqrt(d_model) if value == _SQRT_D else float(value or 0.0)
    except ValueError:
        scale = 0.0
    if not (math.isfinite(scale) and scale > 0):
        raise VerbalizerError(
            f"{path} breaks the NLA contract: extraction.injection_scale is {value!r}, not a "
            "positive number"
        )
    return scale


def _check_template(template: str, name: str, path: Path) -> None:
    """Refuse a template without its one plain field."""
    try:
        fields = [part[1:] for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise VerbalizerError(f"{path} has a broken prompt template: {error}") from error
    if fields != [(name, "", None)]:
        raise VerbalizerError(
            f"{path} has a prompt template with the fields {[each[0] for each in fields]}; it "
            f"should have {{{name}}} exactly once"
        )

"""The one list of label methods: those of this package and those that other packages install."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast, get_type_hints

import msgspec

from graphlabel.errors import UsageError
from graphlabel.labeling.labeler import Labeler, LabelMethod, PromptedLabeler
from graphlabel.labeling.methods import baez, eleuther
from graphlabel.labeling.methods.acts_logits_general import ActsLogitsGeneral
from graphlabel.labeling.methods.feature_vector import VerbalizedDirection
from graphlabel.labeling.methods.graph_context import InGraph
from graphlabel.labeling.methods.max_act import MaxAct
from graphlabel.labeling.methods.max_act_logits import MaxActLogits
from graphlabel.labeling.methods.side_tokens import SideTokens
from graphlabel.labeling.methods.token_act_pair import TokenActivationPairs
from graphlabel.labeling.token_count import TokenCounter
from graphlabel.labeling.tools import Tools

ENTRY_POINTS = "graphlabel.labelers"
"""The entry-point group in which packages name their label methods."""

Maker = Callable[..., LabelMethod]
"""Makes a method from its settings, by keyword; one named ``tools`` is given the ``Tools``."""

_OWN: Mapping[str, Maker] = {
    TokenCounter.name: TokenCounter,
    SideTokens.name: SideTokens,
    TokenActivationPairs.name: TokenActivationPairs,
    MaxAct.name: MaxAct,
    MaxActLogits.name: MaxActLogits,
    ActsLogitsGeneral.name: ActsLogitsGeneral,
    "eleuther_acts_top20": eleuther.Top20,
    "eleuther_acts_top5": eleuther.Top5,
    "baez": baez.Baez,
    "baez_last": baez.BaezLast,
    VerbalizedDirection.name: VerbalizedDirection,
    InGraph.name: InGraph,
}


def method_names() -> tuple[str, ...]:
    """Every method there is: this package's first, then those that are installed beside it."""
    return (*_OWN, *sorted(set(_installed()) - set(_OWN)))


def make_method(
    name: str, settings: Mapping[str, object] | None = None, tools: Tools | None = None
) -> LabelMethod:
    """The method of a name, with these of its settings changed; values may be text.

    Raises UsageError when there is no such method or setting, when a value is of the wrong type,
    or when an installed method cannot be loaded.
    """
    maker = _maker(name)
    allowed = inspect.signature(maker).parameters
    given = _converted(name, maker, settings or {})
    if "tools" in allowed:
        given["tools"] = tools or Tools()
    method = maker(**given)
    if not isinstance(method, Labeler | PromptedLabeler):
        raise UsageError(f"the installed {name} is no label method: it has no label or no request")
    return method


def settings_of(method: LabelMethod) -> dict[str, Any]:
    """A method's settings as plain JSON values."""
    names = inspect.signature(type(method)).parameters
    values = {name: getattr(method, name, None) for name in names if name != "tools"}
    return {name: value for name, value in values.items() if isinstance(value, _PLAIN)}


_PLAIN = str | int | float | bool


def _maker(name: str) -> Maker:
    if name in _OWN:
        return _OWN[name]
    installed = _installed().get(name)
    if installed is None:
        raise UsageError(
            f"there is no label method “{name}”; known are {', '.join(method_names())}"
        )
    try:
        return cast("Maker", installed.load())
    except Exception as error:  # somebody else's package: anything can go wrong in it
        raise UsageError(
            f"the label method {name} of {installed.value} cannot be loaded "
            f"({type(error).__name__}: {error}); mend or remove the package"
        ) from error


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _converted(name: str, maker: Maker, settings: Mapping[str, object]) -> dict[str, Any]:
    known = [each for each in inspect.signature(maker).parameters if each != "tools"]
    hints = get_type_hints(maker.__init__ if inspect.isclass(maker) else maker)
    converted = {}
    for setting, value in settings.items():
        if setting not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise UsageError(f"{name} has no setting “{setting}”; {has}")
        try:
            converted[setting] = msgspec.convert(value, hints.get(setting, Any), strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(f"{name}: {setting}={value} cannot be used: {error}") from error
    return converted

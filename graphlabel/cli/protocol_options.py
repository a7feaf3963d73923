"""The protocol's settings as options: declared once, shared by every command that routes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.option_groups import Command, option_group
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.cli.routing import RouteOptions
    from graphlabel.protocol import CalibratedSettings, RawSettings, Window

RULE = "Rule"
ENCODER = "Encoder"
EXAMPLES = "Examples and windows"
THRESHOLDS = "Thresholds"
EXTENSIONS = "Extensions"
CALIBRATION = "Calibration"

_WINDOW = re.compile(r"^\s*\[?\s*([+-]?\d+)\s*[:,]\s*([+-]?\d+)\s*\]?\s*$")


def _window_option(side: str) -> Any:
    text = f"Window of {side}, FIRST:LAST offsets from the peak; repeat it for nested windows."
    return typer.Option(help=text, metavar="A:B", rich_help_panel=EXAMPLES)


@dataclass(frozen=True, kw_only=True)
class ProtocolOptions:
    """What was asked for; None where the default holds."""

    rule: Annotated[str, typer.Option(help="calibrated or raw.", rich_help_panel=RULE)] = (
        "calibrated"
    )
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Sentence encoder: a hub name or a folder.",
            metavar="NAME_OR_FOLDER",
            rich_help_panel=ENCODER,
        ),
    ] = None
    encoder_revision: Annotated[
        str | None,
        typer.Option(
            help="Branch, tag or commit of the encoder on the hub.",
            metavar="REVISION",
            rich_help_panel=ENCODER,
        ),
    ] = None
    encoder_dtype: Annotated[
        str,
        typer.Option(
            help="auto, float32, bfloat16 or float16; auto is what the hardware has.",
            rich_help_panel=ENCODER,
        ),
    ] = "auto"
    no_cache: Annotated[
        bool,
        typer.Option(
            "--no-cache",
            help="Neither use nor fill the embedding cache.",
            rich_help_panel=ENCODER,
        ),
    ] = False
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="A calibration made by graphlabel calibrate.",
            metavar="FILE",
            rich_help_panel=CALIBRATION,
        ),
    ] = None
    tau: Annotated[
        float | None,
        typer.Option(help="Threshold of the raw rule; 0.5.", rich_help_panel=THRESHOLDS),
    ] = None
    theta: Annotated[
        float | None,
        typer.Option(help="Effect that tier 1 must reach; 0.3.", rich_help_panel=THRESHOLDS),
    ] = None
    cross_floor: Annotated[
        float | None,
        typer.Option(help="Effect that cross must reach; 0.4.", rich_help_panel=THRESHOLDS),
    ] = None
    false_discovery_rate: Annotated[
        float | None,
        typer.Option(
            "--fdr", help="False discovery rate of the cut-offs; 0.05.", rich_help_panel=THRESHOLDS
        ),
    ] = None
    n: Annotated[
        int | None, typer.Option(min=2, help="Examples per feature; 10.", rich_help_panel=EXAMPLES)
    ] = None
    weighted: Annotated[
        bool,
        typer.Option(
            "--weighted", help="The activation-weighted score decides.", rich_help_panel=EXAMPLES
        ),
    ] = False
    examples: Annotated[
        str | None,
        typer.Option(
            help="top, strong: of all that are at least half as strong as the strongest, or "
            "quantiles: some of every stretch; strong, with the raw rule top.",
            metavar="[top|strong|quantiles]",
            rich_help_panel=EXAMPLES,
        ),
    ] = None
    whole_words: Annotated[
        bool,
        typer.Option(
            "--whole-words", help="Complete word pieces to words.", rich_help_panel=EXAMPLES
        ),
    ] = False
    input_window: Annotated[list[str] | None, _window_option("input")] = None
    output_window: Annotated[list[str] | None, _window_option("output")] = None
    cross_window: Annotated[list[str] | None, _window_option("cross")] = None
    cross_without_peak: Annotated[
        bool,
        typer.Option(
            "--cross-without-peak",
            help="Leave the peak token out of cross windows.",
            rich_help_panel=EXTENSIONS,
        ),
    ] = False
    matched_null: Annotated[
        bool,
        typer.Option(
            "--matched-null",
            help="Output must beat what follows other occurrences of its peak tokens.",
            rich_help_panel=EXTENSIONS,
        ),
    ] = False
    logit_agreement: Annotated[
        bool,
        typer.Option(
            "--logit-agreement",
            help="Where input and output are close, logits that agree decide.",
            rich_help_panel=EXTENSIONS,
        ),
    ] = False
    selectivity: Annotated[
        bool | None,
        typer.Option(
            "--selectivity/--no-selectivity",
            help="Firing on the same tokens elsewhere decides between input and output; "
            "on with the calibrated rule.",
            rich_help_panel=EXTENSIONS,
        ),
    ] = None
    support: Annotated[
        bool | None,
        typer.Option(
            "--support/--no-support",
            help="With selectivity: what fires wherever it could is a candidate in spite of a "
            "small effect; on with the calibrated rule, for it alone.",
            rich_help_panel=EXTENSIONS,
        ),
    ] = None
    draws: Annotated[
        int | None,
        typer.Option(min=100, help="Draws of chance; 100,000.", rich_help_panel=CALIBRATION),
    ] = None
    min_features: Annotated[
        int | None,
        typer.Option(
            min=2, help="Fewest features for a calibration; 200.", rich_help_panel=CALIBRATION
        ),
    ] = None
    max_features: Annotated[
        int | None,
        typer.Option(
            min=2, help="Most features for a calibration; 1,000.", rich_help_panel=CALIBRATION
        ),
    ] = None
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of all draws; 0.", rich_help_panel=CALIBRATION)
    ] = None

    def settings(self) -> RawSettings | CalibratedSettings:
        """The settings of the rule; raises UsageError for options of the other rule."""
        if self.rule not in ("calibrated", "raw"):
            raise UsageError(f"there is no rule “{self.rule}”; choose calibrated or raw")
        self._check_thresholds()
        return self._raw() if self.rule == "raw" else self.calibrated()

    def _check_thresholds(self) -> None:
        """Refuse thresholds that are no numbers: every comparison with them fails silently."""
        for name in ("tau", "theta", "cross_floor"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is {value}; choose a finite number, such as 0.4")

    def named(self) -> tuple[str, ...]:
        """The options that were given, as they are typed; the seed, which is no rule's, aside."""
        special = {"false_discovery_rate": "fdr"}
        plain = ProtocolOptions()
        given = (name for name in self.__dataclass_fields__ if name != "seed")
        return tuple(
            f"--{special.get(name, name).replace('_', '-')}"
            for name in given
            if getattr(self, name) != getattr(plain, name)
        )

    def _raw(self) -> RawSettings:
        from graphlabel.protocol import RawSettings

        for name in (
            "theta",
            "cross_floor",
            "false_discovery_rate",
            "draws",
            "calibration",
            "support",
        ):
            if getattr(self, name) is not None:
                option = "fdr" if name == "false_discovery_rate" else name.replace("_", "-")
                raise UsageError(f"--{option} belongs to the calibrated rule; drop --rule raw")
        given = self._shared()
        for side in ("input", "output", "cross"):
            windows = given.pop(side, None)
            if windows and len(windows) > 1:
                raise UsageError(f"the raw rule has one {side} window; name one --{side}-window")
            given |= {side: windows[0]} if windows else {}
        if self.tau is not None:
            given["tau"] = self.tau
        return RawSettings(**given)

    def calibrated(self) -> CalibratedSettings:
        """The settings of the calibrated rule: those of the calibration named, as far as given.

        Raises UsageError for the raw rule's threshold.
        """
        from dataclasses import replace

        from graphlabel.protocol import CalibratedSettings
        from graphlabel.protocol.calibration_file import read_settings

        self._check_thresholds()
        if self.tau is not None:
            raise UsageError("--tau is the raw rule's threshold; add --rule raw, or use --theta")
        names = ("theta", "cross_floor", "false_discovery_rate", "draws", "min_features",
                 "max_features", "seed", "support")  # fmt: skip
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        base = read_settings(self.calibration)[2] if self.calibration else CalibratedSettings()
        return replace(base, **self._shared(), **given)

    def _shared(self) -> dict[str, Any]:
        from graphlabel.protocol import Strategy

        flags = ("weighted", "whole_words", "cross_without_peak", "matched_null",
                 "logit_agreement")  # fmt: skip
        given: dict[str, Any] = {name: True for name in flags if getattr(self, name)}
        if self.selectivity is not None:
            given["selectivity"] = self.selectivity
        if self.n is not None:
            given["n"] = self.n
        if self.examples is not None:
            if self.examples not in list(Strategy):
                raise UsageError(
                    f"there are no examples “{self.examples}”; use top, strong or quantiles"
                )
            given["examples"] = Strategy(self.examples)
        for side in ("input", "output", "cross"):
            if texts := getattr(self, f"{side}_window"):
                given[side] = tuple(parse_window(text) for text in texts)
        return given

    def route_options(
        self, *, strict: bool = False, tail: bool = False, calibrating: bool = False
    ) -> RouteOptions:
        """What the pipeline needs to route, or to make a calibration."""
        from graphlabel.cli.routing import RouteOptions

        return RouteOptions(
            self.calibrated() if calibrating else self.settings(),
            self.encoder,
            self.encoder_revision,
            self.encoder_dtype,
            not self.no_cache,
            self.calibration,
            strict,
            tail,
        )


def parse_window(text: str) -> Window:
    """A window from ``-1:0``, ``-1,0`` or ``[-1, 0]``; raises UsageError on anything else."""
    from graphlabel.protocol import Window

    match = _WINDOW.match(text)
    if not match:
        raise UsageError(f"“{text[:40]}” is no window; write FIRST:LAST, such as -1:0")
    return Window(int(match[1]), int(match[2]))


NOT_FOR_CALIBRATE = (
    "rule", "calibration", "tau", "matched_null", "logit_agreement", "selectivity", "support",
)  # fmt: skip


def protocol_options(*left_out: str) -> Callable[[Command], Command]:
    """Give a command the protocol's options; it gets them as one argument, ``protocol``."""
    return option_group(ProtocolOptions, "protocol", *left_out)

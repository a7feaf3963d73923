"""The tiered protocol: windows, correlation, calibration, routing."""

from graphlabel.protocol.calibrate import calibrate
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.calibration_file import read_calibration, write_calibration
from graphlabel.protocol.decision import Extension
from graphlabel.protocol.extensions import switched_on
from graphlabel.protocol.logit_agreement import LogitAgreement
from graphlabel.protocol.matched_null import MatchedNull
from graphlabel.protocol.occurrences import Occurrences
from graphlabel.protocol.routing import route_calibrated, route_raw
from graphlabel.protocol.selectivity import Selectivity
from graphlabel.protocol.settings import CalibratedSettings, RawSettings, Rule, Strategy
from graphlabel.protocol.windows import Window

__all__ = [
    "CalibratedSettings",
    "Calibration",
    "Extension",
    "LogitAgreement",
    "MatchedNull",
    "Occurrences",
    "RawSettings",
    "Rule",
    "Selectivity",
    "Strategy",
    "Window",
    "calibrate",
    "read_calibration",
    "route_calibrated",
    "route_raw",
    "switched_on",
    "write_calibration",
]

"""The tiered protocol: windows, correlation, calibration, routing."""

from graphlabel.protocol.calibrate import calibrate
from graphlabel.protocol.calibration import MIN_FEATURES, Calibration
from graphlabel.protocol.calibration_file import read_calibration, write_calibration
from graphlabel.protocol.routing import route_calibrated, route_raw
from graphlabel.protocol.settings import CalibratedSettings, RawSettings, Rule
from graphlabel.protocol.windows import Window

__all__ = [
    "MIN_FEATURES",
    "CalibratedSettings",
    "Calibration",
    "RawSettings",
    "Rule",
    "Window",
    "calibrate",
    "read_calibration",
    "route_calibrated",
    "route_raw",
    "write_calibration",
]

"""Testing what a graph says by changing features in the model itself."""

from graphlabel.tracing.interventions.generate import continued
from graphlabel.tracing.interventions.intervene import Experiment, Intervened, Outcome
from graphlabel.tracing.interventions.intervention import Action, Intervention, Regime
from graphlabel.tracing.interventions.nodes import firing, for_nodes, in_place_of

__all__ = [
    "Action",
    "Experiment",
    "Intervened",
    "Intervention",
    "Outcome",
    "Regime",
    "continued",
    "firing",
    "for_nodes",
    "in_place_of",
]

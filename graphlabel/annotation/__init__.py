"""Labels, routings, supernodes, pins, notes, and the undoable edits on them. Pure values."""

from graphlabel.annotation.annotations import (
    Annotations,
    LabelTarget,
    label_target,
    unique_name,
)
from graphlabel.annotation.carrying import CarryOver, CarryReport
from graphlabel.annotation.commands import (
    Command,
    Group,
    RenameSupernode,
    SetLabel,
    SetNote,
    SetReview,
    Several,
    TakeOver,
    TogglePin,
    Ungroup,
)
from graphlabel.annotation.history import Edit, History
from graphlabel.annotation.labels import (
    MAX_LABEL_LENGTH,
    Label,
    LabelScore,
    Origin,
    Provenance,
    Review,
    Scope,
    Supernode,
    clean_label,
)
from graphlabel.annotation.patch import Patch
from graphlabel.annotation.routing import FeatureClass, Routing, Tier, WindowScore
from graphlabel.annotation.supernodes import MergeSupernodes, SplitSupernode
from graphlabel.annotation.trust import needs_attention, node_trust, trust_of, trust_order
from graphlabel.annotation.verbalization import (
    MAX_VERBALIZATION_LENGTH,
    Reading,
    Verbalization,
    clean_verbalization,
)

__all__ = [
    "MAX_LABEL_LENGTH",
    "MAX_VERBALIZATION_LENGTH",
    "Annotations",
    "CarryOver",
    "CarryReport",
    "Command",
    "Edit",
    "FeatureClass",
    "Group",
    "History",
    "Label",
    "LabelScore",
    "LabelTarget",
    "MergeSupernodes",
    "Origin",
    "Patch",
    "Provenance",
    "Reading",
    "RenameSupernode",
    "Review",
    "Routing",
    "Scope",
    "SetLabel",
    "SetNote",
    "SetReview",
    "Several",
    "SplitSupernode",
    "Supernode",
    "TakeOver",
    "Tier",
    "TogglePin",
    "Ungroup",
    "Verbalization",
    "WindowScore",
    "clean_label",
    "clean_verbalization",
    "label_target",
    "needs_attention",
    "node_trust",
    "trust_of",
    "trust_order",
    "unique_name",
]

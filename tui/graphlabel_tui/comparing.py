"""Two open graphs and what they share; labels go from one to the other. No Textual here."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphlabel.annotation import Label, Scope, SetLabel, Several
from graphlabel.files.compare import Comparison, SharedFeature, compare
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel_tui.session import Session


@dataclass
class SideBySide:
    """Two sessions, the features they share, and the copies made between them."""

    left: Session
    right: Session
    any_set: bool = False
    """Compare graphs of different transcoders by number."""
    done: list[Session] = field(default_factory=list)
    """Whose edit every copy was, the last one last."""

    def __post_init__(self) -> None:
        """Compare; raises UsageError when the graphs' features are not the same ones."""
        self._nodes: dict[int, dict[FeatureKey, tuple[NodeKey, ...]]] = {
            id(session): _by_feature(session) for session in (self.left, self.right)
        }
        self.refresh()

    def refresh(self) -> None:
        """Compare again, after an edit."""
        documents = [
            session.document.annotated(session.annotations) for session in (self.left, self.right)
        ]
        self.found: Comparison = compare(documents[0], documents[1], any_set=self.any_set)

    def nodes(self, session: Session, shared: SharedFeature) -> tuple[NodeKey, ...]:
        """A shared feature's nodes in one of the graphs."""
        return self._nodes[id(session)].get(shared.key, ())

    def copy(self, shared: SharedFeature, source: Session, target: Session) -> str:
        """Copy a feature's label from one graph to the other; what was done, in words."""
        label = self._label(source, shared)
        if label is None:
            return f"{shared.key} has no label in {source.document.slug}"
        scope = target.fitting(label.scope if self._same_set() else Scope.OCCURRENCE)
        keys = self.nodes(target, shared)
        edit = target.do(self._command(keys, label, scope))
        if edit is None:
            return "both call it that already"
        self.done.append(target)
        self.other(target).refresh()  # a label of the feature holds there too
        self.refresh()
        return f"“{label.text}” is its label in {target.document.slug} now"

    def other(self, session: Session) -> Session:
        """The graph on the other side."""
        return self.right if session is self.left else self.left

    def undo(self) -> str | None:
        """Take the last copy back; what it was, or None when there is none."""
        if not self.done:
            return None
        session = self.done.pop()
        edit = session.undo()
        self.other(session).refresh()
        self.refresh()
        return edit.title if edit else None

    def _label(self, session: Session, shared: SharedFeature) -> Label | None:
        found = (session.annotations.label_of(key) for key in self.nodes(session, shared))
        return next((label for label in found if label), None)

    def _command(self, keys: tuple[NodeKey, ...], label: Label, scope: Scope) -> Several:
        # whoever made it, made it: the provenance travels with the label
        command = SetLabel(keys, label.text, label.provenance, scope)
        return Several(f"copy label “{label.text}”", [command])

    def _same_set(self) -> bool:
        return not self.any_set and self.left.has_identity and self.right.has_identity


def _by_feature(session: Session) -> dict[FeatureKey, tuple[NodeKey, ...]]:
    found: dict[FeatureKey, tuple[NodeKey, ...]] = {}
    for place in session.graph.places(NodeKind.FEATURE):
        key = session.graph.nodes[place].key
        found[key.feature_key] = (*found.get(key.feature_key, ()), key)
    return found

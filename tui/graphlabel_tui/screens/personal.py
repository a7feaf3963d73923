"""The commands for how one person works: keys, theme, tour, copying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from graphlabel.errors import UsageError
from graphlabel_tui.commands import COMMANDS, Command
from graphlabel_tui.inert import inert
from graphlabel_tui.preferences import Preferences
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.screens.keys import KeysScreen
from graphlabel_tui.screens.tour import TourScreen
from graphlabel_tui.theme import THEMES


@dataclass
class Desk:
    """The preferences as they are now, and what keeps them."""

    preferences: Preferences = field(default_factory=lambda: Preferences(toured=True))
    keep: Callable[[Preferences], None] = lambda _: None
    """Told of every change; raises UsageError when it cannot be kept."""


def commands_with(preferences: Preferences) -> tuple[Command, ...]:
    """Every command, with the keys the person chose."""
    return tuple(replace(each, keys=preferences.keys_of(each)) for each in COMMANDS)


class Personal(WorkbenchBase):
    """Preferences are applied at once and kept."""

    desk = Desk()

    def on_mount(self) -> None:
        """Apply the preferences; show the tour to who has not seen it."""
        self.desk = getattr(self.app, "desk", self.desk)
        self._apply_keys()
        for complaint in self.desk.preferences.complaints:
            self.say(inert(complaint, 300), bad=True)
        if not self.desk.preferences.toured:
            self.action_tour()

    def _apply_keys(self) -> None:
        preferences = self.desk.preferences
        self.view.commands = commands_with(preferences)
        self.app.set_keymap({name: ",".join(keys) for name, keys in preferences.keys.items()})
        self.show_all()

    def _keep(self, preferences: Preferences) -> None:
        self.desk.keep(preferences)
        self.desk.preferences = preferences
        self._apply_keys()

    def action_keys(self) -> None:
        """See and change keys."""
        self.app.push_screen(KeysScreen(self.desk.preferences, self._keep))

    def action_tour(self) -> None:
        """The tour."""

        def seen(_: None) -> None:
            if not self.desk.preferences.toured:
                self._remember(replace(self.desk.preferences, toured=True))

        self.app.push_screen(TourScreen(self.view.commands), seen)

    def action_theme(self) -> None:
        """The next theme, remembered."""
        names = [theme.name for theme in THEMES]
        at = names.index(self.app.theme) if self.app.theme in names else -1
        self.app.theme = names[(at + 1) % len(names)]
        self._remember(replace(self.desk.preferences, theme=self.app.theme))

    def _remember(self, preferences: Preferences) -> None:
        self.desk.preferences = preferences
        try:
            self.desk.keep(preferences)
        except UsageError as error:
            self.say(str(error), bad=True)

    def action_copy_id(self) -> None:
        """The nodes' ids, to the terminal's clipboard (OSC 52)."""
        ids = [self.session.document.id_of_key[key] for key in self.session.targets]
        self._copy(ids, "id")

    def action_copy_label(self) -> None:
        """The nodes' labels, to the terminal's clipboard (OSC 52)."""
        labels = [self.session.annotations.label_of(key) for key in self.session.targets]
        self._copy([label.text for label in labels if label], "label")

    def _copy(self, texts: list[str], what: str) -> None:
        if not texts:
            self.say(f"There is no {what} to copy here.", bad=True)
            return
        self.app.copy_to_clipboard("\n".join(inert(text) for text in texts))
        self.say(
            f"copied {inert(texts[0], 60)}" if len(texts) == 1 else f"copied {len(texts)} {what}s"
        )

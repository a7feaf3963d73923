"""A hard limit on what a run may cost: every call is reserved at its highest price first."""

from __future__ import annotations

import asyncio

from graphlabel.errors import LanguageModelError


class Budget:
    """Dollars of one run: spent, reserved for calls under way, and the most there may be.

    A call that only the reservations of others keep from being sent waits for them: they nearly
    always cost less than was reserved.
    """

    def __init__(self, most: float | None) -> None:
        """No limit when ``most`` is None; raises LanguageModelError for no amount of money."""
        if most is not None and not 0 <= most < float("inf"):
            raise LanguageModelError(f"--max-usd is {most}; give an amount in dollars, such as 2.5")
        self.most = most
        self.spent = 0.0
        self._reserved: list[float] = []
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def left(self) -> float:
        """Dollars that are neither spent nor reserved."""
        return float("inf") if self.most is None else self.most - self.spent - sum(self._reserved)

    def reserve_now(self, bound: float | None) -> bool:
        """Set a call's highest price aside; False when it could pass the limit."""
        if self.most is not None and (bound is None or bound > self.left):
            return False
        self._reserved.append(bound or 0.0)
        return True

    async def reserve(self, bound: float | None) -> bool:
        """Set a call's highest price aside, once there is room; False when there never will be."""
        while not self.reserve_now(bound):
            fits_alone = self.most is not None and (bound or 0.0) <= self.most - self.spent
            if bound is None or not self._reserved or not fits_alone:
                return False
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        return True

    def settle(self, bound: float | None, dollars: float | None) -> None:
        """Replace a reservation by what the call cost."""
        self._reserved.remove(bound or 0.0)
        self.spent += dollars or 0.0
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

"""Act once on a burst of changes, soon after a lone one and now and then in a long one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Debounce:
    """Calls `act` after changes: once it has been quiet for `quiet_s`, and bounded both ways.

    No change waits longer than `most_s`, and two calls are at least `most_s` apart: somebody who
    answers a question every few seconds sets off one call in `most_s`, not one for each answer, and
    not none. To be made inside a running loop, whose clock it goes by.
    """

    def __init__(self, act: Callable[[], None], *, quiet_s: float, most_s: float) -> None:
        self._act = act
        self._quiet_s = quiet_s
        self._most_s = most_s
        self._loop = asyncio.get_running_loop()
        self._first_s: float | None = None
        self._acted_s: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """Take note of a change."""
        now_s = self._loop.time()
        if self._first_s is None:
            self._first_s = now_s
        due_s = min(now_s + self._quiet_s, self._first_s + self._most_s)
        if self._acted_s is not None:
            due_s = max(due_s, self._acted_s + self._most_s)
        self._stop_timer()
        self._timer = self._loop.call_at(due_s, self._fire)

    def forget(self) -> None:
        """Drop what has been noted: somebody has acted on it already, or nobody shall."""
        self._first_s = None
        self._stop_timer()

    def _fire(self) -> None:
        self.forget()
        self._acted_s = self._loop.time()
        self._act()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

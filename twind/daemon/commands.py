"""Jobs that the user asks for over the socket."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from twind.errors import JobError, NotFoundError, TwindError
from twind.model import HORIZON_DAYS

if TYPE_CHECKING:
    from twind.daemon.configuration import Configuration
    from twind.daemon.inspected import Plugins
    from twind.daemon.queue import Queue

Command = dict[str, Any]
Answer = dict[str, Any]


class UsageError(TwindError):
    """A command over the socket that makes no sense."""

    code = "usage"


class Jobs:
    """Queues what is asked for; answers with its result if the client waits, else its number."""

    def __init__(self, queue: Queue, plugins: Plugins, configuration: Configuration) -> None:
        self._queue = queue
        self._plugins = plugins
        self._configuration = configuration

    async def sync(self, command: Command) -> Answer:
        """Read all sources, or those of `plugins`."""
        names = command.get("plugins") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError('"plugins" is a list of names')
        known = self._plugins.names()
        unknown = sorted(set(names) - known)
        if unknown and known:
            raise NotFoundError(
                f"no plugin {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        return await self._ask("sync", {"plugins": sorted(set(names))} if names else {}, command)

    async def train(self, command: Command) -> Answer:
        """Train, for `timesteps` or as the settings say."""
        steps = command.get("timesteps")
        if steps is None:
            return await self._ask("train", {}, command)
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise UsageError('"timesteps" is a number above 0')
        return await self._ask("train", {"timesteps": steps}, command)

    async def propose(self, command: Command) -> Answer:
        """Propose for `day`, or for today."""
        day = command.get("day")
        if day is None:
            return await self._ask("propose", {}, command)
        try:
            parsed = date.fromisoformat(day)
        except (TypeError, ValueError):
            raise UsageError(f'"{day}" is no day; write it like "2026-12-01"') from None
        first = self._configuration.now().date()
        if not 0 <= (parsed - first).days < HORIZON_DAYS:
            last = first + timedelta(days=HORIZON_DAYS - 1)
            raise UsageError(f"{parsed} lies outside what can be planned, {first} to {last}")
        return await self._ask("propose", {"day": parsed.isoformat()}, command)

    async def _ask(self, name: str, args: dict[str, Any], command: Command) -> Answer:
        job = self._queue.ask(name, args)
        if not command.get("wait"):
            return {"job": job.id, "state": job.state}
        job = await self._queue.wait(job.id)
        if job.state == "failed":
            details = job.error or {}
            error = JobError(str(details.get("message") or f"{name} failed"))
            error.code = str(details.get("code") or JobError.code)
            raise error
        return job.result

"""Send what waits in the outbox through every plugin that can deliver.

`sending` is committed before the call and `sent` after it, so that a crash in between is seen and
nothing is said twice. A button that the user presses on the notification is their word on it.

Only the newest notification's buttons are heard: the daemon ends this worker when there is more to
say. By then the job's row is done, and all that was delivered is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind import api, plugins
from twind.api import Window
from twind.errors import PluginError, TwindError
from twind.model import Button, Delivered, Feedback, Notification, Pressed
from twind.store import outbox, proposals
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from twind.jobs.work import Work

log = logging.getLogger("twind.notify")

SNOOZE_MIN = 60
SAID = frozenset({"accept", "reject", "snooze"})

Stream = Iterator[Delivered | Pressed]


def run(work: Work) -> dict[str, Any]:
    """Deliver everything that waits, unless these are quiet hours; then listen to the newest.

    Returns {"sent", "failed", "pressed"}: numbers. Progress: {"listening": seconds} once all is
    delivered and only a button is waited for.
    """
    told = {"sent": 0, "failed": 0, "pressed": 0}
    local = work.clock.now().astimezone(work.settings.zone)
    minute = local.hour * 60 + local.minute
    if any(span.contains(minute) for span in work.settings.hours.quiet) and not work.args.get(
        "now"
    ):
        return told
    channels = [
        _Channel(work, loaded)
        for loaded in plugins.load(work.home, work.settings).working("notify")
    ]
    newest: _Delivery | None = None
    while (message := _claim(work)) is not None:
        notification = _notification(message)
        if outbox.pending(work.db, work.profile_id):
            # What is followed by more at once is not listened to, so it bears no buttons.
            notification = replace(notification, buttons=(), listen_s=0.0)
        newest = _deliver(work, channels, message.id, notification)
        told["sent" if newest.streams else "failed"] += 1
        if notification.listen_s <= 0:
            told["pressed"] += _hear(work, newest)
            newest = None
    if newest is not None and newest.streams:
        # Whoever waits for the job waits for the delivery, not for the user.
        work.finish(dict(told))
        work.progress({"listening": True})
        told["pressed"] += _hear(work, newest)
    return told


class _Channel:
    """A plugin that delivers, and what it wants to remember from one notification to the next."""

    def __init__(self, work: Work, loaded: plugins.Loaded) -> None:
        now = work.clock.now()
        self.name = loaded.name
        self._work = work
        self._key = f"channel:{loaded.name}"
        self._kept = work.db.meta_get(self._key) or "{}"
        self._loaded = loaded
        self._ctx: api.Context[Any] = plugins.context(
            loaded, work.settings, Window(now, now), now, from_json(self._kept)
        )

    def deliver(self, notification: Notification) -> Stream:
        return plugins.deliver(self._loaded, self._ctx, notification)

    def keep_state(self) -> None:
        """Store the plugin's state if it has changed; to be called in a transaction."""
        try:
            state = to_json(self._ctx.state)
        except (TypeError, ValueError) as error:
            log.warning("%s: its state is no JSON: %s", self.name, error)
            return
        if state != self._kept:
            self._work.db.meta_set(self._key, state)
            self._kept = state


def _claim(work: Work) -> outbox.Message | None:
    with work.db.transaction():
        work.check()
        return outbox.claim(work.db, work.profile_id)


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A message that is out, and what the channels that took it have yet to say."""

    message_id: int
    streams: dict[str, Stream]


def _deliver(
    work: Work, channels: list[_Channel], message_id: int, notification: Notification
) -> _Delivery:
    """Hand a message to all channels, each as far as its word that it has taken it."""
    taken: dict[str, Stream] = {}
    errors = []
    for channel in channels:
        try:
            stream = channel.deliver(notification)
            delivered = next((event for event in stream if isinstance(event, Delivered)), None)
        except PluginError as error:
            log.warning("%s: %s", channel.name, error)
            errors.append(f"{channel.name}: {error}")
            continue
        if delivered is not None:
            with work.db.transaction():
                outbox.sent(work.db, message_id, delivered.channel)
                channel.keep_state()
            taken[channel.name] = stream
    if not taken:
        outbox.failed(work.db, message_id, "; ".join(errors) or "no plugin delivers anything")
    return _Delivery(message_id, taken)


def _hear(work: Work, delivery: _Delivery) -> int:
    """Hear the channels out; return how many buttons counted."""
    counted = 0
    for name, stream in delivery.streams.items():
        try:
            for event in stream:
                match event:
                    case Delivered(channel):
                        outbox.sent(work.db, delivery.message_id, channel)
                    case Pressed(button):
                        counted += _pressed(work, button)
        except PluginError as error:
            log.warning("%s: %s", name, error)
    return counted


def _notification(message: outbox.Message) -> Notification:
    payload = message.payload
    return Notification(
        key=message.key,
        title=payload["title"],
        body=payload["body"],
        buttons=tuple(Button(id=b["id"], label=b["label"]) for b in payload.get("buttons", ())),
        listen_s=float(payload.get("listen_s", 0.0)),
    )


def _pressed(work: Work, button: str) -> int:
    """Take "accept:12", "reject:12" or "snooze:12" as the user's word; return 1 if it counted."""
    action, _, number = button.partition(":")
    if action not in SAID:
        log.warning("button %s: means nothing", button)
        return 0
    now = work.clock.now()
    until = now + timedelta(minutes=SNOOZE_MIN) if action == "snooze" else None
    try:
        proposal = proposals.get(work.db, work.profile_id, int(number))
        if proposal.status != "pending":
            return 0
        proposals.review(
            work.db,
            work.profile_id,
            Feedback(proposal_id=int(number), action=action, at=now, until=until),  # type: ignore[arg-type]
        )
    except (TwindError, ValueError) as error:
        log.warning("button %s: %s", button, error)
        return 0
    return 1

"""Send what waits in the outbox through every plugin that can deliver.

`sending` is committed before the call and `sent` after it, so that a crash in between is seen and
nothing is said twice. A button that the user presses on the notification is their word on it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind import plugins
from twind.api import Window
from twind.errors import PluginError, TwindError
from twind.model import Button, Delivered, Feedback, Notification, Pressed
from twind.store import outbox, proposals

if TYPE_CHECKING:
    from twind.jobs.work import Work

log = logging.getLogger("twind.notify")

SNOOZE_MIN = 60
SAID = frozenset({"accept", "reject", "snooze"})


def run(work: Work) -> dict[str, Any]:
    """Deliver everything that waits, unless these are quiet hours.

    Returns {"sent", "failed", "pressed"}: numbers.
    """
    told = {"sent": 0, "failed": 0, "pressed": 0}
    local = work.clock.now().astimezone(work.settings.zone)
    minute = local.hour * 60 + local.minute
    if any(span.contains(minute) for span in work.settings.hours.quiet) and not work.args.get(
        "now"
    ):
        return told
    channels = plugins.load(work.home, work.settings).working("notify")
    while (message := outbox.claim(work.db)) is not None:
        delivered = _deliver(work, channels, message, told)
        told["sent" if delivered else "failed"] += 1
    return told


def _deliver(
    work: Work, channels: list[plugins.Loaded], message: outbox.Message, told: dict[str, int]
) -> bool:
    """Hand a message to all channels; only then wait for buttons, which may take hours."""
    notification = _notification(message)
    now = work.clock.now()
    streams = {
        channel.name: plugins.deliver(
            channel, plugins.context(channel, work.settings, Window(now, now), now), notification
        )
        for channel in channels
    }
    delivered, errors = False, []
    for whole in (False, True):
        for name in list(streams):
            try:
                for event in streams[name]:
                    match event:
                        case Delivered(channel):
                            outbox.sent(work.db, message.id, channel)
                            delivered = True
                        case Pressed(button):
                            told["pressed"] += _pressed(work, button)
                    if not whole:
                        break
            except PluginError as error:
                log.warning("%s: %s", name, error)
                errors.append(f"{name}: {error}")
                del streams[name]
        if not delivered:
            outbox.failed(work.db, message.id, "; ".join(errors) or "no plugin delivers anything")
            break
    return delivered


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

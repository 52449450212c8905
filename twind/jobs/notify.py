"""Send what waits in the outbox through every channel there is.

`sending` is committed before each call and `sent` after it, so that a crash in between is seen and
nothing is said twice. What waits at once goes out as one message; only, where there are buttons,
the last one that has any stands alone. A button that the user presses is their word.

Only the newest notification's buttons are heard: the daemon ends this worker when there is more to
say. By then the job's row is done, and all that was delivered is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind import messages, plugins
from twind.api import MaybeDelivered, NotDelivered, Window
from twind.clock import monotonic_s, parse_utc
from twind.errors import NotFoundError, PluginError, TwindError
from twind.model import Channel, Delivered, Feedback, Notification, Pressed
from twind.plaintext import one_line, plain
from twind.store import checkins, outbox, proposals
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from twind.jobs.work import Work

log = logging.getLogger("twind.notify")

SNOOZE_MIN = 60
SAID = frozenset({"accept", "reject", "snooze"})
LISTEN_SHARE = 0.9
"""How much of a job's time a notification may wait for its buttons, before the job is killed."""
NOBODY = "no plugin delivers anything"
NOBODY_FOR = timedelta(days=1)
"""How long a message waits for a plugin that delivers."""

Stream = Iterator[Delivered | Pressed]


def run(work: Work) -> dict[str, Any]:
    """Deliver everything that waits, unless these are quiet hours; then listen to the newest.

    Returns {"sent", "failed", "pressed"}: numbers. Progress: {"listening": True} once all is
    delivered and only a button is waited for.

    With args["trial"] it sends a trial message instead, to the channels of these names or, where
    there are none, to all, and returns {"channels": [{"channel", "plugin", "delivered", "error"}],
    "problems": [lines]}. Raises NotFoundError for a name that no channel has.
    """
    if "trial" in work.args:
        return _try_out(work, work.args["trial"])
    told = {"sent": 0, "failed": 0, "pressed": 0}
    if _is_quiet(work) and not work.args.get("now"):
        return told
    began_s = monotonic_s()
    ways, problems = _ways(work)
    for problem in problems:
        log.warning("%s", problem)
    before: list[outbox.Message] = []
    while (waiting := _still_of_use(work, ways)) and waiting != before:
        before = waiting
        _settle(work, waiting, ways)
        taken: set[int] = set()
        for way in ways:
            for text in _for_way(work, way, waiting):
                if way.deliver(text, _listen_s(work, text, began_s)):
                    taken.update(text.ids)
        told["sent"] += len(taken)
        told["failed"] += len(waiting) - len(taken)
    listening = [way for way in ways if way.is_open]
    told["pressed"] = sum(way.pressed for way in ways)
    if listening:
        # Whoever waits for the job waits for the delivery, not for the user.
        work.finish(dict(told))
        work.progress({"listening": True})
        for way in listening:
            way.hear()
        told["pressed"] = sum(way.pressed for way in ways)
    return told


def _is_quiet(work: Work) -> bool:
    local = work.clock.now().astimezone(work.settings.zone)
    return any(span.contains(local.hour * 60 + local.minute) for span in work.settings.hours.quiet)


# --- what is to be said --------------------------------------------------------------------------


def _still_of_use(work: Work, ways: Sequence[_Way]) -> list[outbox.Message]:
    """Return what is to be sent now; what nobody needs any more is dropped."""
    kept: list[outbox.Message] = []
    found = outbox.due(work.db, work.profile_id)
    for message in sorted(found, key=lambda one: messages.is_question(one.payload)):
        why = messages.useless(
            work.db, work.profile_id, message.payload, work.clock.now()
        ) or _cannot_be_asked(message, kept, ways)
        if why is None:
            kept.append(message)
            continue
        with work.db.transaction():
            work.check()
            outbox.drop(work.db, message.id, why)
        log.info("%s is not sent any more: %s", message.key, why)
    return kept


def _cannot_be_asked(
    message: outbox.Message, others: Sequence[outbox.Message], ways: Sequence[_Way]
) -> str | None:
    """Say why a question is not put now: it would take the buttons from what is said beside it."""
    if not messages.is_question(message.payload):
        return None
    if others:
        return "there is more to say than to ask"
    return None if any(way.channel.buttons for way in ways) else "no channel has buttons"


def _settle(work: Work, waiting: Sequence[outbox.Message], ways: Sequence[_Way]) -> None:
    """Address what has never been tried; put off what is for nobody who is there and takes it."""
    offered = {way.address for way in ways}
    with work.db.transaction():
        work.check()
        for message in waiting:
            takers = [way.address for way in ways if way.takes(message)]
            if message.due is not None:
                for away in message.due.difference(takers):
                    why = "it has no buttons" if away in offered else "it is not there"
                    outbox.failed(work.db, [message.id], away, why, again=True)
            elif ways:
                outbox.address(work.db, message.id, takers)
            elif work.clock.now() - message.created_at < NOBODY_FOR:
                outbox.postpone(work.db, message.id, NOBODY)
            else:
                outbox.give_up(work.db, message.id, NOBODY)


def _for_way(work: Work, way: _Way, waiting: Sequence[outbox.Message]) -> Iterator[messages.Text]:
    """Yield what goes to one channel, the newest last."""
    texts = messages.in_words(
        work.db,
        work.profile_id,
        [one for one in waiting if way.takes(one) and (one.due is None or way.address in one.due)],
        work.settings.zone,
        work.clock.now(),
    )
    bearing = [text for text in texts if text.buttons and way.channel.buttons]
    others = [text for text in texts if text not in bearing[-1:]]
    if others:
        yield messages.digest(others, buttons=way.channel.buttons)
    yield from bearing[-1:]


def _listen_s(work: Work, text: messages.Text, began_s: float) -> float:
    if not text.buttons:
        return 0.0
    left_s = LISTEN_SHARE * work.settings.limits.job_timeout_s - (monotonic_s() - began_s)
    return max(0.0, left_s if text.listen_s is None else min(left_s, text.listen_s))


# --- where it goes -------------------------------------------------------------------------------


class _Courier:
    """A plugin that delivers, and what it wants to remember from one notification to the next."""

    def __init__(self, work: Work, loaded: plugins.Loaded) -> None:
        now = work.clock.now()
        self.name = loaded.name
        self._work = work
        self._key = f"channel:{loaded.name}"
        self._kept = work.db.meta_get(self._key) or "{}"
        self._loaded = loaded
        self._ctx = plugins.context(
            loaded, work.settings, Window(now, now), now, from_json(self._kept)
        )

    def channels(self) -> tuple[list[Channel], str | None]:
        return plugins.channels(self._loaded, self._ctx)

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


class _Way:
    """One channel, and the notification on it whose buttons are still to be heard.

    Attributes:
        channel: what the plugin says of it.
        address: how the outbox knows it.
        pressed: how many buttons have counted.

    """

    def __init__(self, work: Work, courier: _Courier, channel: Channel) -> None:
        self.channel = channel
        self.address = outbox.Address(courier.name, channel.id, channel.name or channel.id)
        self.pressed = 0
        self._work = work
        self._courier = courier
        self._stream: Stream | None = None

    @property
    def is_open(self) -> bool:
        """Whether there are buttons to be heard."""
        return self._stream is not None

    def takes(self, message: outbox.Message) -> bool:
        """Tell whether a message is for such a channel."""
        return self.channel.buttons or not messages.is_question(message.payload)

    def offer(self, text: messages.Text, listen_s: float) -> Stream:
        """Hand a message over as far as the channel's word that it has taken it.

        Returns what it has yet to say. Raises PluginError where that word does not come.
        """
        stream = self._courier.deliver(
            Notification(
                key=text.key,
                title=one_line(text.title, None),
                body=plain(text.body),
                buttons=text.buttons if listen_s > 0 else (),
                listen_s=listen_s,
                channel=self.channel.id,
            )
        )
        if not any(isinstance(event, Delivered) for event in stream):
            raise PluginError("it ended without saying that the message is delivered")
        return stream

    def deliver(self, text: messages.Text, listen_s: float) -> bool:
        """Hand a message over, and note what became of it; return whether it was taken."""
        db = self._work.db
        with db.transaction():
            self._work.check()
            outbox.sending(db, text.ids, self.address)
        try:
            self._stream = self.offer(text, listen_s)
        except PluginError as error:
            self._note_failure(text, error)
            return False
        with db.transaction():
            outbox.sent(db, text.ids, self.address)
            self._courier.keep_state()
        if listen_s <= 0:
            self.hear()
        return True

    def _note_failure(self, text: messages.Text, error: PluginError) -> None:
        db, reason = self._work.db, _reason(error)
        match error.__cause__:
            case NotDelivered(again=again):
                tries = outbox.failed(db, text.ids, self.address, reason, again=again)
                level = logging.DEBUG if again and tries > 1 else logging.WARNING
                then = "it is tried again" if again else "it is not tried again"
            case _:
                outbox.uncertain(db, text.ids, self.address, reason)
                level, then = logging.WARNING, "it is not sent again"
        log.log(level, "%s: %s; %s", self.address.name, reason, then)

    def hear(self) -> None:
        """Hear the channel out, and take each button that is pressed as the user's word."""
        stream, self._stream = self._stream, None
        try:
            for event in stream or ():
                if isinstance(event, Pressed):
                    self.pressed += _pressed(self._work, event.button)
        except PluginError as error:
            log.warning("%s: %s", self.address.name, error)


def _reason(error: PluginError) -> str:
    """Return what the plugin says of it; of an error that it does not speak of, where it was."""
    cause = error.__cause__
    return str(cause) if isinstance(cause, NotDelivered | MaybeDelivered) else str(error)


def _ways(work: Work) -> tuple[list[_Way], list[str]]:
    """Return every channel there is, and what is wrong with those there should be."""
    every = plugins.load(work.home, work.settings)
    ways: list[_Way] = []
    problems = [one.error for one in every if one.error and "notify" in one.abilities]
    for loaded in every.working("notify"):
        courier = _Courier(work, loaded)
        channels, problem = courier.channels()
        ways += [_Way(work, courier, channel) for channel in channels]
        problems += [problem] if problem else []
    return ways, problems


def _try_out(work: Work, wanted: Sequence[str]) -> dict[str, Any]:
    """Send a trial message; nothing of it is stored."""
    ways, problems = _ways(work)
    names = {way.address.name for way in ways}
    if unknown := sorted(set(wanted) - names):
        raise NotFoundError(
            f"there is no channel {', '.join(unknown)}; there are {', '.join(sorted(names))}"
        )
    trial = messages.Text(
        (), "trial", "twind can reach you here", "This is a trial: there is nothing to do."
    )
    told = []
    for way in ways:
        if wanted and way.address.name not in wanted:
            continue
        error = None
        try:
            way.offer(trial, 0.0)
        except PluginError as failure:
            error = _reason(failure)
        told.append(
            {
                "channel": way.address.name,
                "plugin": way.address.plugin,
                "delivered": error is None,
                "error": error,
            }
        )
    return {"channels": told, "problems": problems}


# --- what the user says --------------------------------------------------------------------------


def _pressed(work: Work, button: str) -> int:
    """Take "accept:12", "reject:12" or "snooze:12" as the user's word; return 1 if it counted.

    Or an answer to how their energy is: one of messages.ENERGIES, and when it was asked.
    """
    action, _, number = button.partition(":")
    if action in messages.ENERGIES:
        return _checked_in(work, messages.ENERGIES[action][1], button)
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


def _checked_in(work: Work, energy: float, button: str) -> int:
    """Keep how the user's energy is; a question is answered once."""
    try:
        asked = parse_utc(button.partition(":")[2])
    except ValueError:
        log.warning("button %s: means nothing", button)
        return 0
    with work.db.transaction():
        if checkins.load(work.db, work.profile_id, since=asked):
            return 0
        checkins.add(work.db, work.profile_id, energy)
    return 1

"""What twind says to its user: from the rows a message is about to its words.

A message waits in the outbox as what it is about, and is put into words when it is sent: by then a
proposal may have been answered, or a source may be back. What nobody needs any more is not said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc, parse_utc
from twind.errors import NotFoundError
from twind.model import Button
from twind.store import checkins, life, proposals, sources, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from twind.model import Proposal
    from twind.store import changes
    from twind.store.connection import Store
    from twind.store.outbox import Message
    from twind.store.recovery import Recovered

BUTTONS = (("accept", "Accept"), ("reject", "No"), ("snooze", "Later"))
ENERGIES = {"tired": ("Tired", 0.125), "soso": ("So-so", 0.5), "fresh": ("Fresh", 0.875)}
"""The buttons under the question how the user is, and the energy each stands for, 0..1.

Three for five levels: "tired" is what somebody at 1 or 2 presses, "fresh" at 4 or 5.
"""
ASKED_FOR = timedelta(hours=1)
"""How long the question may wait to be shown; later it would come at a time that nobody chose."""
SINCE = {"held": "held_since", "refused": "trouble_since"}
"""What tells one trouble of a source from the next, in `sources.health`."""
MOST_TITLE = 120


@dataclass(frozen=True, slots=True)
class Text:
    """One message in words.

    Attributes:
        ids: the rows of the outbox that it puts into words.
        key: the key of the newest of them.
        buttons: how to answer where there are buttons.
        answer: what the body becomes where there are none, and the user has to type ("" where the
            body says it all).
        listen_s: how long at most somebody should wait for a button; None for as long as possible.

    """

    ids: tuple[int, ...]
    key: str
    title: str
    body: str
    buttons: tuple[Button, ...] = ()
    answer: str = ""
    listen_s: float | None = None


# --- what a message is about ---------------------------------------------------------------------


def of_proposals(ids: Iterable[int]) -> dict[str, Any]:
    """Return the message that these have been proposed."""
    return {"about": "proposals", "ids": list(ids)}


def of_trouble(about: str, source: str, since: str, said: str) -> dict[str, Any]:
    """Return the message that a source is in trouble since then.

    `about` is "held" (it would lose much of what it had) or "refused" (it wants other credentials).
    """
    return {"about": about, "source": source, "since": since, "said": said}


def of_checkin(asked: datetime) -> dict[str, Any]:
    """Return the question how the user's energy is, asked at that moment."""
    return {"about": "checkin", "asked_at": format_utc(asked)}


def of_change(noticed: changes.Noticed) -> dict[str, Any]:
    """Return the message that something in what the user values seems to have changed."""
    return {
        "about": "change",
        "subject": noticed.subject,
        "dimension": noticed.dimension,
        "since": format_utc(noticed.at),
    }


def of_recovery(found: Recovered, zone: ZoneInfo) -> dict[str, Any]:
    """Return the message that a damaged database was replaced, or lost what was last in it."""
    if not found.backup:
        return {
            "title": "twind's database has lost its last changes",
            "body": f"{found.because}. twind goes on without them, and reads your sources again. "
            f"What was found is in {found.aside}.",
        }
    made_at = parse_utc(found.made_at).astimezone(zone)
    return {
        "title": "twind's database was damaged",
        "body": f"It is that of {made_at:%Y-%m-%d %H:%M} again: what you told twind later is lost. "
        f"The damaged one is in {found.aside}.",
    }


def is_question(payload: dict[str, Any]) -> bool:
    """Tell whether a message only asks: then it goes where there are buttons, or nowhere."""
    return payload.get("about") == "checkin"


def disturbs(db: Store, profile_id: int, now: datetime) -> str | None:
    """Say what the user is in the middle of, where a question would disturb; else None."""
    moment = timedelta(minutes=1)
    if any(
        event.takes_time and not event.all_day
        for event in life.events(db, profile_id, now, now + moment)
    ):
        return "an event is on"
    accepted = proposals.each(db, profile_id, status="accepted", brief=True)
    if any(one.start <= now < one.end for one in accepted):
        return "it is the time of a proposal that was accepted"
    return None


def useless(db: Store, profile_id: int, payload: dict[str, Any], now: datetime) -> str | None:
    """Say why nobody needs a message any more; None while it is of use."""
    match payload.get("about"):
        case "proposals":
            reasons = [_answered(db, profile_id, one, now) for one in payload["ids"]]
            return None if None in reasons else "; ".join(dict.fromkeys(filter(None, reasons)))
        case "held" | "refused" as about:
            health = sources.health(db, profile_id).get(payload["source"], {})
            if health.get(SINCE[about]) != payload["since"]:
                return "that is over"
            if about == "held" and sources.is_accepted(db, profile_id, payload["source"]):
                return "it is answered"
        case "change":
            if any(one.subject == payload["subject"] for one in words.load(db, profile_id)):
                return "it is answered"
        case "checkin":
            asked = parse_utc(payload["asked_at"])
            if checkins.load(db, profile_id, since=asked):
                return "it is answered"
            if now - asked >= ASKED_FOR:
                return "its time has passed"
            return disturbs(db, profile_id, now)
    return None


def _answered(db: Store, profile_id: int, proposal_id: int, now: datetime) -> str | None:
    try:
        one = proposals.get(db, profile_id, proposal_id)
    except NotFoundError as error:
        return str(error)
    if one.status in {"accepted", "rejected"} or "snoozed_until" in one.details:
        return "it is answered"
    if one.status != "pending":
        return str(one.details.get("withdrawn") or "its time has passed")
    return "its time has passed" if one.end <= now else None


# --- in words ------------------------------------------------------------------------------------


def in_words(
    db: Store, profile_id: int, found: Iterable[Message], zone: ZoneInfo, now: datetime
) -> list[Text]:
    """Put messages into words, in their order; all proposals are one message, and the last."""
    texts = []
    about: list[Message] = []
    proposed: dict[int, Proposal] = {}
    for message in found:
        match message.payload.get("about"):
            case "proposals":
                about.append(message)
                for one in message.payload["ids"]:
                    if _answered(db, profile_id, one, now) is None:
                        proposed[one] = proposals.get(db, profile_id, one)
            case "held":
                texts.append(_held(message))
            case "refused":
                texts.append(_refused(message))
            case "checkin":
                texts.append(_checkin(message))
            case "change":
                texts.append(_change(message, zone))
            case _:
                texts.append(_as_written(message))
    if proposed:
        texts.append(_proposed(about, list(proposed.values()), zone))
    return texts


def digest(texts: Sequence[Text], *, buttons: bool) -> Text:
    """Make one message of several, without buttons; `buttons` tells whether there are any beside.

    Where there are none it says how to answer instead.
    """
    bodies = [one.body if buttons else one.answer or one.body for one in texts]
    ids = tuple(number for one in texts for number in one.ids)
    last = texts[-1]
    if len(texts) == 1:
        return Text(ids, last.key, last.title, bodies[0])
    title = " · ".join(one.title for one in texts)
    if len(title) > MOST_TITLE:
        title = f"{last.title}, and {len(texts) - 1} more"
    parts = [f"{one.title}\n{body}".strip() for one, body in zip(texts, bodies, strict=True)]
    return Text(ids, last.key, title, "\n\n".join(parts))


def _as_written(message: Message) -> Text:
    payload = message.payload
    return Text(
        (message.id,),
        message.key,
        payload.get("title", ""),
        payload.get("body", ""),
        tuple(Button(id=one["id"], label=one["label"]) for one in payload.get("buttons", ())),
        listen_s=float(payload.get("listen_s", 0.0)),
    )


def _held(message: Message) -> Text:
    name, said = message.payload["source"], message.payload["said"]
    return Text(
        (message.id,),
        message.key,
        f"Has {name} lost its records?",
        f"The source {name} {said}. They are kept for now. If that is right, let it: "
        f"twind plugins accept {name}. If not, restore the source.",
    )


def _refused(message: Message) -> Text:
    name, said = message.payload["source"], message.payload["said"]
    return Text(
        (message.id,),
        message.key,
        f"{name} does not let twind in",
        f"{_ended(said)} What {name} had is kept, and nothing new is read until twind.toml has a "
        "user and a password that it takes.",
    )


def _checkin(message: Message) -> Text:
    asked = message.payload["asked_at"]
    return Text(
        (message.id,),
        message.key,
        "How is your energy?",
        "So twind learns when you are at your best. In numbers: twind checkin 1 … 5",
        tuple(Button(id=f"{word}:{asked}", label=label) for word, (label, _) in ENERGIES.items()),
    )


def _change(message: Message, zone: ZoneInfo) -> Text:
    payload = message.payload
    since = f"{parse_utc(payload['since']).astimezone(zone):%-d %B}"
    what = payload["dimension"].lower() or "much of what you value"
    return Text(
        (message.id,),
        message.key,
        "Has something changed for you?",
        f"What you have said and done since {since} does not go with what twind knew of {what}, so "
        "that it holds that less firmly now, and asks anew. If nothing has changed: "
        f"twind patterns --drop {payload['subject']}",
    )


def _proposed(about: Sequence[Message], found: Sequence[Proposal], zone: ZoneInfo) -> Text:
    found = sorted(found, key=lambda one: (one.start, one.id or 0))
    first, alone = found[0], len(found) == 1
    lines = [_line(one, zone) for one in found]
    numbered = lines if alone else [f"{one.id}: {_line(one, zone)}" for one in found]
    how = f"To answer: twind review {first.id} --accept (or --reject, or --snooze 60)"
    return Text(
        tuple(message.id for message in about),
        about[-1].key,
        f"twind proposes {'one thing' if alone else f'{len(found)} things'}",
        "\n".join(lines),
        tuple(
            Button(id=f"{action}:{first.id}", label=label if alone else f"{label} (first)")
            for action, label in BUTTONS
        ),
        "\n".join([*numbered, "", how]),
    )


def _line(one: Proposal, zone: ZoneInfo) -> str:
    why = f" {_ended(one.reasons[0].text)}" if one.reasons else ""
    return f"{one.start.astimezone(zone):%a %H:%M}  {_ended(one.text)}{why}"


def _ended(text: str) -> str:
    """Return a sentence with its stop; a title at its end may bring one of its own."""
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."

"""A sample life: Ada Lindqvist's calendar, tasks and contacts, and how she answers questions.

Everything lies in text files beside this module, with days counted from today, so that the same
life can be written on any day and in any time zone. `write` turns it into the files a person has
(iCalendar, todo.txt, vCard) and the twind.toml that names them; `choose` answers for her.

Places in the calendar are counted in weeks, for a life keeps its weekdays: from seven weeks before
the week of today to three after it. Due dates, birthdays and what was done are counted in days.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import icalendar
import vobject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

__all__ = ["Opinion", "about", "answers", "choose", "write"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DOMAIN = "ada.lindqvist.example"


def write(folder: Path, today: date, zone: ZoneInfo) -> None:
    """Write the sample life into `folder`, which is made if need be, as it stands on `today`.

    The files are twind.toml, calendar.ics, todo.txt and contacts.vcf; those of these names that
    are there are replaced. Times of day are wall-clock times in `zone`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "calendar.ics").write_bytes(_calendar(today, zone))
    (folder / "todo.txt").write_text(_dated(_text("todo.txt"), today), "utf-8")
    # vCards end their lines with CRLF (RFC 6350, 3.2): bytes, so that no platform adds its own.
    (folder / "contacts.vcf").write_bytes(_cards(today).encode())
    (folder / "twind.toml").write_text(_configuration(zone), "utf-8")


def about() -> str:
    """Return two or three sentences on whose life this is."""
    return str(_read("person.toml")["intro"]).strip()


# --- how she answers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opinion:
    """An answer she has ready: parts of a question's text and of the text of one of its options."""

    question: str
    option: str


@cache
def answers() -> tuple[Opinion, ...]:
    """Return the opinions Ada holds outright."""
    return tuple(
        Opinion(entry["question"], entry["option"])
        for entry in _read("answers.toml").get("answer", ())
    )


def choose(question: str, options: Sequence[str]) -> int | None:
    """Return which of `options` (their texts) Ada takes, or None where she would rather skip.

    An opinion she holds outright comes first; else the words of the options decide by what draws
    her and what puts her off, and where two options draw her alike she skips.
    """
    for opinion in answers():
        if opinion.question.casefold() in question.casefold():
            wanted = opinion.option.casefold()
            fitting = [n for n, option in enumerate(options) if wanted in option.casefold()]
            if len(fitting) == 1:
                return fitting[0]
    pull = [_pull(option) for option in options]
    best = max(pull, default=0.0)
    return pull.index(best) if best > 0.0 and pull.count(best) == 1 else None


def _pull(option: str) -> float:
    """Return the sum over an option's words of the longest beginning that moves her."""
    told = _read("answers.toml")
    weights = {**told["drawn_to"], **{stem: -w for stem, w in told["put_off_by"].items()}}
    total = 0.0
    for word in re.findall(r"[\w-]+", option.casefold()):
        stems = [stem for stem in weights if word.startswith(stem)]
        if stems:
            total += float(weights[max(stems, key=len)])
    return total


# --- the files ------------------------------------------------------------------------------------


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(_text(name))


def _text(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text("utf-8")


def _dated(text: str, today: date) -> str:
    """Replace each "{+3}" by the date three days from today."""
    return re.sub(
        r"\{([+-]\d+)\}",
        lambda found: (today + timedelta(days=int(found[1]))).isoformat(),
        text,
    )


def _configuration(zone: ZoneInfo) -> str:
    person = _read("person.toml")
    hours = person["hours"]
    # JSON's strings and lists of strings are TOML's, too.
    return f"""\
# {person["name"]} is made up, and so is everybody she knows.
[profile]
timezone = {json.dumps(str(zone))}
emails = {json.dumps(person["emails"])}

[hours]
sleep = {json.dumps(hours["sleep"])}
work = {{ mon-fri = {json.dumps(hours["work"])} }}
quiet = {json.dumps(hours["quiet"])}

[proposals]
health = true                       # Ada wants to hear of exercise, and of what does her good
mood = true

[training]
enabled = false                     # train when told to (twind ctl train), not by yourself

[plugins.calendar]
paths = ["calendar.ics"]            # beside this file

[plugins.tasks]
paths = ["todo.txt"]

[plugins.contacts]
paths = ["contacts.vcf"]

[plugins.notify]
desktop = false                     # a sample's proposals do not belong on a real desktop
"""


# --- contacts -------------------------------------------------------------------------------------


@cache
def _people() -> dict[str, dict[str, Any]]:
    return {person["id"]: person for person in _read("contacts.toml")["person"]}


def _cards(today: date) -> str:
    return "".join(_card(person, today) for person in _people().values())


def _card(person: dict[str, Any], today: date) -> str:
    card = vobject.vCard()
    card.add("uid").value = f"{person['id']}@{DOMAIN}"
    card.add("fn").value = person["name"]
    given, _, family = person["name"].rpartition(" ")
    card.add("n").value = vobject.vcard.Name(family=family, given=given)
    for email in person.get("emails", ()):
        card.add("email").value = email
    for phone in person.get("phones", ()):
        card.add("tel").value = phone
    if "organisation" in person:
        card.add("org").value = person["organisation"].split(", ")
    if "birthday" in person:
        card.add("bday").value = _birthday(person["birthday"], today).isoformat()
    if "groups" in person:
        card.add("categories").value = person["groups"]
    card.add("note").value = person["note"]
    return str(card.serialize())


def _birthday(told: list[int], today: date) -> date:
    """Return the day of birth of somebody who turns told[1] in told[0] days."""
    days, age = told
    day = today + timedelta(days=days)
    if (day.month, day.day) == (2, 29):
        day -= timedelta(days=1)  # not every year of birth has one
    return day.replace(year=day.year - age)


# --- the calendar ---------------------------------------------------------------------------------


def _calendar(today: date, zone: ZoneInfo) -> bytes:
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//twind//sample life//EN")
    calendar.add("version", "2.0")
    told = _read("calendar.toml")
    for series in told["series"]:
        for event in _series(series, today, zone):
            calendar.add_component(event)
    for event in told["event"]:
        calendar.add_component(_single(event, today, zone))
    calendar.add_missing_timezones(today - timedelta(days=366), today + timedelta(days=366))
    return bytes(calendar.to_ical())


def _day(place: str, today: date) -> date:
    """Return the date of a place like "-2 thu": a weekday of a week counted from today's."""
    week, weekday = place.split()
    monday = today - timedelta(days=today.weekday())
    return monday + timedelta(weeks=int(week), days=WEEKDAYS.index(weekday))


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), tzinfo=zone)


def _series(told: dict[str, Any], today: date, zone: ZoneInfo) -> list[icalendar.Event]:
    """Return a weekly series: its master first, then what was moved or renamed."""
    first, last = told["weeks"]
    begin = _day(f"{first} {told['days'][0]}", today)
    master = _event(told, begin, today, zone)
    until = datetime.combine(_day(f"{last} sun", today), time(23, 59), tzinfo=zone)
    rule = {
        "freq": "weekly",
        "interval": told.get("every_weeks", 1),
        "byday": [day[:2].upper() for day in told["days"]],
        "until": until.astimezone(UTC),
    }
    master.add("rrule", rule)
    for place in told.get("except", ()):
        master.add("exdate", _at(_day(place, today), told["start"], zone))
    return [master, *(_override(told, one, today, zone) for one in told.get("override", ()))]


def _override(
    series: dict[str, Any], told: dict[str, Any], today: date, zone: ZoneInfo
) -> icalendar.Event:
    day = _day(told["on"], today)
    event = _event({**series, **told}, day, today, zone)
    event.add("recurrence-id", _at(day, series["start"], zone))
    return event


def _single(told: dict[str, Any], today: date, zone: ZoneInfo) -> icalendar.Event:
    return _event(told, _day(told["on"], today), today, zone)


def _event(told: dict[str, Any], day: date, today: date, zone: ZoneInfo) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{told['id']}@{DOMAIN}")
    event.add("dtstamp", datetime.combine(today, time(), tzinfo=UTC))
    event.add("summary", told["title"])
    if told.get("all_day"):
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=told.get("days", 1)))
    else:
        start = _at(day, told["start"], zone)
        event.add("dtstart", start)
        event.add("dtend", start + timedelta(minutes=told["minutes"]))
    event.add("transp", "TRANSPARENT" if told.get("free") else "OPAQUE")
    if "location" in told:
        event.add("location", told["location"])
    if "categories" in told:
        event.add("categories", told["categories"])
    _invite(event, told)
    return event


def _invite(event: icalendar.Event, told: dict[str, Any]) -> None:
    """Add who takes part. Whoever invited, the others have accepted; Ada has said `reply`."""
    guests = told.get("with", ())
    if not guests:
        return
    ada = _read("person.toml")
    host = told.get("by")
    event.add("organizer", _address(_people()[host] if host else ada))
    for guest in (_people()[name] for name in guests):
        event.add("attendee", _address(guest, "ACCEPTED"))
    event.add("attendee", _address(ada, told.get("reply", "accepted").upper()))


def _address(person: dict[str, Any], reply: str | None = None) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(f"mailto:{person['emails'][0]}")
    address.params["CN"] = person["name"]
    if reply is not None:
        address.params["PARTSTAT"] = reply
    return address

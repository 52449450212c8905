"""An export: whole, of one moment, to a new place only, and read again by who reads such files."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind import export
from twind.cli import main
from twind.errors import ExportError
from twind.home import bundled
from twind.model import Attendee, CalendarEvent, Feedback, Person, Project, Task
from twind.store import Store, checkins, outbox, profiles, proposals, records, schema
from twind.testing import Twin

ZONE = ZoneInfo("Europe/Berlin")
ODD = "off; or, not\\2026"
"""A UID that iCalendar writes with escapes."""
NAMES = {"twind.json", "calendar.ics", "proposals.ics", "people.vcf"}
START = datetime(2026, 3, 4, 9, tzinfo=UTC)
EVENTS = [
    CalendarEvent(
        uid="lunch",
        title="Lunch, “at Zoë’s”; or not",
        start=START,
        end=START + timedelta(minutes=45),
        organizer="bo@example.org",
        attendees=(
            Attendee(email="ann@example.org", name="Ann: Berg", status="accepted"),
            Attendee(email="cy@example.org"),
        ),
        location="Café\\Bar",
        description="Two\nlines, one; comma",
        categories=("food", "a, b"),
    ),
    CalendarEvent(
        uid="holiday",
        title="Away",
        start=datetime(2026, 3, 5, tzinfo=ZONE).astimezone(UTC),
        end=datetime(2026, 3, 8, tzinfo=ZONE).astimezone(UTC),
        all_day=True,
        busy=False,
    ),
    CalendarEvent(
        uid=ODD,
        title="Called off",
        start=START,
        end=START + timedelta(hours=1),
        status="cancelled",
        busy=False,
    ),
]
PEOPLE = [
    Person(
        uid="ann",
        name="Ann Berg",
        emails=("ann@example.org", "a@b.example"),
        phones=("+49 30 1234567",),
        organisation="Berg & Sons, Ltd",
        groups=("friends", "choir"),
        birthday=date(1990, 5, 17),
        related=("spouse: Bo Berg",),
        note="Likes tea; not coffee,\nnever both",
    ),
    Person(uid="cy", name="Cy"),
]


@pytest.fixture
def lived(db, proposal):
    """A database with a little of everything."""
    span = (START - timedelta(days=60), START + timedelta(days=60))
    records.apply(db, 1, "calendar", EVENTS, span)
    records.apply(db, 1, "contacts", PEOPLE, span)
    tasks = [Project(uid="p", name="Thesis"), Task(uid="t", title="Write", project="p")]
    records.apply(db, 1, "tasks", tasks, span)
    checkins.add(db, 1, 0.5, "so-so")
    outbox.put(db, 1, "said", {"title": "News", "body": "New"})
    yes, _ = proposals.add(db, 1, [proposal(START, text="Walk"), proposal(START, text="No")], {})
    proposals.review(db, 1, Feedback(proposal_id=yes, action="accept", at=START))
    return db


def exported(db, target):
    export.write(db, 1, ZONE, target)
    return json.loads((target / "twind.json").read_text("utf-8"))


def test_every_table_that_holds_something_of_the_user_is_in_it(lived, tmp_path):
    said = exported(lived, tmp_path / "out")
    assert list(said) == ["format", "twind", "made_at", "profile", *export.SECTIONS]
    assert (said["format"], said["profile"]) == (export.FORMAT, 1)
    assert {one["uid"] for one in said["records"]} == {
        "lunch", "holiday", ODD, "ann", "cy", "p", "t",
    }  # fmt: skip
    [lunch] = [one for one in said["records"] if one["uid"] == "lunch"]
    assert lunch["data"]["title"] == EVENTS[0].title
    assert [one["name"] for one in said["people"]] == ["Ann Berg", "Cy"]
    assert said["people"][0]["about"]["emails"] == list(PEOPLE[0].emails)
    assert [one["title"] for one in said["proposals"]] == ["Walk", "No"]
    assert [one["action"] for one in said["feedback"]] == ["accept"]
    assert [one["note"] for one in said["check_ins"]] == ["so-so"]
    assert said["messages"][0]["data"]["title"] == "News"


def test_no_table_is_left_out_unsaid():
    read = " ".join(export.SECTIONS.values())
    left_out = {
        table
        for table in {**schema.MISSION_TABLES, **schema.OWN_TABLES}
        if f"FROM {table}" not in read and f"JOIN {table}" not in read
    }
    assert left_out == {
        "profile",  # its number is at the head
        "meta", "cursors", "change_log", "jobs",  # how twind works, nothing of the user
        "spent_ids",  # that too
        "addresses", "event_people", "beliefs",  # made again from the rest
        "erased",  # nobody is to be found in it
    }  # fmt: skip


def test_it_is_the_same_each_time(lived, tmp_path, clock):
    first = exported(lived, tmp_path / "one")
    clock.advance(hours=1)
    second = exported(lived, tmp_path / "two")
    assert first["made_at"] != second["made_at"]
    assert {**first, "made_at": ""} == {**second, "made_at": ""}
    for name in ("calendar.ics", "people.vcf"):
        both = [(tmp_path / folder / name).read_bytes() for folder in ("one", "two")]
        assert both[0] == both[1]


def test_a_zip_file_holds_what_a_folder_does(lived, tmp_path):
    sizes = export.write(lived, 1, ZONE, tmp_path / "out")
    export.write(lived, 1, ZONE, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as bundle:
        assert set(bundle.namelist()) == NAMES == {*sizes}
        for name in NAMES - {"proposals.ics"}:
            assert bundle.read(name) == (tmp_path / "out" / name).read_bytes()
    assert stat.S_IMODE((tmp_path / "out.zip").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    for path in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert sizes[path.name] == path.stat().st_size


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_nothing_is_overwritten_and_nothing_half_written_left(lived, tmp_path, name):
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(ExportError, match=f"{name} is there already"):
        export.write(lived, 1, ZONE, folder / name)
    assert [path.read_text() for path in folder.iterdir()] == ["mine"]
    with pytest.raises(ExportError, match="deeper: "):
        export.write(lived, 1, ZONE, folder / name / "deeper")


def test_a_stick_whose_file_system_has_no_links(lived, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    export.write(lived, 1, ZONE, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as bundle:
        assert bundle.testzip() is None
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("out", "."))] == [
        "out.zip"
    ]


def test_others_read_the_calendars(lived, tmp_path):
    exported(lived, tmp_path / "out")
    calendar = icalendar.Calendar.from_ical((tmp_path / "out" / "calendar.ics").read_bytes())
    events = {str(one["uid"]): one for one in calendar.walk("VEVENT")}
    assert set(events) == {"lunch", "holiday", ODD}
    assert events["holiday"]["dtstart"].dt == date(2026, 3, 5)
    assert events["holiday"]["dtend"].dt == date(2026, 3, 8)
    assert not [one.errors for one in calendar.walk() if one.errors]
    accepted = icalendar.Calendar.from_ical((tmp_path / "out" / "proposals.ics").read_bytes())
    assert [str(one["summary"]) for one in accepted.walk("VEVENT")] == ["Walk"]


def test_others_read_the_cards(lived, tmp_path):
    exported(lived, tmp_path / "out")
    cards = list(vobject.readComponents((tmp_path / "out" / "people.vcf").read_text("utf-8")))
    assert [card.fn.value for card in cards] == ["Ann Berg", "Cy"]
    assert all(card.validate() for card in cards)
    assert [one.value for one in cards[0].email_list] == list(PEOPLE[0].emails)


def read_by(plugin, folder, *, file):
    """Return the records that a plugin of twind's own makes of an exported file, by uid."""
    with Twin(
        bundled("plugins") / plugin,
        {"paths": [str(folder / file)]},
        root=folder.parent / "twin",
        now=START,
        timezone=ZONE.key,
    ) as twin:
        return {record.uid: record for record in twin.fetch()}


def without_group(record):
    """Return a record as if it lay in no file: that is another than it was in."""
    return replace(record, group="", **({"book": ""} if isinstance(record, Person) else {}))


@pytest.mark.parametrize(
    "about",
    [
        {"birthday": "May 5"},
        {"birthday": 1985},
        {"phones": [491234567]},
        {"emails": [{"home": "eve@example.org"}]},
        {"organisation": ["A"]},
        {"emails": "eve@example.org", "related": 7, "groups": {}},
    ],
)
def test_who_was_made_elsewhere_has_a_card_whatever_is_said_of_them(db, tmp_path, about):
    with db.transaction():
        said = json.dumps(about)
        db.insert("entities", profile_id=1, entity_type="person", name="Eve", metadata=said)
    exported(db, tmp_path / "out")
    [card] = vobject.readComponents((tmp_path / "out" / "people.vcf").read_text("utf-8"))
    assert card.fn.value == "Eve"
    assert all(len(one.value) > 1 for one in card.contents.get("email", ()))


def test_what_is_read_back_is_what_was(lived, tmp_path):
    exported(lived, tmp_path / "out")
    events = read_by("calendar.py", tmp_path / "out", file="calendar.ics")
    assert [without_group(events[one.uid]) for one in EVENTS] == EVENTS
    people = read_by("contacts.py", tmp_path / "out", file="people.vcf")
    assert [without_group(people[one.uid]) for one in PEOPLE] == PEOPLE


TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30).map(str.strip)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT), max_size=4))
def test_any_text_is_one_that_others_read(db, tmp_path_factory, texts):
    events = [
        CalendarEvent(
            uid=f"e{number}",
            title=title or "-",
            description=more,
            start=START,
            end=START + timedelta(hours=1),
        )
        for number, (title, more) in enumerate(texts)
    ]
    span = (START - timedelta(days=60), START + timedelta(days=60))
    with db.transaction():
        db.execute("DELETE FROM records")
        records.apply(db, 1, "calendar", events, span)
    folder = tmp_path_factory.mktemp("texts") / "out"
    export.write(db, 1, ZONE, folder)
    calendar = icalendar.Calendar.from_ical((folder / "calendar.ics").read_bytes())
    read = [
        (str(one["summary"]), str(one.get("description", ""))) for one in calendar.walk("VEVENT")
    ]
    assert read == [(one.title, one.description) for one in events]


def test_no_password_is_in_it(home, lived, tmp_path, capsys):
    home.config_file.write_text(
        '[plugins.notify]\ndesktop = false\nurls = ["mailto://me:hunter2@example.org"]\n'
    )
    with lived.transaction():
        lived.insert(
            "source_errors",
            profile_id=1,
            source="web",
            uid="x",
            grp="",
            reason="https://me:hunter2@example.org/dav: refused",
            seen_at=lived.now(),
        )
        lived.execute(
            "INSERT INTO sources (profile_id, name, state, last_error) "
            "VALUES (1, 'web', '{\"token\":\"hunter2\"}', 'https://me:hunter2@example.org')"
        )
    assert main(["export", str(tmp_path / "out"), "--home", str(home.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["data"]
    assert set(told["files"]) == NAMES
    for path in (tmp_path / "out").iterdir():
        assert b"hunter2" not in path.read_bytes()
    assert (
        b"https://\xe2\x80\xa6@example.org/dav: refused"
        in (tmp_path / "out" / "twind.json").read_bytes()
    )


MEASURED = """
import resource, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from twind import export
from twind.store import Store
with Store.open(Path(sys.argv[1])) as db:
    export.write(db, 1, ZoneInfo("UTC"), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mib(home, target):
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(home.database), str(target)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.slow
def test_many_events_take_no_more_memory_than_few(home, tmp_path):
    """20,000 of 4 kB each: held all at once they would be 80 MB."""
    with Store.open(home.database) as db, db.transaction():
        profiles.ensure(db, 1)
        records.apply(db, 1, "calendar", EVENTS[:1], (START, START + timedelta(days=1)))
    few = peak_mib(home, tmp_path / "few")
    with Store.open(home.database) as db, db.transaction():
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            "INSERT INTO records SELECT i, profile_id, source, uid || i, kind, grp, digest, "
            "json_set(payload, '$.description', hex(zeroblob(2000))), start_at, end_at, row_id, "
            "first_seen_at, changed_at FROM records, n WHERE id = 1"
        )
    many = peak_mib(home, tmp_path / "many")
    assert (tmp_path / "many" / "twind.json").stat().st_size > 80e6
    assert many - few < 25

"""`twind forget`, the whole way: real plugins, real jobs, and then every byte under the home."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from twind import messages, published, settings
from twind.cli import main
from twind.clock import SystemClock
from twind.jobs import detect, sync
from twind.jobs import propose as propose_job
from twind.jobs.work import Work
from twind.model import Feedback, Proposal, Reason, Target
from twind.store import (
    Store,
    checkins,
    erasure,
    migrations,
    models,
    outbox,
    people,
    profiles,
    proposals,
    questions,
    rotation,
    words,
)

pytestmark = pytest.mark.slow

CONFIGURATION = """\
[profile]
timezone = "UTC"
[hours]
quiet = "03:00-03:01"
[training]
enabled = false
[plugins.calendar]
paths = ["outside/cal.ics"]
[plugins.contacts]
paths = ["outside/people.vcf"]
[plugins.tasks]
paths = ["outside/todo.txt"]
[plugins.notify]
desktop = false
"""
CANARIES = ("Zebulonia", "Quastelmann", "zq-canary@example.org", "555-0142-778", "Xylotherapy")
"""Her names, her address, her number, and what only her card says."""
CARDS = """\
BEGIN:VCARD\r
VERSION:3.0\r
UID:one\r
FN:Zebulonia Quastelmann\r
EMAIL:zq-canary@example.org\r
TEL:+49 555-0142-778\r
NOTE:Xylotherapy\r
END:VCARD\r
BEGIN:VCARD\r
VERSION:3.0\r
UID:two\r
FN:Bo Berg\r
EMAIL:bo@example.org\r
NOTE:Married to Quastelmann\\, Zebulonia\r
END:VCARD\r
"""
GUESTS = (
    "ATTENDEE;PARTSTAT=ACCEPTED;CN=Zebulonia:mailto:ZQ-canary@example.org\r\n"
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bo@example.org\r\n"
)
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\n{more}"
    "DTSTART:{day:%Y%m%d}T{hour}0000Z\r\nDTEND:{day:%Y%m%d}T{hour}4500Z\r\nEND:VEVENT\r\n"
)


@pytest.fixture
def lived(home):
    """A home in which all that twind does has been done, on sources that lie beside it."""
    outside = home.root / "outside"
    outside.mkdir()
    now = SystemClock().now()
    events = [
        EVENT.format(
            uid=f"walk{week}",
            title=f"Walk with Zebulonia {week}",
            more=GUESTS,
            day=now - timedelta(days=7 * week),
            hour="16",
        )
        for week in range(1, 9)
    ]
    events.append(
        EVENT.format(
            uid="next",
            title="Dentist of Quastelmann\\, Zebulonia",
            more="",
            day=now + timedelta(days=2),
            hour="10",
        )
    )
    (outside / "cal.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
        + "".join(events)
        + "END:VCALENDAR\r\n"
    )
    (outside / "people.vcf").write_text(CARDS)
    (outside / "todo.txt").write_text(
        "Ask zebulonia quastelmann for her recipe +Marzipan\nBuy paint +Marzipan\n"
    )
    home.config_file.write_text(CONFIGURATION)
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        work = Work(db, home, settings.load(home), SystemClock())
        sync.run(work)
        detect.run(work)
        live(work)
    return home


def live(work):
    """Answer, be proposed to, check in, be told things, and be trained on."""
    db = work.db
    about = [one for one in questions.load(db, 1) if "Zebulonia" in one.text]
    for one in about[:2]:
        questions.answer(db, 1, one.id, one.options[0].id)
    assert about
    checkins.add(db, 1, 0.5, "Tired of Zebulonia Quastelmann")
    outbox.put(db, 1, "said", {"title": "News", "body": "zq-canary@example.org wrote"})
    detect.run(work)
    propose(work)
    work.home.models_dir.mkdir(exist_ok=True)
    (work.home.models_dir / "ppo.safetensors").write_bytes(b"Zebulonia shaped these weights")
    about = {"because": "Zebulonia"}
    models.put(db, 1, kind="ppo", state="serving", file="ppo.safetensors", report=about)


def propose(work):
    """Propose to meet her, and a thing because of a walk with her; one is accepted."""
    db = work.db
    [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
    start = work.clock.now() + timedelta(hours=3)
    walk = db.row("SELECT id FROM records WHERE uid = 'walk1'")["id"]
    cited = ({"table": "records", "id": walk, "text": "Walk with Zebulonia 1"},)
    because = Reason(kind="pattern", ref="PHY_NATURE", weight=1.0, text="Air", evidence=cited)
    made = [
        a_proposal(start, "Meet Zebulonia", Target(kind="person", id=zeb.id, name=zeb.name)),
        a_proposal(start, "Walk in the woods", None, because),
        a_proposal(start, "Read", None),
    ]
    ids = proposals.add(db, 1, made, {})
    outbox.put(db, 1, f"proposals:{ids[0]}", messages.of_proposals(ids))
    said = Feedback(proposal_id=ids[0], action="accept", at=start, reason="Zebulonia is fun")
    proposals.review(db, 1, said)
    published.write(db, 1, work.home.calendar)


def a_proposal(start, text, target, *reasons):
    return Proposal(
        day=start.date(),
        action="social",
        target=target,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text=text,
        confidence=0.5,
        reasons=reasons,
        would_change="",
    )


def rows_with(home, canary):
    """Return the rows that hold a text, for whoever looks why a test failed."""
    with Store.open(home.database) as db:
        return [
            (table, tuple(row))
            for table in migrations.table_names(db.connection)
            for row in db.rows(f"SELECT * FROM {table}")
            if canary.lower() in str(tuple(row)).lower()
        ]


def bytes_with(home, *canaries):
    """Return what under the home, but for its sources, holds one of these, as any case or form."""
    found = []
    for path in home.root.rglob("*"):
        if not path.is_file() or (home.root / "outside") in path.parents:
            continue
        content = path.read_bytes().lower()
        found += [
            (path.name, canary)
            for canary in canaries
            for encoding in ("utf-8", "utf-16-le")
            if canary.lower().encode(encoding) in content
        ]
    return found


def twind(home, capsys, *argv, expect=0):
    code = main([*argv, "--home", str(home.root), "--json"])
    shape = json.loads(capsys.readouterr().out)
    assert (code, shape["ok"]) == (expect, expect == 0), shape
    return shape["data"] if not expect else shape["error"]


def read_again(home):
    with Store.open(home.database) as db:
        work = Work(db, home, settings.load(home), SystemClock())
        told = sync.run(work)["plugins"]
        detect.run(work)
    return told


def test_of_somebody_no_byte_is_left_and_no_source_brings_one_back(lived, capsys):
    assert {name for _, name in bytes_with(lived, *CANARIES)} == set(CANARIES)
    with Store.open(lived.database) as db:
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
        before = db.value("SELECT COUNT(*) FROM records WHERE kind = 'event'")
        starts = {row["start_at"] for row in db.rows("SELECT start_at FROM records")}
    error = twind(lived, capsys, "forget", "person", str(zeb.id), expect=2)
    assert "--yes" in error["message"]
    told = twind(lived, capsys, "forget", "person", str(zeb.id), "--yes")
    assert bytes_with(lived, *CANARIES) == []
    assert told["what"] == "Zebulonia Quastelmann"
    assert (told["records"], told["models"], told["answers"]) == (1, 1, 2)
    assert told["mentions"] >= 10
    assert told["proposals"] == 1
    assert told["backups"] == {"deleted": [], "left": [], "made": None}
    # The time of what was done with her is still taken.
    with Store.open(lived.database) as db:
        assert db.value("SELECT COUNT(*) FROM records WHERE kind = 'event'") == before
        assert {row["start_at"] for row in db.rows("SELECT start_at FROM records")} == starts
        titles = {row[0] for row in db.rows("SELECT payload ->> 'title' FROM records")}
        assert {"Walk with … 1", "Dentist of …"} <= titles
        assert models.serving(db, 1) is None
        assert {one.text for one in proposals.load(db, 1)} == {"Walk in the woods", "Read"}
        assert b"Meet" not in lived.calendar.read_bytes()
        assert db.value("PRAGMA integrity_check") == "ok"
        assert db.rows("PRAGMA foreign_key_check") == []
    for _ in range(2):
        changed = read_again(lived)
        assert bytes_with(lived, *CANARIES) == []
    # Settled: what is left out is no change.
    assert all(one["added"] == one["changed"] == one["removed"] == 0 for one in changed.values())


def test_of_somebody_the_planner_proposes_to_see_no_byte_is_left(lived, capsys):
    tomorrow = (SystemClock().now() + timedelta(days=1)).date()
    with Store.open(lived.database) as db:
        work = Work(db, lived, settings.load(lived), SystemClock(), {"day": tomorrow.isoformat()})
        told = propose_job.run(work)["proposals"]
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
    with_her = {one["id"] for one in told if "zebulonia" in json.dumps(one).lower()}
    assert with_her
    twind(lived, capsys, "forget", "person", str(zeb.id), "--yes")
    assert bytes_with(lived, *CANARIES) == []
    with Store.open(lived.database) as db:
        left = {one.id for one in proposals.load(db, 1)}
        assert {one["id"] for one in told} - with_her <= left
        work = Work(db, lived, settings.load(lived), SystemClock(), {"day": tomorrow.isoformat()})
        propose_job.run(work)
    assert bytes_with(lived, *CANARIES) == []


def test_somebody_comes_back_where_that_is_wanted(lived, capsys):
    with Store.open(lived.database) as db:
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
    twind(lived, capsys, "forget", "person", str(zeb.id), "--yes")
    error = twind(lived, capsys, "forget", "restore", "Zebedee Quastelmann", expect=1)
    assert error["code"] == "not_found"
    twind(lived, capsys, "forget", "restore", "quastelmann zebulonia")
    read_again(lived)
    with Store.open(lived.database) as db:
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
        met = db.value("SELECT COUNT(*) FROM event_people WHERE entity_id = ?", (zeb.id,))
        assert met == 8
        titles = {row[0] for row in db.rows("SELECT payload ->> 'title' FROM records")}
        assert "Walk with Zebulonia 1" in titles


@pytest.mark.parametrize("name", ["tasks", "calendar", "contacts"])
def test_of_a_source_no_byte_is_left(lived, capsys, name):
    only = {
        "tasks": ("Marzipan", "Buy paint"),
        "calendar": ("Dentist", "Walk with Zeb"),
        "contacts": ("Xylotherapy", "555-0142", "Bo Berg"),
    }[name]
    assert {text for _, text in bytes_with(lived, *only)} == set(only)
    told = twind(lived, capsys, "forget", "source", name, "--yes")
    assert told["records"] > 0
    assert [rows_with(lived, one) for one in only] == [[]] * len(only)
    assert bytes_with(lived, *only) == []
    read_again(lived)
    assert bytes_with(lived, *only) == []
    with Store.open(lived.database) as db:
        assert words.is_forgotten(db, 1, name)
        assert db.rows("PRAGMA foreign_key_check") == []


def test_of_a_dimension_nothing_is_believed_and_no_answer_left(lived, capsys):
    with Store.open(lived.database) as db:
        asked = db.row(
            "SELECT q.id, d.name FROM questions q JOIN dimensions d "
            "ON d.id = q.primary_dimension_id WHERE q.profile_id IS NULL LIMIT 1"
        )
        [question] = [one for one in questions.load(db, 1) if one.id == asked["id"]]
        questions.answer(db, 1, question.id, question.options[0].id)
    told = twind(lived, capsys, "forget", "dimension", asked["name"].upper(), "--yes")
    assert told["what"] == asked["name"]
    assert told["answers"] >= 1
    with Store.open(lived.database) as db:
        given = {one.question_id for one in questions.responses(db, 1)}
        assert asked["id"] not in given
        said = {word.subject for word in words.load(db, 1) if word.kind == "forget"}
        of_it = {
            row[0]
            for row in db.rows(
                "SELECT a.code FROM aspects a JOIN dimensions d ON d.id = a.dimension_id "
                "WHERE d.name = ?",
                (asked["name"],),
            )
        }
        assert said == of_it
        assert len(of_it) == 5
    error = twind(lived, capsys, "forget", "dimension", "Nonsense", "--yes", expect=1)
    assert asked["name"] in error["message"]


def test_of_everything_only_what_is_yours_stays(lived, capsys):
    with Store.open(lived.database) as db:
        rotation.add(db, lived, "daily", settings.load(lived).backups)
    told = twind(lived, capsys, "forget", "everything", "--yes")
    [backup] = told["backups"]["left"]
    assert bytes_with(lived, *CANARIES) == []  # a backup is packed
    twind(lived, capsys, "forget", "everything", "--yes", "--backups")
    left = {path.name for path in lived.root.rglob("*") if path.is_file()}
    assert left == {"twind.toml", "twind.lock", "cal.ics", "people.vcf", "todo.txt"}
    assert backup not in left


def test_backups_hold_it_until_they_are_told_to_go(lived, capsys, tmp_path):
    with Store.open(lived.database) as db:
        old, _ = rotation.add(db, lived, "daily", settings.load(lived).backups)
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
    aside = lived.state_dir / "damaged" / "20260101T000000Z"
    aside.mkdir(parents=True)
    (aside / "twind.db").write_bytes(b"Zebulonia")
    told = twind(lived, capsys, "forget", "person", str(zeb.id), "--yes")
    assert told["backups"]["left"] == [str(old), str(aside)]
    renewed = twind(lived, capsys, "forget", "backups", "--yes")["backups"]
    assert renewed["made"] in {str(path) for path in lived.backups_dir.iterdir()}
    assert {*renewed["deleted"], renewed["made"]} >= {str(aside)}
    assert len(list(lived.backups_dir.iterdir())) == 1
    restored = type(lived).under(tmp_path / "restored")
    twind(restored, capsys, "restore", renewed["made"])
    assert bytes_with(restored, *CANARIES) == []


def test_a_wipe_that_was_cut_short_is_gone_on_with(lived):
    with Store.open(lived.database) as db:
        [zeb] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
        erasure.person(db, 1, zeb.id)
    assert (lived.models_dir / "ppo.safetensors").exists()
    with Store.open(lived.database) as db:
        assert erasure.finish(db, lived)
        assert not erasure.finish(db, lived)
        # A daemon that starts reads the evidence again, and publishes what is accepted.
        detect.run(Work(db, lived, settings.load(lived), SystemClock()))
    assert bytes_with(lived, *CANARIES) == []


def test_of_two_of_one_name_the_other_stays(lived, capsys):
    cards = lived.root / "outside" / "people.vcf"
    other = CARDS.partition("END:VCARD\r\n")[0].replace("UID:one", "UID:three")
    for mine in ("EMAIL:zq-canary@example.org\r\n", "TEL:+49 555-0142-778\r\n"):
        other = other.replace(mine, "")
    cards.write_text(f"{CARDS}{other}EMAIL:other@example.org\r\nEND:VCARD\r\n")
    read_again(lived)
    with Store.open(lived.database) as db:
        both = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
        assert len(both) == 2
        [zeb] = [one for one in both if ("contacts", "one") in one.records]
    twind(lived, capsys, "forget", "person", str(zeb.id), "--yes")
    read_again(lived)
    with Store.open(lived.database) as db:
        [left] = [one for one in people.known(db, 1) if "Zebulonia" in one.name]
        assert left.records == (("contacts", "three"),)
    assert bytes_with(lived, "zq-canary@example.org", "0142-778") == []

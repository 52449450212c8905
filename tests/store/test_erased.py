"""Who is erased is found in whatever names them, and nobody else is."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from twind.model import Attendee, CalendarEvent, Deleted, Person, RecordError, Task, Unchanged
from twind.store import erased, linking
from twind.store.erased import Marks

SECONDS = 10.0
"""Of the processor, at most: ten times what the longest took here, a tenth of what a search anew
from each letter did."""
WORDS = st.lists(st.sampled_from(["ann", "Berg", "walk", "Bo", "lunch", "…"]), max_size=8)


@pytest.fixture
def without(db):
    """Ann Maria Berg, and somebody who is called Will and nothing else."""
    with db.transaction():
        ann = Marks(
            records=["contacts:ann"],
            addresses=["Ann@Example.org"],
            phones=["+49 (30) 123-4567"],
            names=["Ann Berg", "Ann Maria Berg"],
        )
        erased.add(db, 1, ann)
        return erased.add(db, 1, Marks(records=["contacts:will"], names=["Will"]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Lunch with Ann Berg, at two", "Lunch with …, at two"),
        ("BERG, ANN: call", "…: call"),
        ("for ánn_berg", "for …"),
        ("Ann Maria Berg and Ann Berg", "… and …"),
        ("mail ANN@example.org.", "mail …."),
        ("<mailto:ann@example.org>", "<mailto:…>"),
        ("or 030 1234567, or 0049 30 123 45 67", "or …, or …"),
        ("Ann … Berg", "Ann … Berg"),
        ("Ann. Next year at Berg", "Ann. Next year at Berg"),
        ("ann ann berg berg", "ann … berg"),
        ("Will is ill", "… is ill"),
        ("I will, Ann", "I will, Ann"),
        ("the Bergs", "the Bergs"),
        ("ann@example.organic", "ann@example.organic"),
        ("at 12:30 on 2026-03-02", "at 12:30 on 2026-03-02"),
        ("", ""),
    ],
)
def test_a_text(without, text, told):
    assert without.redact(text) == told
    assert without.redact(told) == told


@pytest.mark.parametrize("part", ["a", "@", "a@", "Ann ", "1 ", "x@y.z "])
def test_a_long_text_takes_no_longer_for_each_of_its_letters(without, part):
    begun = time.process_time()
    without.redact(part * (100_000 // len(part)))
    assert time.process_time() - begun < SECONDS


def test_what_they_take_part_in_knows_them_by_any_name(without):
    assert without.redact("Walk with Ann", taking_part=True) == "Walk with …"
    assert without.redact("Walk with Annabel", taking_part=True) == "Walk with Annabel"


def test_json_is_read_before_it_is_searched(without):
    assert without.column('{"note":"Tea\\nAnn Berg","n":1}') == '{"n":1,"note":"Tea\\n…"}'
    untouched = '{ "note" : "Tea" }'
    assert without.column(untouched) == untouched
    assert without.column("{Ann Berg") == "{…"


def test_of_what_a_source_yields(without, clock):
    now = clock.now()
    lunch = CalendarEvent(
        uid="e",
        title="Ann and Bo",
        start=now,
        end=now + timedelta(hours=1),
        organizer="ann@example.org",
        attendees=(Attendee(email="ANN@example.org"), Attendee(email="bo@x.org", name="Bo")),
    )
    walk = CalendarEvent(uid="w", title="Ann and Bo", start=now, end=now)
    came = [
        Person(uid="ann", name="Another name by now"),
        Person(uid="new", name="Berg, Ann"),
        Person(uid="phone", name="A", phones=("030 1234567",)),
        Person(uid="bo", name="Bo", related=("spouse: Ann Berg",)),
        Task(uid="t", title="Ask Ann Berg", project="Ann Berg"),
        RecordError("ann", "no name"),
        RecordError("other", "Ann Berg has no end"),
        Unchanged("a.vcf"),
        Deleted("ann"),
        lunch,
        walk,
    ]
    kept = list(without.kept("contacts", came))
    assert [getattr(one, "uid", "") for one in kept] == ["bo", "t", "other", "", "ann", "e", "w"]
    bo, task, error, *_, eaten, walked = kept
    assert bo.related == ("spouse: …",)
    assert (task.title, task.project) == ("Ask …", "Ann Berg")
    assert error.reason == "… has no end"
    assert (eaten.title, eaten.organizer) == ("… and Bo", "")
    assert eaten.attendees == (Attendee(email="bo@x.org", name="Bo"),)
    assert walked is walk
    assert next(without.kept("other", [Person(uid="ann", name="Ann")])).uid == "ann"


def test_no_fingerprint_can_be_read(without, db):
    stored = [row["print"] for row in db.rows("SELECT print FROM erased")]
    assert len(stored) >= 9
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in stored)


OFFICE, HOME = "office@firm.org", "+44 20 1234567"


def test_what_another_has_too_tells_nobody(db):
    ann = Marks(["contacts:a"], ["ann@x.org", OFFICE], [HOME], ["Ann Berg"])
    bo = Marks(["contacts:b"], [OFFICE.upper()], ["020 1234567"], ["berg ann"])
    with db.transaction():
        one = erased.add(db, 1, ann, [bo])
    told = "Ann Berg: ann@x.org, 020 1234567"
    assert one.redact(told) == "Ann Berg: …, 020 1234567"
    bo_again = Person(uid="b", name="Ann Berg", emails=(OFFICE,), phones=(HOME,))
    ann_again = Person(uid="a", name="Ann Berg")
    assert list(one.kept("contacts", [ann_again, bo_again])) == [bo_again]


NUMBERS = st.builds(
    "{}{}".format,
    st.sampled_from(["", "0", "+44 ", "0044 (0)", "+1 "]),
    st.from_regex(r"[12]{6,9}", fullmatch=True),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example("+44 20 1234567", "020 1234567")
@example("020 1234567", "0044 (0)20-123 45 67")
@example("+44 20 1234567", "+1 555 1234567")
@given(NUMBERS, NUMBERS)
def test_a_number_is_theirs_if_it_is_the_same_with_or_without_the_country(db, one, other):
    with db.transaction():
        db.execute("DELETE FROM erased")
        without = erased.add(db, 1, Marks(phones=[one]))
    same = linking.same_number(linking.digits(one), linking.digits(other))
    assert without.knows(Marks(phones=[other])) == same


@pytest.mark.parametrize("who", ["ANN berg", "ann@example.org", "contacts:ann"])
def test_taken_back_they_are_known_again(without, db, who):
    with db.transaction():
        assert erased.take_back(db, 1, who) == 1
    now = erased.load(db, 1)
    assert now.redact("Ann Berg and Will") == "Ann Berg and …"
    assert erased.take_back(db, 1, who) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(WORDS, st.sampled_from([" ", ", ", "_", "\n", "-"]))
def test_of_any_text_only_they_go(without, words, between):
    text = between.join(words)
    told = without.redact(text)
    named = [word.casefold() for word in words]
    meant = any({"ann", "berg"} == {*pair} for pair in pairwise(named))
    assert (told != text) == meant
    assert without.redact(told) == told

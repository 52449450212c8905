"""Reasons: shares of what speaks for a proposal, resting on rows that exist."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twind import asking, evidence, proposed, settings
from twind.clock import FixedClock
from twind.model import Attendee, CalendarEvent, Feedback, Person, Project, Reason, Target, Task
from twind.preferences import catalogue
from twind.preferences.belief import POPULATION_MEANS
from twind.preferences.features import ACTIVITIES, ATTRIBUTES, PARTS, Block
from twind.rl import explain, fitting, wording
from twind.rl.pipeline import DataPipeline
from twind.rl.planner import Item, Rated
from twind.rl.population import SPREADS
from twind.rl.snapshot import LIFE_NAMES, Fitted, LifeParameters, shortlist
from twind.rl.spaces import DURATIONS_MIN, INTENSITIES, PROJECTS, TYPES
from twind.sentences import length
from twind.store import Store, ownership, patterns, profiles, proposals, questions, records
from twind.store.projection import SINGLE_TASKS

PROJECT, PERSON = 1, 1 + PROJECTS
REHEARSED, ACCEPTANCE = 0.6, 0.7


@pytest.fixture
def told(db, clock):
    """A teller over a small life, and its store."""
    guests = (Attendee(email="ann@x.org", status="accepted"),)
    meetings = [
        CalendarEvent(
            uid=f"lunch {n}",
            title="Lunch with Ann",
            start=clock.now() - timedelta(days=7 * n),
            end=clock.now() - timedelta(days=7 * n) + timedelta(hours=1),
            attendees=guests,
        )
        for n in (1, 2, 3, 4)
    ]
    due = clock.now() + timedelta(days=2)
    window = (clock.now() - timedelta(days=200), clock.now() + timedelta(days=100))
    records.apply(
        db,
        1,
        "test",
        [
            Person(uid="ann", name="Ann", emails=("ann@x.org",)),
            Project(uid="p", name="Thesis", deadline=due),
            Task(uid="t", title="Write the chapter", project="p", due=due, estimate_min=240),
            *meetings,
        ],
        window,
    )
    return teller(db, clock)


def teller(db, clock, emails=()):
    profile = {"timezone": "UTC", "emails": list(emails)}
    pipeline = DataPipeline(db, settings.parse({"profile": profile}), clock)
    reader = pipeline.reader(1)
    asking.seed(reader)
    for question in questions.load(db, 1)[::3]:
        questions.answer(db, 1, question.id, question.options[0].id)
    belief = evidence.refresh(reader)
    return explain.Teller(reader, pipeline.snapshot(1), belief, "greedy 1")


def rated(kind, target=0, parts=(0.3, 0.2, 0.2, 0.4, -0.1), duration=3, intensity=1):
    item = Item(44, TYPES.index(kind), target, duration, intensity)
    return Rated(item, sum(parts), tuple(parts), REHEARSED, ACCEPTANCE)


def test_what_is_tried_says_so(told):
    sure = told.proposal(rated("create"), 0)
    assert "trial" not in {reason.kind for reason in sure.reasons}
    tried = replace(rated("create", parts=(0.1, 0.0, 0.0, 0.0, -0.2)), doubt=1.5)
    reasons = {reason.kind: reason for reason in told.proposal(tried, 0).reasons}
    assert "cannot tell yet" in reasons["trial"].text
    assert 0.0 < reasons["trial"].weight <= 1.0


def test_what_was_said_to_proposals_speaks_for_them(db, clock, told):
    made = told.proposal(rated("exercise", parts=(0.5, 0.0, 0.0, 0.0, -0.1)), 0)
    assert "reviews" not in {reason.kind for reason in made.reasons}
    for row in proposals.add(db, 1, [told.proposal(rated("exercise"), 0)] * 12, {}):
        proposals.review(db, 1, Feedback(proposal_id=row, action="accept", at=clock.now()))
    belief = evidence.refresh(told.reader)
    assert belief.mean_of("attribute:exercise") > 0.0
    belief.posterior.mean[belief.place("attribute:exercise")] = 1.0
    knows = replace(told, belief=belief)
    made = knows.proposal(rated("exercise", parts=(0.5, 0.0, 0.0, 0.0, -0.1)), 0)
    [reason] = [one for one in made.reasons if one.ref == "attribute:exercise"]
    assert reason.kind == "reviews"
    assert reason.text == "What you have said to proposals speaks for moving"
    assert {row["table"] for row in reason.evidence} == {"feedback"}


def test_every_attribute_has_a_name():
    assert wording.ATTRIBUTES.keys() == set(ATTRIBUTES)


def test_features_of_a_proposal_hold_what_it_does_beyond_its_aspects(told):
    made = told.proposal(rated("work", target=1), 0)
    features = made.details["features"]
    weights = dict(zip(PARTS, told.belief.parts(), strict=True))
    assert features["part:progress"] == pytest.approx(0.4 / weights["progress"] / REHEARSED)
    assert features["part:energy"] == pytest.approx(0.2 / weights["energy"] / REHEARSED)
    assert "part:alignment" not in features
    assert made.details["odds"] == pytest.approx(math.log(REHEARSED / (1.0 - REHEARSED)))
    usual = told.belief.worth(made.details["baseline"])[0]
    assert made.details["worth"] == pytest.approx(told.belief.worth(features)[0] - usual)


def test_what_would_have_been_is_what_is_usual_at_that_hour(told):
    habits = np.zeros_like(told.snapshot.habits)
    habits[..., 1 + ACTIVITIES.index("create")] = 1.0
    usual = replace(told, snapshot=replace(told.snapshot, habits=habits))
    made = usual.proposal(rated("rest"), 0)
    hours = made.duration_min / 60
    drawing = Block(activity=ACTIVITIES.index("create"), hours=hours, hour=11 + hours / 2)
    assert made.details["baseline"] == pytest.approx(proposed.named_features(drawing))


@pytest.mark.parametrize(
    ("action", "company"), [("social", {"together", "close", "group"}), ("help", {"together"})]
)
def test_company_with_nobody_in_particular_is_company(told, action, company):
    """As the day was rehearsed with it; and so is what is usual at that hour."""
    habits = np.zeros_like(told.snapshot.habits)
    habits[..., 1 + ACTIVITIES.index(action)] = 1.0
    usual = replace(told, snapshot=replace(told.snapshot, habits=habits))
    made = usual.proposal(rated(action), 0)
    features = made.details["features"]
    assert company <= {name.removeprefix("attribute:") for name in features}
    assert "attribute:alone" not in features
    assert made.details["baseline"]["SOC_COMMUNITY"] > 0.0


def test_a_projects_proposal_tells_the_deadline_and_its_steps(db, told):
    made = told.proposal(rated("work", PROJECT), 0)
    assert made.target == Target(kind="project", id=made.target.id, name="Thesis")
    assert (made.day, made.confidence) == (date(2026, 3, 2), ACCEPTANCE)
    assert made.end - made.start == timedelta(minutes=made.duration_min)
    assert made.start.hour == 11
    assert "beginning with “Write the chapter”" in made.text
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert deadline.ref == f"workflow:{made.target.id}"
    assert "“Thesis” is due in 2 days with about 4 h left" in deadline.text
    [step] = deadline.evidence
    assert step["text"] == "Write the chapter"
    assert made.details["features"][f"project:{made.target.id}"] == made.duration_min / 60
    assert made.details["model"] == "greedy 1"


def test_whoever_needs_more_than_they_estimate_is_told_so(db, clock):
    due = clock.now() + timedelta(days=2)
    past = clock.now() - timedelta(days=1)
    took = [
        Task(
            uid=f"d{n}",
            title="Done",
            project="p",
            status="done",
            completed_at=past,
            estimate_min=60,
            spent_min=90,
        )
        for n in range(40)
    ]
    window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
    ahead = Task(uid="t", title="Write", project="p", due=due, estimate_min=240)
    records.apply(db, 1, "test", [Project(uid="p", name="Thesis"), *took, ahead], window)
    made = teller(db, clock).proposal(rated("work", PROJECT), 0)
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert "with about 6 h left" in deadline.text
    assert deadline.text.endswith("; you usually need 1.5 times what you estimate")
    ratio = made.details["life"]["estimate_ratio"]
    assert (ratio["population"], ratio["evidence"]) == (1.0, 40)
    assert 1.1 < ratio["value"] < 1.5
    assert ratio["text"].endswith("(from 40 tasks)")


def test_it_says_how_many_projects_and_people_the_day_was_planned_with(told):
    made = told.proposal(rated("work", PROJECT), 0)
    assert made.details["weighed"] == "Planned with 1 open project and 1 person."
    crowd = replace(
        told.snapshot,
        people=tuple(
            replace(told.snapshot.people[0], id=1000 + number, name=f"P{number}")
            for number in range(200)
        ),
    )
    made = replace(told, snapshot=crowd).proposal(rated("rest"), 0)
    assert (
        made.details["weighed"] == "Planned with 1 open project and 12 of 200 people "
        "(the ones most overdue for how close they are)."
    )


def test_what_is_assumed_of_a_life_is_told_apart_from_what_is_known(told):
    made = told.proposal(rated("work", PROJECT), 0)
    life = made.details["life"]
    assert set(LIFE_NAMES) < set(life)
    assert all(one["evidence"] == 0 and one["text"] is None for one in life.values())
    assert all(one["value"] == one["population"] for one in life.values())
    assert json.loads(json.dumps(life)) == life
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert "estimate" not in deadline.text


@pytest.mark.parametrize(
    ("name", "value", "population", "text"),
    [
        ("chronotype_h", 1.24, 0.0, "your body clock runs 1.2 h later than most people's"),
        ("chronotype_h", 8.5, 9.0, "your body clock runs 0.5 h earlier than most people's"),
        ("chronotype_h", 0.1, 0.0, None),
        ("recovery", 1.3, 1.0, "you recover 30% faster than most"),
        ("recovery", 0.8, 1.0, "you recover 20% more slowly than most"),
        ("recovery", 1.02, 1.0, None),
        ("social_energy", -0.03, 0.0, "company takes more energy from you than from most people"),
        ("completion", 1.5, 2.5, "of the hours you accept and begin, you carry 82% through"),
        ("task_h", 0.5, 1.0, "what you have not estimated takes you 30 minutes"),
        ("switch_cost", 0.12, 0.06, None),
    ],
)
def test_what_is_known_of_a_life_is_told_where_it_differs(name, value, population, text):
    said = wording.own(Fitted(name, value, population, 12))
    assert (said or "").partition(" (from 12 ")[0] == (text or "")
    assert wording.own(Fitted(name, value, population, 0)) is None


def test_everything_that_can_be_known_of_a_life_has_words():
    for name in [*fitting.BODY, "lead_time", "start_friction", "completion", "unplanned_per_day"]:
        average = getattr(LifeParameters(), name)
        low, high = (SPREADS[name].value(z, average) for z in (-2.0, 2.0))
        texts = {wording.own(Fitted(name, value, average, 1)) for value in (low, high)}
        assert None not in texts
        assert len(texts) == 2


def test_a_habits_proposal_does_not_say_its_name_twice(db, clock):
    due = clock.now() + timedelta(hours=9)
    habit = Project(uid="r", name="Water the plants", kind="habit")
    task = Task(uid="r/1", title="Water the plants", series="r", due=due)
    window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
    records.apply(db, 1, "test", [habit, task], window)
    made = teller(db, clock).proposal(rated("work", PROJECT), 0)
    assert made.text.count("Water the plants") == 1


def test_a_persons_proposal_tells_when_they_last_met(db, told):
    made = told.proposal(rated("social", PERSON), 0)
    [person] = [one for one in made.reasons if one.kind == "person"]
    assert person.text == "You last saw Ann 7 days ago; you usually meet every 7 days"
    [meeting] = person.evidence
    assert meeting["text"] == "Lunch with Ann"
    assert made.text.startswith(("See Ann", "How about this: see Ann"))


@pytest.mark.parametrize(
    ("days", "text"),
    [
        ([], "twind knows of no meeting with Bob yet"),
        ([3], "You last saw Bob 3 days ago"),
        ([1], "You last saw Bob a day ago"),
        ([1, 2, 3], "You last saw Bob a day ago; you usually meet every day"),
    ],
)
def test_nothing_is_said_to_be_usual_that_is_not_known(db, clock, days, text):
    fetched = [Person(uid="bob", name="Bob", emails=("bob@x.org",))]
    for number in days:
        start = clock.now() - timedelta(days=number)
        fetched.append(
            CalendarEvent(
                uid=f"e{number}",
                title="Chess",
                start=start,
                end=start + timedelta(hours=1),
                attendees=(Attendee(email="bob@x.org", status="accepted"),),
            )
        )
    records.apply(db, 1, "test", fetched, (clock.now() - timedelta(days=30), clock.now()))
    made = teller(db, clock).proposal(rated("social", PERSON), 0)
    assert [one.text for one in made.reasons if one.kind == "person"] == [text]


@pytest.mark.parametrize(
    ("met", "status", "text"),
    [
        (False, "confirmed", "twind knows of no meeting with Bob before “Dinner with Bob” on"),
        (True, "confirmed", "You last saw Bob 9 days ago; you meet next for “Dinner with Bob” on"),
        (True, "cancelled", "You last saw Bob 9 days ago"),
    ],
)
def test_a_meeting_that_is_to_come_is_named(db, clock, met, status, text):
    bob = (Attendee(email="bob@x.org", status="accepted"),)
    starts = {"Dinner with Bob": timedelta(days=6, hours=11)} | (
        {"Chess": -timedelta(days=9)} if met else {}
    )
    events = [
        CalendarEvent(
            uid=title,
            title=title,
            start=clock.now() + away,
            end=clock.now() + away + timedelta(hours=2),
            status=status if title.startswith("Dinner") else "confirmed",
            attendees=bob,
        )
        for title, away in starts.items()
    ]
    window = (clock.now() - timedelta(days=30), clock.now() + timedelta(days=30))
    records.apply(
        db, 1, "test", [Person(uid="b", name="Bob", emails=("bob@x.org",)), *events], window
    )
    made = teller(db, clock).proposal(rated("social", PERSON), 0)
    [person] = [one for one in made.reasons if one.kind == "person"]
    assert person.text == text + (" Sunday, 8 March" if text.endswith(" on") else "")
    cited = ["Chess"] * met + ["Dinner with Bob"] * (status == "confirmed")
    assert [row["text"] for row in person.evidence] == cited


@pytest.mark.parametrize(
    ("hours", "text", "would_change"),
    [
        ([27], "By then you will have met Bob for “Tea” on Tuesday, 3 March", "met once more"),
        (
            [9, 27, 90, 99],
            (
                "By then you will have met Bob for “Tea” on Tuesday, 3 March; "
                "you meet again for “Tea” on Friday, 6 March"
            ),
            "met once more",
        ),
        ([90], "twind knows of no meeting with Bob before “Tea” on Friday, 6 March", "had met"),
    ],
)
def test_whom_the_user_meets_before_is_met_by_then(db, clock, hours, text, would_change):
    bob = (Attendee(email="bob@x.org", status="accepted"),)
    starts = {number: clock.now() + timedelta(hours=number) for number in hours}
    teas = [
        CalendarEvent(
            uid=f"{number}", title="Tea", start=at, end=at + timedelta(hours=1), attendees=bob
        )
        for number, at in starts.items()
    ]
    window = (clock.now() - timedelta(days=30), clock.now() + timedelta(days=30))
    records.apply(
        db, 1, "test", [Person(uid="b", name="Bob", emails=("bob@x.org",)), *teas], window
    )
    made = teller(db, clock).proposal(rated("social", PERSON, (0, 0, 2.0, 0, 0)), 2)
    [person] = made.reasons
    assert person.text == text
    assert len(person.evidence) == text.count("“Tea”")
    assert made.would_change.startswith(f"If you {would_change} by then, ")


@pytest.mark.parametrize(
    ("due_h", "day", "estimate_min", "text"),
    [
        (9, 0, 240, "“Thesis” is due today with about 4 h left"),
        (9, 1, 240, "“Thesis” is overdue by then with about 4 h left"),
        (-9, 0, 240, "“Thesis” is overdue with about 4 h left"),
        (33, 1, 240, "“Thesis” is due that day with about 4 h left"),
        (33, 0, 240, "“Thesis” is due tomorrow with about 4 h left: it needs 2.9 h a day"),
        (57, 1, 240, "“Thesis” is due the day after with about 4 h left: it needs 2.9 h a day"),
        (None, 0, 60, "“Thesis” moves forward (about 1 h left, plus the time to get into it)"),
    ],
)
def test_hours_a_day_are_told_of_what_has_days_left(db, clock, due_h, day, estimate_min, text):
    due = None if due_h is None else clock.now() + timedelta(hours=due_h)
    window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
    task = Task(uid="t", title="Write", project="p", due=due, estimate_min=estimate_min)
    records.apply(db, 1, "test", [Project(uid="p", name="Thesis"), task], window)
    made = teller(db, clock).proposal(rated("work", PROJECT, duration=4), day)
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert deadline.text == text


def test_a_step_that_is_as_good_as_done_is_not_begun_with(db, clock):
    due = clock.now() + timedelta(days=1)
    tasks = [Task(uid=n, title=n, due=due) for n in ("Get cat food", "Phone Elin")]
    window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
    records.apply(db, 1, "test", tasks, window)
    first = teller(db, clock)
    made = first.proposal(rated("work", PROJECT), 0)
    assert "beginning with “Get cat food”" in made.text
    made = replace(first, done=frozenset({made.details["step"]})).proposal(
        rated("work", PROJECT), 1
    )
    assert "beginning with “Phone Elin”" in made.text
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert deadline.text == "“Phone Elin” is due that day"


def test_it_tells_what_somebody_is_to_the_user(db, clock):
    me = Person(uid="me", name="Me", emails=("me@x.org",), related=("spouse: Bob",))
    window = (clock.now() - timedelta(days=30), clock.now())
    records.apply(db, 1, "test", [me, Person(uid="bob", name="Bob")], window)
    made = teller(db, clock, emails=["me@x.org"]).proposal(rated("social", PERSON), 0)
    [person] = [one for one in made.reasons if one.kind == "person"]
    assert person.text == "twind knows of no meeting with Bob yet; Bob is your spouse"
    assert person.evidence == ()


TABLES = {"responses", "records", "feedback", "recommendations", "workflow_steps"}


@pytest.mark.parametrize(
    "parts",
    [
        (0.3, 0.2, 0.2, 0.4, -0.1),
        (-0.3, -0.2, -0.2, 0.9, -0.1),
        (-0.1, -0.1, -0.1, -0.1, 0.9),
        (1.0, 0.0, 0.0, 0.0, 0.0),
    ],
    ids=["all", "progress", "none", "alignment"],
)
def test_reasons_are_shares_and_rest_on_rows_that_exist(db, told, parts):
    for kind, target in itertools.product(TYPES[1:], (0, PROJECT, PERSON)):
        made = told.proposal(rated(kind, target, parts), 0)
        weights = [one.weight for one in made.reasons]
        assert weights == sorted(weights, reverse=True)
        assert 0.0 < sum(weights) <= 1.0 + 1e-9
        assert made.would_change
        for reason in made.reasons:
            assert reason.text
            assert not reason.text.endswith(".")
            assert_rests(db, reason)


def assert_rests(db, reason):
    table, _, number = reason.ref.partition(":")
    match reason.kind:
        case "pattern" if not number:
            assert reason.ref in catalogue.index_of()
            assert db.value("SELECT COUNT(*) FROM aspects WHERE code = ?", (reason.ref,)) == 1
        case "pattern" | "person" | "deadline":
            place = {"person": "entities", "project": "workflows"}.get(table)
            place = place or {"entity": "entities", "workflow": "workflows"}[table]
            assert db.value(f"SELECT COUNT(*) FROM {place} WHERE id = ?", (number,)) == 1
        case kind:
            assert kind in {"energy", "time", "habit", "reviews"}
    for row in reason.evidence:
        assert row["table"] in TABLES
        assert db.value(f"SELECT COUNT(*) FROM {row['table']} WHERE id = ?", (row["id"],)) == 1


def test_the_first_reason_decides_what_would_change(told):
    much = told.proposal(rated("work", PROJECT, (0, 0, 0, 2.0, 0)), 0)
    assert much.would_change == "If that were done or less pressing, this would not be proposed."
    mixed = told.proposal(rated("work", PROJECT, (0, 0.8, 0, 1.0, 0)), 0)
    assert "and still be proposed" in mixed.would_change


def test_the_shortlist_names_who_the_target_is(told):
    shown = shortlist(told.snapshot)
    for row, place in enumerate(shown.people):
        person = told.snapshot.people[place]
        assert told.proposal(rated("social", PERSON + row), 1).target.id == person.id
    assert np.isfinite(told.proposal(rated("work", PROJECT), 1).details["block"]["lead_days"])


def test_tasks_of_no_project_are_told_by_themselves():
    odd = Target(kind="project", id=2, name=SINGLE_TASKS)
    for intensity in INTENSITIES:
        told = wording.sentence("work", odd, 30, intensity, first="Water the plants")
        assert told == "Work on your odd jobs for half an hour, beginning with “Water the plants”"


def test_of_single_tasks_the_one_to_begin_with_speaks_for_itself(db, clock):
    due = [clock.now() + timedelta(days=number) for number in (1, 2, 2)]
    names = ("Get cat food", "Phone Elin", "Design a workbench")
    tasks = [
        Task(uid=name, title=name, due=at, estimate_min=90)
        for name, at in zip(names, due, strict=True)
    ]
    window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
    records.apply(db, 1, "test", tasks, window)
    made = teller(db, clock).proposal(rated("work", PROJECT), 0)
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert deadline.text == "“Get cat food” is due tomorrow"
    assert [row["text"] for row in deadline.evidence] == ["Get cat food"]
    made = teller(db, clock).proposal(rated("work", PROJECT), 1)
    [deadline] = [one for one in made.reasons if one.kind == "deadline"]
    assert deadline.text == "“Get cat food” is due that day"


# --- what speaks for it -----------------------------------------------------------------------

VALUES = [one.code for one in catalogue.aspects() if one.kind == "value"]
ALIGNED = (0.4, 0.0, 0.0, 0.0, -0.1)
BETTER_SPENT = "More of the day goes to what you value, as far as twind knows you"


def believing(told, strengths):
    """Return a teller to whom just these aspects are worth something."""
    belief = told.belief.copy()
    belief.posterior.mean[:] = 0.0
    for code, strength in strengths.items():
        belief.posterior.mean[belief.place(code)] = strength
    return replace(told, belief=belief)


@pytest.fixture(scope="module")
def believer(tmp_path_factory):
    """A teller to be given beliefs, over a database of its own."""
    clock = FixedClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    with Store.open(tmp_path_factory.mktemp("explain") / "twind.db", clock) as db:
        profiles.ensure(db, 1)
        records.apply(db, 1, "test", [Person(uid="ann", name="Ann")], (clock.now(), clock.now()))
        yield teller(db, clock)


@given(
    strengths=st.dictionaries(st.sampled_from(VALUES), st.floats(-1.0, 1.0), max_size=12),
    kind=st.sampled_from(["rest", "social", "learn", "create", "help", "plan", "reflect"]),
    intensity=st.sampled_from([0, 1, 2]),
    worth=st.floats(0.001, 2.0),
)
@example({"WOR_DEEP_WORK": -0.9}, "rest", 0, 0.4)
@example({"WOR_DEEP_WORK": -0.003}, "rest", 0, 0.4)
def test_no_reason_is_told_in_words_that_its_strength_belies(
    believer, strengths, kind, intensity, worth
):
    knows = believing(believer, strengths)
    made = knows.proposal(rated(kind, 0, (worth, 0.0, 0.0, 0.0, 1.0), intensity=intensity), 0)
    features = made.details["features"]
    for reason in made.reasons:
        if reason.kind != "pattern":
            assert reason.text == BETTER_SPENT
            continue
        strength, hours = strengths[reason.ref], features[reason.ref]
        assert strength * hours > 0.0
        assert abs(strength) >= explain.LEAST_STRENGTH
        # Nothing is said to bring more than it would if it were taken up.
        assert reason.weight * worth <= strength * hours * REHEARSED + 1e-9
        assert reason.text.startswith("It spares you what you care little for: ") is (strength < 0)
        for row in reason.evidence:
            found = patterns.evidence_for(knows.reader.db, 1, reason.ref, limit=99)
            [ways] = {one["direction"] for one in found if one["text"] == row["text"]}
            assert ways == (1 if strength > 0 else -1)


def test_what_the_user_cares_little_for_and_is_spared_is_told_as_that(db, told):
    ownership.say(db, 1, "pin", "WOR_DEEP_WORK", -0.9)
    knows = replace(told, belief=evidence.refresh(told.reader))
    made = knows.proposal(rated("rest", 0, ALIGNED, duration=5, intensity=0), 0)
    [reason] = [one for one in made.reasons if one.ref == "WOR_DEEP_WORK"]
    assert reason.text == (
        "It spares you what you care little for: long, undivided stretches on something hard "
        "(work style: deep work, 100% sure)"
    )
    assert "You pinned Work Style: deep work to -0.90 yourself" in {
        row["text"] for row in reason.evidence
    }


def test_what_is_next_to_nothing_is_no_reason(told):
    faint = believing(told, {"WOR_DEEP_WORK": -0.003, "MEN_CALM": 0.04})
    [only] = faint.proposal(rated("rest", 0, ALIGNED, intensity=0), 0).reasons
    assert (only.text, only.weight) == (BETTER_SPENT, 1.0)


def test_what_is_known_explains_no_more_of_a_gain_than_it_is_worth(told):
    little = believing(told, {"MEN_CALM": 0.1})
    made = little.proposal(rated("rest", 0, ALIGNED, duration=3, intensity=1), 0)
    whole, calm = made.reasons
    assert whole.text == BETTER_SPENT
    assert calm.ref == "MEN_CALM"
    expected = 0.1 * made.details["features"]["MEN_CALM"] * REHEARSED / ALIGNED[0]
    assert calm.weight == pytest.approx(expected)


def test_what_is_there_for_being_due_says_so_and_stands_on_that(told):
    little = replace(rated("work", PROJECT, (0.01, 0.0, 0.0, 0.0, 0.0)), due=0.5, doubt=1.0)
    made = told.proposal(little, 0)
    assert made.reasons[0].kind == "deadline"
    assert made.reasons[0].weight == pytest.approx(0.5 / 0.51)
    assert "trial" not in {reason.kind for reason in made.reasons}
    assert made.would_change == ("If that were done or less pressing, this would not be proposed.")


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (explain.PROGRESS, "What you have to do gets on better with it"),
        (explain.RELATIONSHIPS, "Those close to you get more of you with it"),
        (explain.ENERGY, "You come out of it with more energy for what follows"),
        (4, "The day goes better with it, all in all"),
    ],
)
def test_what_is_for_nothing_in_particular_says_what_it_improves(told, part, text):
    parts = [0.0] * 5
    parts[part] = 0.3
    [only] = told.proposal(rated("rest", 0, tuple(parts), intensity=0), 0).reasons
    assert (only.text, only.evidence) == (text, ())


def test_what_no_evidence_says_is_true_of_most_people_and_cites_none(db, clock):
    records.apply(db, 1, "test", [Person(uid="ann", name="Ann")], (clock.now(), clock.now()))
    pipeline = DataPipeline(db, settings.parse({"profile": {"timezone": "UTC"}}), clock)
    asking.seed(pipeline.reader(1))
    belief = evidence.refresh(pipeline.reader(1))
    new = explain.Teller(pipeline.reader(1), pipeline.snapshot(1), belief, "greedy 1")
    reasons = new.proposal(rated("rest", 0, ALIGNED), 0).reasons
    told = {one.ref: one for one in reasons if one.kind == "pattern"}
    assert told.keys() <= POPULATION_MEANS.keys()
    assert "MEN_CALM" in told
    for reason in told.values():
        assert reason.text.endswith(", as with most people)")
        assert reason.evidence == ()


def test_evidence_against_a_reason_is_not_cited_for_it(db, told):
    against, code = [], "REL_INTIMACY"
    for question in questions.load(db, 1):
        ways = [option.features.get(code, 0.0) for option in question.options]
        if len(set(ways)) > 1:
            worst = question.options[int(np.argmin(ways))]
            questions.answer(db, 1, question.id, worst.id)
            against.append(worst.text)
    belief = evidence.refresh(told.reader)
    belief.posterior.mean[belief.place(code)] = 0.5
    made = replace(told, belief=belief).proposal(rated("social", PERSON, ALIGNED), 0)
    [reason] = [one for one in made.reasons if one.ref == code]
    assert len(against) > 3
    assert not [row for row in reason.evidence if row["table"] == "responses"]


def test_no_row_is_cited_twice_for_a_reason(db, clock, told):
    code = "MEN_CALM"
    said = [("records", 1, "Tea"), ("records", 1, "Tea again"), ("records", 2, "Tea")]
    said += [("records", row, f"Bath {row}") for row in (3, 4, 5)]
    rows = [
        patterns.EvidenceRow(
            f"k{n}", "behaviour", clock.now(), text, table, row, 1 - n / 9, {code: 1}
        )
        for n, (table, row, text) in enumerate(said)
    ]
    patterns.write_evidence(db, 1, rows)
    knows = believing(told, {code: 0.5})
    [reason, *_] = knows.proposal(rated("rest", 0, ALIGNED), 0).reasons
    assert [row["text"] for row in reason.evidence] == ["Tea", "Bath 3", "Bath 4"]


@pytest.mark.parametrize("code", VALUES)
def test_every_value_can_be_told_of_either_way(code):
    aspect = catalogue.aspects()[catalogue.index_of()[code]]
    for spared in (False, True):
        text = wording.aspect(aspect, "as with most people", spared=spared)
        assert text[0].isupper()
        assert text.endswith(", as with most people)")
        assert "." not in text
    assert text.startswith("It spares you what you care little for: ")
    # Nothing in a description is a name, which would not go on in lower case.
    assert aspect.description.split()[0] not in {"I", "Monday"}


def test_a_long_talk_is_no_call_and_a_habit_no_work():
    ann = Target(kind="person", id=1, name="Ann")
    assert wording.sentence("social", ann, 60, "light") == "Give Ann a call for an hour"
    assert wording.sentence("social", ann, 120, "light") == "Chat with Ann for two hours"
    plants = Target(kind="project", id=2, name="Water the plants")
    told = wording.sentence("work", plants, 30, "deep", habit=True)
    assert told == "See to “Water the plants” for half an hour"


# --- words ---------------------------------------------------------------------------------------


@given(
    action=st.sampled_from(TYPES[1:]),
    target=st.sampled_from(
        [None, Target(kind="person", id=1, name="Ann"), Target(kind="project", id=2, name="Thesis")]
    ),
    minutes=st.sampled_from([int(each) for each in DURATIONS_MIN]),
    intensity=st.sampled_from(INTENSITIES),
    first=st.none() | st.text(min_size=1),
    style=st.builds(wording.Style, *[st.floats(-2, 2)] * 3),
    figures=st.none() | st.tuples(st.floats(-9.0, 9.0), st.floats(0.0, 1.0)),
)
def test_every_proposal_is_a_sentence(action, target, minutes, intensity, first, style, figures):
    text = wording.sentence(
        action, target, minutes, intensity, first=first, style=style, figures=figures
    )
    assert text[0].isupper()
    assert first or "{" not in text
    assert len(text) < 200
    assert length(minutes) in text
    assert text.endswith("?") is (style.diplomatic > wording.CLEAR)
    assert ("% likely" in text) is (figures is not None and style.data_driven > wording.CLEAR)
    forms = {"person": wording._WITH_PERSON, "project": wording._FOR_PROJECT}
    if target is not None and action in forms[target.kind]:
        assert target.name in text


@pytest.mark.parametrize("dimension", ["Health", "Mental State", "Physical Environment"])
def test_no_reason_speaks_of_a_dimension_it_is_to_be_silent_on(told, dimension):
    of_it = {aspect.code for aspect in catalogue.aspects() if aspect.dimension == dimension}
    for code in of_it:
        told.belief.posterior.mean[told.belief.place(code)] = 0.9
    silent = replace(told, silent_on=frozenset({dimension}))
    spoken = set()
    for kind in ("rest", "exercise", "outdoors", "reflect", "create"):
        spoken |= {one.ref for one in told.proposal(rated(kind), 0).reasons}
        made = silent.proposal(rated(kind), 0)
        assert not {one.ref for one in made.reasons} & of_it
        assert dimension.lower() not in " ".join(one.text for one in made.reasons)
        assert sum(one.weight for one in made.reasons) == pytest.approx(1.0, abs=0.15)
    assert spoken & of_it


def test_where_all_that_speaks_for_it_is_untold_no_other_reason_is_made_up(told):
    every = frozenset(aspect.dimension for aspect in catalogue.aspects())
    [only] = (
        replace(told, silent_on=every)
        .proposal(rated("exercise", parts=(0.3,) + (0.0,) * 4), 0)
        .reasons
    )
    assert only.text == BETTER_SPENT


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("VAL_GROWTH", " (twind patterns VAL_GROWTH)"),
        ("person:3", " (twind people show 3)"),
        ("project:4", ""),
    ],
)
def test_a_reason_says_where_it_can_be_put_right(ref, told):
    reason = Reason(kind="pattern", ref=ref, weight=1.0, text="because")
    said = explain._would_change(rated("rest"), (reason,))
    assert said.startswith(f"If that is not so{told}, ")


@pytest.mark.parametrize(
    ("deadline_h", "text"),
    [
        (8.9, "overdue"),
        (10.0, "due today"),
        (24.0, "due today"),
        (24.5, "due tomorrow"),
        (48.0, "due tomorrow"),
        (63.0, "due in 2 days"),
        (96.0, "due in 3 days"),
    ],
)
def test_when_something_is_due(deadline_h, text):
    assert wording.due(deadline_h, now_h=9.0) == text


@pytest.mark.parametrize(
    ("deadline_h", "text"),
    [
        (8.9, "overdue"),
        (24.0, "overdue by then"),
        (24.5, "due that day"),
        (48.0, "due that day"),
        (63.0, "due the day after"),
        (96.0, "due 2 days after that"),
    ],
)
def test_when_something_is_due_that_is_proposed_for_tomorrow(deadline_h, text):
    assert wording.due(deadline_h, 9.0, day=1) == text


def test_days_are_counted_as_people_do():
    assert wording.days_ago(0) == "within the last day"
    assert wording.days_ago(12) == "12 days ago"

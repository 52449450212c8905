"""What the user says to proposals, as evidence of worth, of willingness and of uptake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.saying import believed, evidence_keys, propose, say
from twind import evidence, overtaken, reviewed
from twind.model import Target
from twind.preferences.uptake import Uptake
from twind.store import proposals, words

# --- feedback ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "more", "up"),
    [
        ("accept", {}, True),
        ("reject", {}, False),
        ("reject", {"reason": "never"}, False),
        ("edit", {"duration_min": 90}, True),
    ],
)
def test_feedback_changes_a_pattern_and_undone_leaves_nothing(db, seeded, action, more, up):
    row = propose(seeded, {"LEA_PRACTICAL": 0.8})
    evidence.refresh(seeded)
    before, keys = believed(db), evidence_keys(db)
    say(seeded, row, action, **more)
    evidence.refresh(seeded)
    moved = believed(db)["LEA_PRACTICAL"][0] - before["LEA_PRACTICAL"][0]
    assert (moved > 0) is up
    assert abs(moved) > 1e-4
    [word] = db.rows("SELECT id FROM feedback")
    assert f"feedback:{word['id']}" in evidence_keys(db)
    say(seeded, row, "undo")
    evidence.refresh(seeded)
    assert believed(db) == before
    assert evidence_keys(db) == keys


def test_who_thinks_better_of_it_has_said_the_last_thing_only(db, seeded):
    row = propose(seeded, {"LEA_PRACTICAL": 0.8})
    say(seeded, row, "reject")
    alone = evidence.believe(seeded).mean_of("LEA_PRACTICAL")
    say(seeded, row, "undo")
    say(seeded, row, "accept")
    say(seeded, row, "reject")
    assert evidence.believe(seeded).mean_of("LEA_PRACTICAL") == pytest.approx(alone)
    say(seeded, row, "snooze", until=seeded.now)
    assert len(evidence.collect(seeded)) == 1


def test_ignored_says_little_and_withdrawn_nothing(db, seeded, clock):
    row, taken, done = (propose(seeded, {"LEA_PRACTICAL": 0.8}) for _ in range(3))
    proposals.withdraw(db, 1, [taken], overtaken.TAKEN)
    proposals.withdraw(db, 1, [done], overtaken.DONE)
    assert evidence.collect(seeded) == []
    proposals.expire(db, 1, clock.now() + timedelta(days=1))
    [silence] = evidence.collect(seeded)
    assert (silence.key, silence.source) == (f"ignored:{row}", ("recommendations", row))
    assert silence.weight <= 0.1


@pytest.mark.parametrize(("action", "up"), [("accept", True), ("reject", False)])
def test_what_was_foretold_teaches_least(seeded, action, up):
    """However sure the belief was of its worth, what counts is what the day made of it."""
    moved = []
    for odds in (-2.0, 2.0):
        foretold = {"odds": odds, "worth": 1.5, "doubt": 0.5}
        row = propose(seeded, {"LEA_PRACTICAL": 0.8}, **foretold)
        before = evidence.believe(seeded).mean_of("LEA_PRACTICAL")
        say(seeded, row, action)
        moved.append(evidence.believe(seeded).mean_of("LEA_PRACTICAL") - before)
        say(seeded, row, "undo")
    assert all((move > 0) is up for move in moved)
    assert (abs(moved[0]) > abs(moved[1])) is up


def test_withheld_reviews_are_read_by_nothing_that_is_learnt(db, seeded):
    for _ in range(10):
        foretold = {"odds": 0.0, "worth": 0.5, "doubt": 0.5}
        say(seeded, propose(seeded, {"LEA_PRACTICAL": 0.8}, **foretold), "accept")
    about = {row: said.proposal_id for row, said in reviewed.last_words(db, 1)}
    said = {*about}
    kept = {row for row in said if not reviewed.is_withheld(about[row])}
    withholding = replace(seeded, withholds=True)
    for reader, read in ((seeded, said), (withholding, kept)):
        assert {one.source[1] for one in evidence.collect(reader)} == read
        assert reviewed.willing(reader).evidence == len(read)
    assert len(kept) == 8
    strength = [evidence.believe(one).mean_of("LEA_PRACTICAL") for one in (seeded, withholding)]
    assert strength[0] > strength[1] > 0.0


def test_whoever_thinks_better_of_it_is_not_taken_at_their_first_word(seeded):
    """Neither by what is learnt, nor by what only a withheld review says."""
    rows = [propose(seeded, {"LEA_PRACTICAL": 0.8}) for _ in range(6)]
    for row in rows:
        say(seeded, row, "accept")
        say(seeded, row, "reject")
    read = evidence.collect(replace(seeded, withholds=True))
    assert len(read) == 5
    assert not any(one.likelihood.outcome for one in read)


def test_a_hundred_silences_count_no_more_than_two_noes(db, seeded, clock):
    for _ in range(100):
        propose(seeded, {"LEA_PRACTICAL": 0.8})
    proposals.expire(db, 1, clock.now() + timedelta(days=1))
    silences = evidence.collect(seeded)
    assert len(silences) == 100
    assert sum(one.weight for one in silences) < 2.0


def test_what_is_dropped_tells_neither_of_worth_nor_of_willingness(db, seeded, clock):
    spoken, silent = (propose(seeded, rehearsed=0.5, odds=0.0) for _ in range(2))
    say(seeded, spoken, "accept")
    proposals.expire(db, 1, clock.now() + timedelta(days=1))
    assert (len(evidence.collect(seeded)), reviewed.willing(seeded).evidence) == (2, 2)
    [[row, _]] = reviewed.last_words(db, 1)
    for subject in (f"feedback/{row}", f"recommendations/{silent}"):
        words.say(db, 1, "evidence", subject)
    assert evidence.collect(seeded) == []
    assert reviewed.willing(seeded).evidence == 0
    assert reviewed.uptake_of(seeded) == Uptake()


def test_an_edit_prefers_what_it_made_of_it(seeded):
    row = propose(seeded, target=Target(kind="person", id=3, name="Ann"), action="social")
    say(seeded, row, "edit", duration_min=120)
    [taken, changed] = evidence.collect(seeded)
    assert (taken.key, changed.key) == (taken.key, f"{taken.key}/edit")
    better, worse = changed.likelihood.better, changed.likelihood.worse
    assert better["person:3"] == 2.0
    assert worse["person:3"] == 1.0


def test_who_says_yes_to_all_is_not_found_to_like_it_all_the_more(seeded, clock):
    """What was accepted whatever it was tells of willingness, and less of worth."""
    believed = []
    for odds in (None, 0.0):
        rows = []
        for number in range(12):
            about = Target(kind="project", id=number, name=str(number))
            row = propose(seeded, {"LEA_PRACTICAL": 0.8}, target=about)
            if odds is not None:
                with seeded.db.transaction():
                    seeded.db.execute(
                        "UPDATE recommendations SET metadata = "
                        "json_set(metadata, '$.details.odds', ?) WHERE id = ?",
                        (odds, row),
                    )
            say(seeded, row, "accept")
            rows.append(row)
        believed.append(evidence.believe(seeded).mean_of("LEA_PRACTICAL"))
        for row in rows:
            say(seeded, row, "undo")
    assert 0.0 < believed[1] < believed[0]
    assert reviewed.willing(seeded).evidence == 0


# --- how probable a yes is -----------------------------------------------------------------------


def test_what_is_said_to_a_kind_of_proposal_tells_how_probable_a_yes_to_it_is(seeded):
    for action, word in (("rest", "reject"), ("work", "accept")):
        for _ in range(3):
            say(seeded, propose(seeded, action=action, rehearsed=0.5), word)
    told = reviewed.uptake_of(seeded)
    chances = [told.probability(one, 0.5) for one in ("rest", "create", "work")]
    assert chances == sorted(chances)
    assert chances[1] == 0.5
    assert chances[0] < 0.4
    assert chances[2] > 0.6


def test_an_older_twinds_proposals_do_not_tell_of_it(seeded):
    say(seeded, propose(seeded, action="rest"), "reject")
    assert reviewed.uptake_of(seeded) == Uptake()

"""In whose company free time is spent."""

from __future__ import annotations

import numpy as np
import pytest
from small_lives import (
    EXERCISE,
    LEARN,
    OUTDOORS,
    REST,
    SOCIAL,
    WORK,
    block,
    gain,
    history,
    learnt,
    total,
)

from twind.preferences.detectors import (
    OTHERS_WEIGHT,
    History,
    Invitation,
    company_kept,
    invitations,
    people_sought,
)

IN_COMPANY = {"activity": OUTDOORS, "people": 1, "closeness": 0.5}
IN_A_GROUP = {"activity": OUTDOORS, "people": 3, "closeness": 0.5}
ALONE = {"activity": OUTDOORS}


def walks(*people, activity=OUTDOORS, **more):
    return history(
        *(
            block(n, n, 18, 1.0, activity, people_ids=people, closeness=0.6 * bool(people), **more)
            for n in range(20)
        )
    )


def test_company_and_solitude_are_told_apart():
    gregarious, solitary = company_kept(walks(1)), company_kept(walks())
    assert gain(gregarious, IN_COMPANY, ALONE) > 0.05
    assert gain(solitary, IN_COMPANY, ALONE) < -0.05
    assert gain(company_kept(walks(1, 2, 3)), IN_A_GROUP, ALONE) > 0.05


def test_what_most_do_alone_says_less_of_solitude_when_done_alone():
    runs = gain(company_kept(walks(activity=EXERCISE)), IN_COMPANY, ALONE)
    assert gain(company_kept(walks()), IN_COMPANY, ALONE) < runs < 0.0


def test_company_that_cannot_be_otherwise_says_nothing():
    assert company_kept(walks(activity=SOCIAL)) == []
    assert company_kept(walks(activity=REST)) == []
    unnamed = block(1, 0, 18, activity=OUTDOORS, closeness=0.3)
    assert company_kept(history(unnamed)) == []
    assert company_kept(walks(own=False)) == []
    [meeting] = company_kept(history(block(1, 0, 18, activity=SOCIAL, people_ids=(1,))))
    assert len(meeting.likelihood.options) == 2


def test_who_is_sought_is_liked():
    meetings = [block(n, n, 18, 2.0, SOCIAL, people_ids=(1 if n % 5 else 2,)) for n in range(20)]
    belief = learnt(people_sought(History(tuple(meetings))))
    assert belief.mean_of("person:1") > 0 > belief.mean_of("person:2")


def test_nobody_to_choose_from_says_nothing():
    meetings = [block(n, n, 18, 2.0, SOCIAL, people_ids=(1,)) for n in range(5)]
    assert people_sought(History(tuple(meetings))) == []


def invited(accepted, count=10, activity=WORK, **more):
    more = {"own": False, "people_ids": (1,), "closeness": 0.2} | more
    return History(
        invitations=tuple(
            Invitation(block(n, n, 10, activity=activity, **more), accepted) for n in range(count)
        )
    )


MEETING = {"activity": WORK, "people": 1, "closeness": 0.2}
OWN_WORK = {"activity": WORK}


def test_who_says_no_to_meetings_would_rather_work_alone():
    yes, no = (invitations(invited(accepted)) for accepted in (True, False))
    assert gain(no, MEETING, OWN_WORK) < 0.0 < gain(yes, MEETING, OWN_WORK)
    assert -gain(no, MEETING, OWN_WORK) > 2 * gain(yes, MEETING, OWN_WORK)


def test_invitations_count_as_what_others_set_and_a_series_once():
    [one] = invitations(invited(accepted=True, count=1))
    assert one.weight == pytest.approx(OTHERS_WEIGHT)
    series = invitations(invited(accepted=True, series="weekly"))
    assert total(series) == pytest.approx(OTHERS_WEIGHT * (1 + np.log(10)))


def test_an_invitation_to_nobody_knows_what_says_nothing():
    assert invitations(invited(accepted=True, activity=None)) == []
    assert len(invitations(invited(accepted=True, activity=LEARN, people_ids=()))) == 10

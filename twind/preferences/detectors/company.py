"""In whose company free time is spent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from twind.preferences.detectors.shared import (
    FREE_TIME,
    LONGEST_H,
    REST,
    SOCIAL,
    TYPICAL_CLOSENESS,
    WORK,
    choice,
    habit_weights,
    length,
    log_rates,
    series_of,
    series_weights,
    sparse,
)
from twind.preferences.features import ACTIVITIES, GROUP_SIZE, Block
from twind.preferences.observations import Choice

if TYPE_CHECKING:
    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Features, Observation

COMPANY = ("alone", "in company", "in a group")
COMPANY_RATES = {
    "social": (0.0, 0.7, 0.3),
    "learn": (0.65, 0.15, 0.2),
    "create": (0.7, 0.15, 0.15),
    "exercise": (0.6, 0.25, 0.15),
    "outdoors": (0.45, 0.4, 0.15),
}
"""How often each is done alone, with one or two others, and in a group."""


def company_kept(history: History) -> list[Observation]:
    """Read each free-time block of the user's own as a choice of alone, in company or in a group.

    For what it was spent on, people in general choose so at rates that differ: most draw alone, and
    nobody has coffee with friends alone. It can tell who seeks company for what others do alone,
    and the other way round. It cannot tell loneliness from a taste for solitude, and sees company
    only where the source names it: the base rates are those of calendars, not of lives. Rest, which
    hardly anybody writes down unless it is shared, says nothing here.
    """
    blocks = [
        block
        for block in history.blocks
        if block.own
        and block.activity in FREE_TIME - {REST}
        and block.hours >= 0.25
        # Company whom the source does not name is neither alone nor of known size.
        and (block.people_ids or (block.activity != SOCIAL and block.closeness == 0.0))
    ]
    found = []
    for block, weight in zip(blocks, habit_weights(blocks), strict=True):
        assert block.activity is not None
        count = len(block.people_ids)
        chosen = 0 if count == 0 else 2 if count >= GROUP_SIZE else 1
        rates = COMPANY_RATES[ACTIVITIES[block.activity]]
        possible = [company for company, rate in enumerate(rates) if rate > 0.0]
        found += choice(
            "company",
            block,
            f"You spent {length(block)} on “{block.title}” {COMPANY[chosen]}",
            Choice(
                tuple(_in_company(block, company, chosen) for company in possible),
                possible.index(chosen),
                log_rates(rates[company] for company in possible),
            ),
            weight,
        )
    return found


def _in_company(block: LivedBlock, company: int, chosen: int) -> Features:
    assert block.activity is not None
    people = len(block.people_ids) if company == chosen else (0, 1, GROUP_SIZE)[company]
    closeness = block.closeness if company == chosen else TYPICAL_CLOSENESS
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            people=people,
            closeness=0.0 if company == 0 else closeness,
        )
    )


MOST_PEOPLE = 12


def people_sought(history: History) -> list[Observation]:
    """Read each meeting the user arranged with one or two people as a choice of whom to see.

    The alternatives are the other people met by choice, the twelve met most. It can tell whose
    company is sought. It cannot tell being fond of somebody from living near them, and of people
    who are missed but far away it says too little.
    """
    meetings = [
        block
        for block in history.blocks
        if block.own
        and 1 <= len(block.people_ids) < GROUP_SIZE
        and block.activity in FREE_TIME
        and block.hours >= 0.25
    ]
    met = Counter(person for block in meetings for person in block.people_ids)
    candidates = sorted(sorted(met), key=lambda person: -met[person])[:MOST_PEOPLE]
    if len(candidates) < 2:
        return []
    weights = series_weights(meetings)
    found = []
    for block in meetings:
        hours = min(block.hours, LONGEST_H)
        for person in block.people_ids:
            if person not in candidates:
                continue
            options = tuple({f"person:{other}": hours} for other in candidates)
            found += choice(
                f"person:{person}",
                block,
                f"You arranged “{block.title}”",
                Choice(options, candidates.index(person)),
                weights[series_of(block)] / len(block.people_ids),
                told=(f"person:{person}",),
            )
    return found


ANSWER_RATES = (0.15, 0.85)
"""How often invitations that are answered are declined, and how often accepted."""


def invitations(history: History) -> list[Observation]:
    """Read each answer to somebody else's invitation as a choice of company or of time alone.

    Instead of a meeting at work there would have been work alone, instead of any other rest alone;
    nearly everybody says yes nearly always, so that a yes says little and a no more, and either
    counts as what others set does. It can tell who keeps time free of meetings when asked. It
    cannot tell a meeting that may be missed from one that may not, a no for lack of interest from
    one for lack of time, nor what a silence means: only answers count.
    """
    known = [one for one in history.invitations if one.block.activity is not None]
    weights = series_weights(one.block for one in known)
    found = []
    for one in known:
        found += choice(
            "invited",
            one.block,
            f"You {('declined', 'accepted')[one.accepted]} “{one.block.title}”",
            Choice(_stay_or_go(one.block), int(one.accepted), log_rates(ANSWER_RATES)),
            weights[series_of(one.block)],
        )
    return found


def _stay_or_go(block: LivedBlock) -> tuple[Features, Features]:
    assert block.activity is not None
    hours, hour = min(block.hours, LONGEST_H), block.middle_h
    alone = Block(activity=WORK if block.activity == WORK else REST, hours=hours, hour=hour)
    together = Block(
        activity=block.activity,
        hours=hours,
        hour=hour,
        people=max(1, len(block.people_ids)),
        closeness=block.closeness,
    )
    return sparse(alone), sparse(together)

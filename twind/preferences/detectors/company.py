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
    choice,
    length,
    log_rates,
    series_of,
    series_weights,
    sparse,
)
from twind.preferences.features import GROUP_SIZE, Block
from twind.preferences.observations import Choice

if TYPE_CHECKING:
    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Observation

COMPANY = ("alone", "with company", "in a group")
COMPANY_RATES = (0.3, 0.5, 0.2)


def company_kept(history: History) -> list[Observation]:
    """Read each free-time block of the user's own as a choice of alone, in company or in a group.

    It can tell who seeks company when free to choose. It cannot tell loneliness from a taste for
    solitude, and time alone is rarely put into a calendar: the base rates are those of calendars,
    not of lives.
    """
    blocks = [
        block
        for block in history.blocks
        if block.own and block.activity in FREE_TIME and block.hours >= 0.25
    ]
    weights = series_weights(blocks)
    found = []
    for block in blocks:
        count = len(block.people_ids)
        if count == 0 and block.activity == SOCIAL:
            continue  # Company whom the source does not name: neither alone nor of known size.
        chosen = 0 if count == 0 else 2 if count >= GROUP_SIZE else 1
        options = tuple(_in_company(block, company, chosen) for company in range(len(COMPANY)))
        found += choice(
            "company",
            block,
            f"You spent {length(block)} on “{block.title}” {COMPANY[chosen]}",
            Choice(options, chosen, log_rates(COMPANY_RATES)),
            weights[series_of(block)],
        )
    return found


def _in_company(block: LivedBlock, company: int, chosen: int) -> dict[str, float]:
    assert block.activity is not None
    alone = company == 0
    people = len(block.people_ids) if company == chosen else (0, 1, GROUP_SIZE)[company]
    closeness = block.closeness if company == chosen else TYPICAL_CLOSENESS
    return sparse(
        Block(
            activity=REST if alone and block.activity == SOCIAL else block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            people=people,
            closeness=0.0 if alone else closeness,
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

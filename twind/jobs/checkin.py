"""Ask how the user's energy is, as long as that teaches something and somebody answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from twind import messages
from twind.clock import local_midnight
from twind.store import checkins, outbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from twind.jobs.work import Work

PREFIX = "checkin:"
ENOUGH, ENOUGH_FOR = 60, timedelta(days=120)
"""From so many check-ins on in that time, another one changes hardly anything."""
UNANSWERED = 3
"""Whoever has left so many questions in a row unanswered does not want a daily one."""
SELDOM_DAYS = 7
"""How often is asked then: people change, and may change their mind."""


def run(work: Work) -> dict[str, Any]:
    """Queue the question of args["day"] (ISO), unless there is a reason not to.

    Returns {"asked": bool, "because": why not, or None, "then": the jobs that deliver it}.
    """
    day = date.fromisoformat(work.args["day"])
    now = work.clock.now()
    given = [one.at for one in checkins.load(work.db, work.profile_id, since=now - ENOUGH_FOR)]
    asked = outbox.reached(work.db, work.profile_id, PREFIX)
    since = local_midnight(day, work.settings.zone)
    because = (
        messages.disturbs(work.db, work.profile_id, now)
        or ("it is told already" if any(at >= since for at in given) else None)
        or rests(asked, given, since)
    )
    with work.db.transaction():
        if because is None:
            question = messages.of_checkin(now)
            outbox.put(work.db, work.profile_id, f"{PREFIX}{day.isoformat()}", question)
        return work.finish(
            {
                "asked": because is None,
                "because": because,
                "then": ["notify"] if because is None else [],
            }
        )


def rests(asked: Sequence[datetime], given: Sequence[datetime], midnight: datetime) -> str | None:
    """Say why the question rests today; None where it is worth its while.

    asked, given: when it was asked, and when the user checked in of late, both in order. midnight:
    when the day began.
    """
    if not asked or midnight - asked[-1] >= timedelta(days=SELDOM_DAYS - 1):
        return None
    if len(given) >= ENOUGH:
        return "enough is known for now"
    last = asked[-UNANSWERED:]
    if len(last) == UNANSWERED and not any(at >= last[0] for at in given):
        return "the last questions were not answered"
    return None

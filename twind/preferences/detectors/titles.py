"""What a title is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from twind.preferences.detectors.shared import REST, SOCIAL, WORK
from twind.preferences.features import ACTIVITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYWORDS: dict[str, str] = {
    "rest": "nap rest relax break movie film tv netflix bath spa sauna massage holiday vacation "
    "pause kino",
    "work": "work meeting standup sprint review retro deploy release client customer report "
    "presentation interview sync budget invoice planning deadline office workshop 1:1 1on1 "
    "besprechung réunion",
    "social": "coffee lunch dinner brunch drinks beer party birthday wedding date visit barbecue "
    "bbq hangout pub geburtstag anniversaire family friends",
    "learn": "learn study course class lecture lesson tutorial reading read exam seminar spanish "
    "german french english language webinar kurs cours",
    "create": "write writing draw drawing paint painting music guitar piano sketch photography "
    "blog novel pottery knitting choir band compose craft",
    "exercise": "run running gym workout yoga swim swimming cycling bike football tennis climbing "
    "bouldering pilates training jog jogging fitness badminton basketball volleyball",
    "outdoors": "walk walking hike hiking park garden gardening picnic forest beach camping "
    "wandern spaziergang randonnée",
    "reflect": "meditate meditation journal journaling reflect prayer church mass mosque synagogue "
    "therapy mindfulness",
    "help": "volunteer volunteering babysit babysitting help helping mentor mentoring donate "
    "charity",
    "plan": "plan tidy declutter taxes errands groceries inbox weekly-review",
}
"""Words of titles and categories, by activity. Small and plain on purpose: what is not in it stays
unclassified, and a title that two activities claim does too."""

_ACTIVITY_OF = {
    word: ACTIVITIES.index(name) for name, words in KEYWORDS.items() for word in words.split()
}
_MEALS = frozenset(("coffee", "lunch", "dinner", "brunch"))


def classify(title: str, people: int = 0, categories: Sequence[str] = ()) -> int | None:
    """Return the activity a title speaks of, an index into ACTIVITIES; None when it is not clear.

    Categories are asked first. Two activities named in one title are unclear, but for "meeting",
    "planning" and other words of work, which give way to what the work is about. A meal is social
    only in company (`people` > 0) or where the title says with whom; alone it is rest.
    """
    for category in categories:
        if (known := _named(category)) is not None:
            return known
    named = _named(title)
    words = set(re.findall(r"\w+", title.casefold()))
    alone = people == 0 and not words & {"with", "mit", "avec"}
    return REST if named == SOCIAL and alone and words & _MEALS else named


def _named(text: str) -> int | None:
    words = re.findall(r"[\w:'-]+", text.casefold())
    found = {
        _ACTIVITY_OF[form]
        for word in words
        for form in (word, word.strip("':-"))
        if form in _ACTIVITY_OF
    }
    if len(found) > 1:
        found.discard(WORK)
    return found.pop() if len(found) == 1 else None

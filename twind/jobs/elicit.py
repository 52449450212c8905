"""Choose the question worth asking now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind import asking

if TYPE_CHECKING:
    from twind.jobs.work import Work


def run(work: Work) -> dict[str, Any]:
    """Return {"id", "text", "kind", "options": [{"id", "text"}], "silent_because"}.

    Without a question worth asking, or after as many as a day may have, `id` is None and
    `silent_because` says why; the argument `more` lifts the limit.
    """
    reader = work.reader()
    most = work.settings.questions.per_day
    if not work.args.get("more") and asking.asked_today(reader) >= most:
        return _silent(f"you have had as many as a day may have ({most}); twind ask --more goes on")
    asking.seed(reader)
    chosen = asking.next_question(reader)
    if chosen.best is None:
        return _silent(chosen.reason)
    question = chosen.best.question
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind,
        "options": [{"id": option.id, "text": option.text} for option in question.options],
        "asked_because": chosen.reason,
    }


def _silent(because: str) -> dict[str, Any]:
    return {"id": None, "text": None, "options": [], "silent_because": because}

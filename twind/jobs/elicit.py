"""Choose the question worth asking now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind import evidence

if TYPE_CHECKING:
    from twind.jobs.work import Work


def run(work: Work) -> dict[str, Any]:
    """Return {"id", "text", "kind", "options": [{"id", "text"}], "silent_because"}.

    Without a question worth asking, `id` is None and `silent_because` says why.
    """
    reader = work.reader()
    evidence.seed(reader)
    chosen = evidence.next_question(reader)
    if chosen.best is None:
        return {"id": None, "text": None, "options": [], "silent_because": chosen.reason}
    question = chosen.best.question
    return {
        "id": question.id,
        "text": question.text,
        "kind": question.kind,
        "options": [{"id": option.id, "text": option.text} for option in question.options],
        "asked_because": chosen.reason,
    }

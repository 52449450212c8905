"""`twind ask`: one question at a time, the one that would teach most about what to propose."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from twind.cli.output import say
from twind.cli.parser import id_of
from twind.cli.processes import run_job
from twind.cli.proposals import UsageError
from twind.cli.session import Session, interactive, opened
from twind.clock import monotonic_s
from twind.errors import NotFoundError
from twind.store import questions

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

NO_OPTION: dict[str, questions.ResponseType] = {"skip": "skipped", "dont_care": "dont_care"}


def ask(arguments: argparse.Namespace, out: Output) -> int:
    """Ask, or take an answer."""
    with opened(arguments) as session:
        if arguments.back:
            return _back(session, out)
        if arguments.answer is not None:
            return _take(session, arguments.answer, out)
        if interactive() and not out.as_json:
            return _dialogue(session, more=arguments.more)
        question = _next(session, more=arguments.more)
    return out.done(question, _text(question))


def _next(session: Session, *, more: bool) -> dict[str, Any]:
    return run_job(session.home, "elicit", {"more": more})


def _text(question: dict[str, Any]) -> str:
    if question["id"] is None:
        return f"No question: {question['silent_because']}."
    options = [f"  {option['id']}) {option['text']}" for option in question["options"]]
    hint = f"Answer with: twind ask --answer {question['id']}=OPTION"
    return "\n".join([question["text"], *options, hint])


def _take(session: Session, answer: str, out: Output) -> int:
    question, _, option = answer.partition("=")
    try:
        asked = id_of(question, "question")
        chosen = None if option in NO_OPTION else id_of(option, "option")
    except ValueError:
        raise UsageError(
            f'--answer "{answer}": write QUESTION=OPTION, two numbers, or QUESTION=skip, '
            "QUESTION=dont_care"
        ) from None
    response = questions.answer(
        session.db,
        session.profile_id,
        asked,
        chosen,
        NO_OPTION.get(option, "selected"),
    )
    return out.done({"response": response, "question": asked, "option": chosen}, "noted")


def _back(session: Session, out: Output) -> int:
    given = questions.responses(session.db, session.profile_id)
    if not given:
        raise NotFoundError("there is no answer to take back")
    questions.take_back(session.db, session.profile_id, given[-1].id)
    return out.done({"taken_back": given[-1].id}, "taken back")


def _dialogue(session: Session, *, more: bool) -> int:
    session_id = str(uuid.uuid4())
    given: list[tuple[int, dict[str, Any]]] = []
    again: dict[str, Any] | None = None
    say("Type a number; s skips, d means you don't care, b goes back, q ends.\n")
    while True:
        question = again or _next(session, more=more)
        again = None
        if question["id"] is None:
            say(f"That is all for now: {question['silent_because']}.")
            return 0
        said, took_ms = _prompt(question, can_go_back=bool(given))
        if said == "q":
            return 0
        if said == "b":
            response, again = given.pop()
            questions.take_back(session.db, session.profile_id, response)
            continue
        option = None if said in "sd" else question["options"][int(said) - 1]["id"]
        kind: questions.ResponseType = (
            "skipped" if said == "s" else "dont_care" if said == "d" else "selected"
        )
        response = questions.answer(
            session.db,
            session.profile_id,
            question["id"],
            option,
            kind,
            response_time_ms=took_ms,
            session_id=session_id,
        )
        given.append((response, question))


def _prompt(question: dict[str, Any], *, can_go_back: bool) -> tuple[str, int]:
    say(question["text"])
    for number, option in enumerate(question["options"], 1):
        say(f"  {number}) {option['text']}")
    allowed = {str(number) for number in range(1, len(question["options"]) + 1)} | set("sdq")
    began = monotonic_s()
    while True:
        try:
            said = input("> ").strip().lower()
        except EOFError:
            said = "q"
        if said in allowed or (said == "b" and can_go_back):
            say("")
            return said, round((monotonic_s() - began) * 1000)
        say("Please type a number, s, d, b or q.")

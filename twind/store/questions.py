"""Dimensions, questions, and what the user answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twind.errors import NotFoundError
from twind.model import Option, Question
from twind.store import words
from twind.store.connection import from_json, to_json
from twind.store.life import read_number, read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from sqlite3 import Row

    from twind.store.connection import Store

ResponseType = Literal["selected", "dont_care", "skipped"]
DEFAULT_EFFORT_S = 10.0


@dataclass(frozen=True, slots=True)
class Response:
    """One answer as it was given; `option_id` is None unless an option was selected."""

    id: int
    question_id: int
    option_id: int | None
    response_type: ResponseType
    confidence: float
    at: datetime | None


def seed_dimension(db: Store, name: str, description: str) -> int:
    """Return the id of a dimension, making it where it does not exist."""
    found = db.value("SELECT id FROM dimensions WHERE name = ?", (name,))
    if found is not None:
        return int(found)
    return db.insert("dimensions", name=name, weight=1.0, description=description, metadata="{}")


def seed_aspect(
    db: Store,
    dimension_id: int,
    name: str,
    code: str,
    description: str,
    *,
    observable: bool = True,
) -> int:
    """Return the id of an aspect, making it where it does not exist.

    One made elsewhere is recognised by its code; one without a code by its name within the
    dimension, and gains the code. observable: whether anything but answers tells of it.
    """
    found = db.value(
        "SELECT id FROM aspects WHERE code = ? OR (COALESCE(code, '') = '' "
        "AND dimension_id = ? AND lower(replace(name, ' ', '_')) = ?) ORDER BY code = ? DESC",
        (code, dimension_id, name, code),
    )
    if found is not None:
        db.execute(
            "UPDATE aspects SET code = ? WHERE id = ? AND COALESCE(code, '') = ''", (code, found)
        )
        _mark(db, int(found), observable=observable)
        return int(found)
    return db.insert(
        "aspects",
        dimension_id=dimension_id,
        name=name,
        code=code,
        description=description,
        metadata=to_json({"observable": observable}),
    )


def _mark(db: Store, aspect_id: int, *, observable: bool) -> None:
    """Note in an aspect's metadata whether anything but answers tells of it."""
    about = from_json(db.value("SELECT metadata FROM aspects WHERE id = ?", (aspect_id,)))
    if about.get("observable") is not observable:
        about["observable"] = observable
        db.execute("UPDATE aspects SET metadata = ? WHERE id = ?", (to_json(about), aspect_id))


def put(
    db: Store,
    *,
    profile_id: int | None,
    text: str,
    kind: str,
    dimension_id: int | None,
    difficulty: int,
    engagement: float,
    effort_s: float,
    options: Sequence[tuple[str, Mapping[str, float]]],
    aspect_ids: Mapping[str, int],
) -> int:
    """Return the id of the question with this text, making it where it does not exist.

    `options` are (text, features); a feature is an aspect's code, or "person:ID", "project:ID".
    """
    found = db.row("SELECT id, profile_id, metadata FROM questions WHERE text = ?", (text,))
    if found is not None:
        if found["profile_id"] == profile_id:
            _renew(db, found, effort_s, options, aspect_ids)
        return int(found["id"])
    question_id = db.insert(
        "questions",
        profile_id=profile_id,
        text=text,
        question_type=kind,
        difficulty_level=difficulty,
        engagement_factor=engagement,
        primary_dimension_id=dimension_id,
        metadata=to_json({"effort_s": effort_s}),
        active=1,
        times_asked=0,
        created_at=db.now(),
    )
    for order, (label, features) in enumerate(options):
        db.insert(
            "answer_options",
            question_id=question_id,
            text=label,
            option_order=order,
            **_spoken_for(features, aspect_ids),
        )
    return question_id


def _spoken_for(features: Mapping[str, float], aspect_ids: Mapping[str, int]) -> dict[str, Any]:
    """Return the columns of an option that say what choosing it speaks for."""
    main = max(features, key=lambda code: abs(features[code]), default=None)
    return {
        "aspect_id": aspect_ids.get(main) if main else None,
        "weight": features[main] if main else 0.0,
        "metadata": to_json({"features": dict(features)}),
    }


def _renew(
    db: Store,
    question: Row,
    effort_s: float,
    options: Sequence[tuple[str, Mapping[str, float]]],
    aspect_ids: Mapping[str, int],
) -> None:
    """Let a question that is there already speak of what it speaks of now, and wake it.

    Whoever left and came back under their name has another row, and the answers mean them still:
    the text names them. Nobody else ever has the row that was theirs.
    """
    about = from_json(question["metadata"])
    if "effort_s" not in about:
        return  # it was made elsewhere
    if question["profile_id"] is not None:  # whoever puts away one for all means it
        db.execute("UPDATE questions SET active = 1 WHERE id = ? AND active = 0", (question["id"],))
    told = to_json({**about, "effort_s": effort_s})
    db.execute(
        "UPDATE questions SET metadata = ? WHERE id = ? AND metadata IS NOT ?",
        (told, question["id"], told),
    )
    now = {label: _spoken_for(features, aspect_ids) for label, features in options}
    for row in db.rows(
        "SELECT id, text, metadata FROM answer_options WHERE question_id = ?", (question["id"],)
    ):
        if row["text"] in now and row["metadata"] != now[row["text"]]["metadata"]:
            db.execute(
                "UPDATE answer_options SET aspect_id = :aspect_id, weight = :weight, "
                "metadata = :metadata WHERE id = :id",
                {**now[row["text"]], "id": row["id"]},
            )


def retire(db: Store, profile_id: int | None, keep: Iterable[str]) -> None:
    """Put away the generated questions of a profile, or the bank's (None), that are not in `keep`.

    `keep` are texts. One that was answered is only deactivated: its answer still needs it.
    """
    kept = set(keep)
    for row in db.rows(
        "SELECT id, text, metadata, EXISTS (SELECT 1 FROM responses r WHERE r.question_id = q.id) "
        "AS answered FROM questions q WHERE profile_id IS ? AND active = 1",
        (profile_id,),
    ):
        if row["text"] in kept or "effort_s" not in from_json(row["metadata"]):
            continue
        if row["answered"]:
            db.execute("UPDATE questions SET active = 0 WHERE id = ?", (row["id"],))
        else:
            db.execute("DELETE FROM answer_options WHERE question_id = ?", (row["id"],))
            db.execute("DELETE FROM questions WHERE id = ?", (row["id"],))


def load(db: Store, profile_id: int, *, active: bool = True) -> list[Question]:
    """Return the questions that could be asked, or (`active=False`) all there ever were."""
    rows = db.rows(
        "SELECT q.id, q.text, q.question_type, q.metadata, o.id AS option_id, o.text AS label, "
        "o.weight, o.metadata AS about, a.code FROM questions q "
        "JOIN answer_options o ON o.question_id = q.id LEFT JOIN aspects a ON a.id = o.aspect_id "
        "WHERE (q.profile_id IS NULL OR q.profile_id = ?) AND (? OR COALESCE(q.active, 1) != 0) "
        "ORDER BY q.id, o.option_order, o.id",
        (profile_id, not active),
    )
    grouped: dict[int, tuple[Any, list[Option]]] = {}
    for row in rows:
        features = from_json(row["about"]).get("features")
        if not isinstance(features, dict):
            weight = read_number(row["weight"])
            features = {row["code"]: 1.0 if weight is None else weight} if row["code"] else {}
        option = Option(row["option_id"], row["label"], features)
        grouped.setdefault(row["id"], (row, []))[1].append(option)
    return [
        Question(
            row["id"],
            row["text"],
            row["question_type"],
            tuple(options),
            read_number(from_json(row["metadata"]).get("effort_s")) or DEFAULT_EFFORT_S,
        )
        for row, options in grouped.values()
    ]


def responses(db: Store, profile_id: int) -> list[Response]:
    """Return all answers of a profile, oldest first."""
    rows = db.rows(
        "SELECT id, question_id, answer_option_id, response_type, confidence_level, created_at "
        "FROM responses WHERE profile_id = ? ORDER BY id",
        (profile_id,),
    )
    return [
        Response(
            row["id"],
            row["question_id"],
            row["answer_option_id"],
            row["response_type"] or "selected",
            1.0 if (sure := read_number(row["confidence_level"])) is None else sure,
            read_time(row["created_at"]),
        )
        for row in rows
    ]


def answer(
    db: Store,
    profile_id: int,
    question_id: int,
    option_id: int | None,
    response_type: ResponseType = "selected",
    *,
    response_time_ms: int | None = None,
    session_id: str | None = None,
) -> int:
    """Keep an answer and return its id. Raises NotFoundError for an unknown question or option."""
    with db.transaction():
        text = db.value(
            "SELECT text FROM questions WHERE id = ? AND (profile_id IS NULL OR profile_id = ?)",
            (question_id, profile_id),
        )
        if text is None:
            raise NotFoundError(f"there is no question {question_id}")
        if option_id is not None and not db.value(
            "SELECT EXISTS (SELECT 1 FROM answer_options WHERE id = ? AND question_id = ?)",
            (option_id, question_id),
        ):
            raise NotFoundError(f"question {question_id} has no option {option_id}")
        response_id = db.insert(
            "responses",
            profile_id=profile_id,
            question_id=question_id,
            answer_option_id=option_id,
            response_type=response_type,
            response_time_ms=response_time_ms,
            confidence_level=1.0,
            created_at=db.now(),
            session_id=session_id,
            metadata="{}",
        )
        db.execute(
            "UPDATE questions SET times_asked = COALESCE(times_asked, 0) + 1 WHERE id = ?",
            (question_id,),
        )
        _count(db, profile_id)
        return response_id


def take_back(db: Store, profile_id: int, response_id: int) -> None:
    """Remove an answer. Raises NotFoundError if there is none of that id."""
    with db.transaction():
        question_id = db.value(
            "SELECT question_id FROM responses WHERE id = ? AND profile_id = ?",
            (response_id, profile_id),
        )
        if question_id is None:
            raise NotFoundError(f"there is no answer {response_id}")
        db.execute("DELETE FROM responses WHERE id = ?", (response_id,))
        # What was said of it goes with it.
        words.take_back(db, profile_id, ("evidence",), words.origin(("responses", response_id), {}))
        db.execute(
            "UPDATE questions SET times_asked = MAX(0, COALESCE(times_asked, 0) - 1) WHERE id = ?",
            (question_id,),
        )
        _count(db, profile_id)


def erase(
    db: Store,
    profile_id: int,
    refs: Collection[str],
    mentions: Callable[[str], bool] = lambda _: False,
) -> int:
    """Delete the generated questions about somebody or something; return how many were answered.

    refs: "person:3", "project:7"; mentions: whether a text names it.
    """
    answers = 0
    with db.transaction():
        for row in db.rows("SELECT id, text FROM questions WHERE profile_id = ?", (profile_id,)):
            options = db.rows(
                "SELECT text, metadata FROM answer_options WHERE question_id = ?", (row["id"],)
            )
            speaks_of = {
                name
                for option in options
                for name in from_json(option["metadata"]).get("features", ())
            }
            if speaks_of.isdisjoint(refs) and not any(
                mentions(text) for text in (row["text"], *(option["text"] for option in options))
            ):
                continue
            answers += _take_all_back(db, profile_id, row["id"])
            db.execute("DELETE FROM answer_options WHERE question_id = ?", (row["id"],))
            db.execute("DELETE FROM questions WHERE id = ?", (row["id"],))
    return answers


def forget_answers(db: Store, profile_id: int, dimension_id: int) -> int:
    """Delete all answers to the questions of a dimension; return how many there were."""
    rows = db.rows("SELECT id FROM questions WHERE primary_dimension_id = ?", (dimension_id,))
    with db.transaction():
        return sum(_take_all_back(db, profile_id, row["id"]) for row in rows)


def _take_all_back(db: Store, profile_id: int, question_id: int) -> int:
    given = db.rows(
        "SELECT id FROM responses WHERE profile_id = ? AND question_id = ?",
        (profile_id, question_id),
    )
    for row in given:
        take_back(db, profile_id, row["id"])
    return len(given)


def _count(db: Store, profile_id: int) -> None:
    db.execute(
        "UPDATE profile SET updated_at = ?, total_responses = (SELECT COUNT(*) FROM responses "
        "WHERE profile_id = profile.id) WHERE id = ?",
        (db.now(), profile_id),
    )

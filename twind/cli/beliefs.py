"""`twind patterns`: what twind believes of its user, how sure it is, from what; and their word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.output import told_withdrawn
from twind.cli.proposals import UsageError
from twind.cli.session import Session, opened
from twind.clock import day_of, format_utc
from twind.plaintext import counted
from twind.store import erased, ownership, people, words
from twind.store import patterns as kept

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from twind.cli.output import Output

HALF_BAR = 8
KNOWN_FROM = 0.05
"""Below this confidence an aspect is as good as unknown, and not listed unless asked for."""
SAID: dict[str, str] = {
    "wrong": "what was known of it up to {at} does not count, what comes later does",
    "forget": "nothing is believed of it, whatever comes",
    "set": "set by you on {at}, and what comes later can move it",
    "pin": "pinned by you on {at}, whatever comes",
}
"""What a word on an aspect means, as the user is told."""
SPEAKS = {1: "+", -1: "-", 0: "±", None: " "}
"""Which way a piece of evidence moves what is believed of an aspect, as its row shows it."""
MARKS = {"wrong": "begun anew", "forget": "forgotten", "set": "set by you", "pin": "pinned by you"}
UNOBSERVED = "twind cannot observe this: only your answers tell of it"


def patterns(arguments: argparse.Namespace, out: Output) -> int:
    """Report all patterns, or one with the evidence behind it; or take the user's word on them."""
    with opened(arguments) as session:
        if arguments.said:
            return _said(session, out)
        if arguments.drop is not None or arguments.restore is not None:
            return _change(session, arguments, out)
        done = _take(session, arguments)
        session.refresh()
        rows = _rows(session)
        if arguments.code is not None:
            code = ownership.aspect(session.db, session.profile_id, arguments.code).code
            [row] = [row for row in rows if row["code"] == code]
            return _one(session, row, done, out)
    if out.as_json:
        return out.done({"patterns": rows})
    return _show(rows, everything=arguments.all)


def _rows(session: Session) -> list[dict[str, Any]]:
    said = {
        word.subject: {"kind": word.kind, "value": word.value, "at": format_utc(word.at)}
        for word in words.load(session.db, session.profile_id)
        if word.kind in words.ASPECT_KINDS
    }
    return [
        {
            "dimension": pattern.dimension,
            "aspect": pattern.aspect,
            "code": pattern.code,
            "strength": pattern.strength,
            "confidence": pattern.confidence,
            "evidence_count": pattern.evidence_count,
            "impact": pattern.impact,
            "observable": pattern.observable,
            "said": said.get(pattern.code),
        }
        for _, pattern in kept.load(session.db, session.profile_id)
    ]


# --- the user's word ------------------------------------------------------------------------------


def _change(session: Session, arguments: argparse.Namespace, out: Output) -> int:
    """Drop a piece of evidence, or take back what was said."""
    db, profile_id = session.db, session.profile_id
    if arguments.code is not None:
        raise UsageError("--drop and --restore name what they mean themselves: no CODE before")
    if (name := arguments.drop) is not None:
        session.refresh()
        text = ownership.drop(db, profile_id, name)
        data: dict[str, Any] = {"dropped": name, "text": text}
        told = f"Dropped: {text} (twind patterns --restore {name})"
    else:
        taken = ownership.restore(db, profile_id, arguments.restore)
        erased.keep(db, session.home)
        data = {"restored": _shapes(session, taken)}
        told = "\n".join(f"Taken back: {word.kind} {word.text}" for word in taken)
    session.refresh()
    return out.done(data, told)


def _take(session: Session, arguments: argparse.Namespace) -> dict[str, Any]:
    """Take the user's word on an aspect, if there is one, and return what came of it."""
    kind, value = _word_on_aspect(arguments)
    if kind is None:
        return {}
    if arguments.code is None:
        raise UsageError(f"--{kind} is said of one aspect: twind patterns CODE --{kind}")
    session.refresh()
    withdrawn = ownership.say(session.db, session.profile_id, kind, arguments.code, value)
    return {"withdrawn": withdrawn}


def _word_on_aspect(arguments: argparse.Namespace) -> tuple[words.Kind | None, float | None]:
    if arguments.wrong:
        return "wrong", None
    if arguments.forget:
        return "forget", None
    if arguments.set is not None:
        return "set", arguments.set
    return (None, None) if arguments.pin is None else ("pin", arguments.pin)


def _shapes(session: Session, said: Iterable[words.Word]) -> list[dict[str, Any]]:
    """Return words as JSON, each with the command that takes it back."""
    known = people.known(session.db, session.profile_id)
    ids = {f"{source}:{uid}": one.id for one in known for source, uid in one.records}
    return [
        {
            "kind": word.kind,
            "subject": word.subject,
            "value": word.value,
            "text": word.text,
            "at": format_utc(word.at),
            "back": _back(word, ids),
        }
        for word in said
    ]


def _back(word: words.Word, people_ids: Mapping[str, int]) -> str | None:
    """Return the command that takes a word back; None for somebody whom no source has any more."""
    match word.kind:
        case "person":
            known = people_ids.get(word.subject)
            return None if known is None else f"twind people restore {known}"
        case "source":
            return f"twind plugins restore {word.subject}"
        case "evidence":
            return f"twind patterns --restore {words.short(word.subject)}"
    return f"twind patterns --restore {word.subject}"


def _said(session: Session, out: Output) -> int:
    """List the words that stand, with the way back."""
    shapes = _shapes(session, words.load(session.db, session.profile_id))
    lines = [
        f"{day_of(one['at'], session.settings.zone)}  {one['kind']:<9}{_value(one['value'])}"
        f"{one['text'] or one['subject']}  ({one['back'] or 'no source has them any more'})"
        for one in shapes
    ]
    return out.done({"words": shapes}, "\n".join(lines) or "you have said nothing of it yet")


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}  "


# --- what is shown --------------------------------------------------------------------------------


def _one(session: Session, row: dict[str, Any], done: dict[str, Any], out: Output) -> int:
    code, zone = row["code"], session.settings.zone
    evidence = kept.evidence_for(session.db, session.profile_id, code, limit=50)
    described = kept.describe(session.db, code)
    lines = [f"{row['dimension']}: {row['aspect'].replace('_', ' ')} — {described}", _line(row)]
    if said := row["said"]:
        meant = SAID[said["kind"]].format(at=day_of(said["at"], zone))
        withdrawn = told_withdrawn(done.get("withdrawn", 0))
        lines.append(f"  {meant}{withdrawn} (twind patterns --restore {code})")
    if not row["observable"]:
        lines.append(f"  {UNOBSERVED}")
    lines += [
        f"  {one['evidence']}  {day_of(one['at'], zone)}  {SPEAKS[one['direction']]}  {one['text']}"
        for one in evidence
    ]
    if evidence:
        lines.append(f"  not so? twind patterns {code} --wrong; one of these: --drop ID")
    elif not said:
        lines.append("  no evidence yet: this is what twind assumes of anybody")
    data = {**row, "description": described, "evidence": evidence, **done}
    return out.done(data, "\n".join(lines))


def _show(rows: Iterable[dict[str, Any]], *, everything: bool) -> int:
    from rich.console import Console
    from rich.text import Text

    from twind.plaintext import shown

    console = Console()
    unknown = forgotten = unobserved = 0
    dimension = None
    for row in rows:
        if row["said"] and row["said"]["kind"] == "forget" and not everything:
            forgotten += 1
            continue
        if row["confidence"] < KNOWN_FROM and not everything:
            unknown += 1
            continue
        if row["dimension"] != dimension:
            dimension = row["dimension"]
            console.print(Text(shown(dimension), style="bold"))
        unobserved += not row["observable"]
        style = "dim" if row["confidence"] < 0.2 else ""
        console.print(Text(shown(_line(row)), style=style), soft_wrap=True)
    if unobserved:
        console.print(Text("* twind cannot observe these: only your answers tell", style="dim"))
    if unknown:
        told = f"{counted(unknown, 'aspect')} it knows nothing of yet (--all)"
        console.print(Text(told, style="dim"))
    if forgotten:
        console.print(Text(f"{forgotten} that you have had it forget (--all)", style="dim"))
    return 0


def _line(row: dict[str, Any]) -> str:
    """Return a pattern as a bar from -1 to 1 around its middle, with numbers, code and mark."""
    filled = round(min(1.0, abs(row["strength"])) * HALF_BAR)
    left = ("█" * filled if row["strength"] < 0 else "").rjust(HALF_BAR)
    right = ("█" * filled if row["strength"] >= 0 else "").ljust(HALF_BAR)
    name = row["aspect"].replace("_", " ") + ("" if row["observable"] else " *")
    mark = f"  {MARKS[row['said']['kind']]}" if row["said"] else ""
    return (
        f"  {name:<18}{left}│{right} {row['strength']:+.2f}  sure {row['confidence']:>4.0%}"
        f"  from {row['evidence_count']:<4} {row['code']}{mark}"
    )

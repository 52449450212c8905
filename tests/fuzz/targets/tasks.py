"""Task lists: todo.txt, org-mode, Taskwarrior and iCalendar's."""

from __future__ import annotations

from plugins import tasks
from plugins.tasks import org, taskwarrior, todotxt, vtodo
from targets import Target
from targets.calendars import WORDS as ICAL_WORDS
from targets.shared import HERE, Facts, context, exhaust
from twind.api import RecordError, SourceFile

TODOTXT = b"""(A) 2026-03-01 Call @bob about the +budget due:2026-03-05 t:2026-03-02 est:1h30
x 2026-03-02 2026-03-01 Water plants rec:+1w due:2026-03-02 pri:B
Water plants rec:+1w due:2026-03-09
h:1 hidden id:7
"""
ORG = b"""#+TODO: TODO NEXT | DONE KILLED
#+FILETAGS: :home:
* Project :work:
** TODO [#A] Task
   SCHEDULED: <2026-03-02 Mon .+1d/3d> DEADLINE: <2026-03-05 Thu 10:00 ++1w>
   :PROPERTIES:
   :ID: x
   :EFFORT: 1:30
   :ARCHIVE_OLPATH: a/b
   :END:
   :LOGBOOK:
   CLOCK: [2026-03-01 Sun 10:00]--[2026-03-01 Sun 11:00] =>  1:00
   - State "DONE"       from "TODO"       [2026-03-01 Sun 10:00]
   - Rescheduled from "[2026-03-01 Sun]" on [2026-03-02 Mon 09:00]
   :END:
   Some /text/ with [[https://example.org][a link]].
** DONE Done
   CLOSED: [2026-02-01 Sun 10:00]
* COMMENT Not this
"""
EXPORT = b"""[
{"id":1,"uuid":"11111111-1111-1111-1111-111111111111","description":"a","status":"pending",
"entry":"20260301T100000Z","due":"20260305T000000Z","project":"home.garden","tags":["x"],
"annotations":[{"entry":"20260301T100000Z","description":"Started task"}],"priority":"H"}
]
"""
DATA = b"""[description:"a \\/ &open;b&close;" entry:"1772359200" status:"recurring" recur:"daily" \
mask:"-" uuid:"22222222-2222-2222-2222-222222222222" due:"1772359200" until:"1775037600"]
[description:"a" entry:"1772359200" status:"completed" end:"1772359300" start:"1772359250" \
parent:"22222222-2222-2222-2222-222222222222" uuid:"33333333-3333-3333-3333-333333333333"]
"""
UNDO = b"""time 1772359200
old [description:"a" due:"1772359200" status:"pending" uuid:"33333333-3333-3333-3333-333333333333"]
new [description:"a" due:"1772459200" status:"pending" uuid:"33333333-3333-3333-3333-333333333333"]
---
"""
TODO = b"""BEGIN:VCALENDAR
BEGIN:VTODO
UID:a
SUMMARY:Task
DTSTART;TZID=Europe/Berlin:20260302T100000
DUE;TZID=Europe/Berlin:20260302T120000
RRULE:FREQ=DAILY
X-KDE-LIBKCAL-DTRECURRENCE:20260303T100000Z
RELATED-TO;RELTYPE=PARENT:b
PERCENT-COMPLETE:50
PRIORITY:1
ESTIMATED-DURATION:PT1H
END:VTODO
BEGIN:VTODO
UID:a
RECURRENCE-ID;TZID=Europe/Berlin:20260302T100000
STATUS:COMPLETED
COMPLETED:20260302T110000Z
END:VTODO
END:VCALENDAR
"""


def _context():
    return context(tasks.TasksSettings())


def _together(records) -> None:
    """Go through the records of files that are read together: nothing raises."""
    for record in records:
        assert isinstance(record.group, str)
        if isinstance(record, RecordError):
            assert record.reason


def todotxt_lists(data: bytes) -> None:
    """Read two lists of todo.txt, told apart by a line of three equals signs."""
    parts = zip(("todo.txt", "done.txt"), data.split(b"\n===\n", 1), strict=False)
    files = [SourceFile(HERE / name, part) for name, part in parts]
    _together(todotxt._records(files, _context()))


def org_file(data: bytes) -> None:
    """Read an org-mode file."""
    exhaust(org._claims(SourceFile(HERE / "a.org", data), _context()))


def taskwarrior_files(data: bytes) -> None:
    """Read an export, and a file of Taskwarrior's own, told apart as above."""
    parts = zip(("pending.data", "undo.data"), data.split(b"\n===\n", 1), strict=False)
    files = [SourceFile(HERE / name, part) for name, part in parts]
    _together(taskwarrior._records(files, _context()))


def vtodo_file(data: bytes) -> None:
    """Read the tasks of an iCalendar file."""
    facts = Facts()
    reader = vtodo._Reader(facts, _context())
    exhaust(vtodo._said(SourceFile(HERE / "t.ics", data), reader), facts)


TARGETS = {
    "todotxt": Target(
        todotxt_lists,
        (TODOTXT, TODOTXT + b"===\n" + TODOTXT),
        "due: t: rec: est: pri: id: h:1 x (A) +p @c 9999-12-31 0001-01-01 rec:999y rec:1b est:9h",
    ),
    "org": Target(
        org_file,
        (ORG,),
        """
        ** TODO DONE #+TODO: #+FILETAGS: SCHEDULED: DEADLINE: CLOSED: CLOCK: [ < ]--[
        :PROPERTIES: :END: :ID: :EFFORT: .+1d ++1w +1m/2m State "DONE" from "TODO" [#A] [[ ]] ][
        9999-12-31 0001-01-01
        """,
    ),
    "taskwarrior": Target(
        taskwarrior_files,
        (EXPORT, DATA, UNDO, DATA + b"\n===\n" + UNDO),
        r"""
        "uuid":" "description":" "status":" "entry":" "due":" "recur":" [[ { time old new
        uuid:" status:"recurring" due:" &open; &close; P1D 99999999999 -1 1e999 NaN \u0000 \ud800
        """,
        "tasks/taskwarrior/*",
    ),
    "vtodo": Target(
        vtodo_file,
        (TODO,),
        """
        BEGIN:VTODO END:VTODO DUE: COMPLETED: RELATED-TO: ;RELTYPE=CHILD PERCENT-COMPLETE:
        PRIORITY: ESTIMATED-DURATION: X-KDE-LIBKCAL-DTRECURRENCE:
        """
        + ICAL_WORDS,
        "ics/*/*",
    ),
}

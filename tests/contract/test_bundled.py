"""The contract that twind ships to plugin authors, over the plugins it ships itself."""

from __future__ import annotations

from twind.home import bundled
from twind.testing import PluginContract

PLUGINS = bundled("plugins")
EVENT = """\
BEGIN:VEVENT\r
UID:{uid}\r
SUMMARY:{title}\r
DTSTART;TZID=Europe/Berlin:{start}\r
DTEND;TZID=Europe/Berlin:{end}\r
{more}END:VEVENT\r
"""
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\n{more}END:VCARD\r\n"


def calendar(*events: str) -> str:
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//EN\r\n{''.join(events)}END:VCALENDAR\r\n"
    )


def event(uid, start="20260305T100000", end="20260305T110000", title="Meeting", more=""):
    return EVENT.format(uid=uid, start=start, end=end, title=title, more=more)


def card(uid, name, more=""):
    return CARD.format(uid=uid, name=name, more=more)


class TestCalendar(PluginContract):
    plugin = PLUGINS / "calendar.py"
    weekly = event("w", more="RRULE:FREQ=WEEKLY\r\nEXDATE;TZID=Europe/Berlin:20260312T100000\r\n")
    invited = (
        "ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org\r\nATTENDEE:mailto:a@example.org\r\n"
    )

    def sample(self, folder):
        (folder / "one.ics").write_text(calendar(self.weekly, event("i", more=self.invited)))
        (folder / "other.ics").write_text(calendar(event("o", title="Café ☕"), event("p")))
        return {"paths": ["."]}

    def change(self, folder):
        (folder / "other.ics").write_text(calendar(event("o", title="Lunch"), event("q")))

    def spoil(self, folder):
        broken = event("o", start="the day after tomorrow", title="Café ☕")
        (folder / "other.ics").write_text(calendar(broken, event("p")))


class TestContacts(PluginContract):
    plugin = PLUGINS / "contacts.py"

    def sample(self, folder):
        more = "EMAIL:ada@example.org\r\nBDAY:18151210\r\nCATEGORIES:friends,maths\r\n"
        (folder / "one.vcf").write_text(card("a", "Ada Lovelace", more) + card("b", "Bo"))
        (folder / "other.vcf").write_text(card("c", "Cy") + card("d", "Dee"))
        return {"paths": ["."]}

    def change(self, folder):
        (folder / "other.vcf").write_text(card("c", "Cyril") + card("e", "Eve"))

    def spoil(self, folder):
        (folder / "other.vcf").write_text(card("c", "") + card("d", "Dee"))


TODO = """\
BEGIN:VTODO\r
UID:{uid}\r
SUMMARY:{title}\r
DUE;TZID=Europe/Berlin:{due}\r
{more}END:VTODO\r
"""


def todo(uid, title="Call", due="20260306T170000", more=""):
    return TODO.format(uid=uid, title=title, due=due, more=more)


class TestTasks(PluginContract):
    """All formats at once: a folder of what a person has gathered over the years."""

    plugin = PLUGINS / "tasks"

    def sample(self, folder):
        (folder / "todo.txt").write_text(
            "(A) Write the chapter +thesis due:2026-03-06 est:3h id:chapter\n"
            "Buy paint +flat @town\nWater the plants rec:1w due:2026-03-04\n"
        )
        (folder / "done.txt").write_text(
            "x 2026-02-27 2026-02-20 Outline +thesis\n"
            "x 2026-02-25 Water the plants rec:1w due:2026-02-11\n"
        )
        (folder / "list.ics").write_text(
            calendar(
                event("e"), todo("bath", "Bathroom"), todo("tiles", more="RELATED-TO:bath\r\n")
            )
        )
        daily = todo("run", "Run", "20260305T070000", "RRULE:FREQ=WEEKLY\r\n")
        (folder / "run.ics").write_text(calendar(daily))
        (folder / "run-done.ics").write_text(
            calendar(
                todo(
                    "run",
                    "Run",
                    "20260226T070000",
                    "RECURRENCE-ID;TZID=Europe/Berlin:20260226T070000\r\n"
                    "STATUS:COMPLETED\r\nCOMPLETED:20260226T070000Z\r\n",
                )
            )
        )
        (folder / "home.org").write_text(
            "* Garden\n** TODO [#B] Prune the rose :outside:\n   DEADLINE: <2026-03-07 Sat>\n"
            '** TODO Compost\n   SCHEDULED: <2026-03-05 Thu .+1w>\n   - State "DONE" from "TODO" '
            "[2026-02-26 Thu 10:00]\n* DONE Rake\n  CLOSED: [2026-02-20 Fri 15:00]\n"
        )
        (folder / "pending.data").write_text(
            self.warrior(1, 'status:"pending" project:"work.report" due:"1772985600"')
            + self.warrior(2, 'status:"recurring" recur:"weekly" mask:"+-"')
            + self.warrior(3, f'status:"pending" due:"1772985600" {self.of_habit}')
        )
        (folder / "completed.data").write_text(
            self.warrior(4, f'status:"completed" end:"1772380800" {self.of_habit}')
        )
        (folder / "export.json").write_text(
            '[\n{"uuid":"00000000-0000-4000-8000-000000000009","description":"Read",'
            '"status":"pending","entry":"20260220T090000Z","tags":["evening"]}\n]\n'
        )
        return {"paths": ["."]}

    of_habit = 'recur:"weekly" parent:"00000000-0000-4000-8000-000000000002"'

    @staticmethod
    def warrior(number, more):
        uuid = f"00000000-0000-4000-8000-{number:012}"
        return f'[description:"Task {number}" entry:"1771578000" uuid:"{uuid}" {more}]\n'

    def change(self, folder):
        for name, old, new in (
            ("todo.txt", "Buy paint", "Buy brushes"),
            ("list.ics", "RELATED-TO:bath", "PRIORITY:1"),
            ("home.org", "TODO [#B] Prune", "DONE Prune"),
            ("pending.data", "work.report", "work.talk"),
            ("export.json", "Read", "Write"),
        ):
            file = folder / name
            file.write_text(file.read_text().replace(old, new))

    def spoil(self, folder):
        for name, old, new in (
            ("todo.txt", "due:2026-03-06", "due:someday"),
            ("list.ics", "20260306T170000", "the day after tomorrow"),
            ("home.org", "<2026-03-07 Sat>", "<2026-03-77 Sat>"),
            ("pending.data", 'due:"1772985600" recur', 'due:"soon" recur'),
            ("export.json", '"status"', '"status'),
        ):
            file = folder / name
            text = file.read_text()
            assert old in text
            file.write_text(text.replace(old, new))


class TestNotify(PluginContract):
    plugin = PLUGINS / "notify"

    def sample(self, folder):
        return {"desktop": False}

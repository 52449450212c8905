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


class TestTasks(PluginContract):
    plugin = PLUGINS / "tasks"

    def sample(self, folder):
        (folder / "todo.txt").write_text(
            "(A) Write the chapter +thesis due:2026-03-06 est:3h id:chapter\n"
            "Buy paint +flat @town\nWater the plants rec:1w due:2026-03-04\n"
        )
        (folder / "done.txt").write_text("x 2026-02-27 2026-02-20 Outline +thesis\n")
        return {"paths": ["."]}

    def change(self, folder):
        file = folder / "todo.txt"
        file.write_text(file.read_text().replace("Buy paint", "Buy brushes"))

    def spoil(self, folder):
        file = folder / "todo.txt"
        file.write_text(file.read_text().replace("due:2026-03-06", "due:someday"))


class TestNotify(PluginContract):
    plugin = PLUGINS / "notify"

    def sample(self, folder):
        return {"desktop": False}

"""What becomes of calendars, cards and task lists that other people's programs wrote: the table.

    python tests/corpus/table.py

syncs every file of the corpus (TWIND_CORPUS, or ../shared/corpus beside the checkout) into a store
of its own, by the plugin that reads its kind, and brings docs/corpus.md up to date.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from twind.home import Home, bundled
from twind.plugins.calling import FUTURE_DAYS, PAST_DAYS
from twind.store import Store
from twind.testing import Synced, Twin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("TWIND_CORPUS") or ROOT.parent / "shared" / "corpus")
DOCUMENT = ROOT / "docs" / "corpus.md"
COMMAND = "python tests/corpus/table.py"
BEGIN, END = "<!-- made by tests/corpus/table.py -->", "<!-- up to here -->"

PLUGINS = {"ics": "calendar", "vcf": "contacts", "tasks": "tasks"}
"""Which plugin reads the files of a folder of the corpus."""
KINDS = {"person": "people", "event": "events", "task": "tasks", "project": "projects"}
PROJECTS = {
    "ics/galaxy": "hexylena/galaxy-calendar-subsets",
    "ics/recurring-ical-events": "niccokunzmann/python-recurring-ical-events",
    "ics/icalendar": "collective/icalendar",
    "ics/ical4j": "ical4j/ical4j",
    "vcf/ez-vcard": "mangstadt/ez-vcard",
    "vcf/kcontacts": "KDE/kcontacts",
    "tasks/taskwarrior": "Tylryan/task_warrior_backup",
}
"""The public project that each folder is from."""
READ_ON = datetime(2026, 7, 1, 8, tzinfo=UTC)
LISTS_READ_ON = datetime(2021, 8, 26, 8, tzinfo=UTC)
"""The day after the last change in them."""


def files(kind: str) -> list[Path]:
    """Return the files of one kind, whatever they are called."""
    return sorted(path for path in (CORPUS / kind).rglob("*") if path.is_file())


def day_for(path: Path) -> datetime:
    """Return when to read a file: when a sync sees most of the events that begin in it.

    A sync looks PAST_DAYS back and FUTURE_DAYS ahead, and many of these calendars are old. A task
    list is read when it was last changed.
    """
    if path.is_relative_to(CORPUS / "tasks"):
        return LISTS_READ_ON
    text = re.sub(rb"\r?\n[ \t]", b"", path.read_bytes())
    told = re.findall(rb"BEGIN:VEVENT.*?^DTSTART[^:\n]*:(\d{8})", text, re.DOTALL | re.MULTILINE)
    days = sorted(_days(told))
    if not days:
        return READ_ON
    seen = timedelta(days=PAST_DAYS + FUTURE_DAYS)
    first = max(days, key=lambda day: sum(day <= other < day + seen for other in days))
    return first + timedelta(days=PAST_DAYS, hours=8)


def _days(told: Iterable[bytes]) -> Iterator[datetime]:
    for text in told:
        with suppress(ValueError):
            yield datetime.strptime(text.decode(), "%Y%m%d").replace(tzinfo=UTC)


def synced(plugin: str, paths: list[Path], now: datetime) -> Iterator[Synced]:
    """Yield what two syncs of these files do, one after the other, to one store."""
    with tempfile.TemporaryDirectory() as root, _twin(plugin, paths, now, Path(root)) as twin:
        yield twin.sync()
        yield twin.sync()


def _twin(plugin: str, paths: list[Path], now: datetime, root: Path) -> Twin:
    package = bundled("plugins") / plugin
    place = package if package.is_dir() else package.with_suffix(".py")
    settings = {"paths": [str(path) for path in paths]}
    return Twin(place, settings, root=root, now=now, timezone="Europe/Berlin")


def counted(plugin: str, path: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how many records of each kind a file becomes, and how often what is refused of it."""
    with tempfile.TemporaryDirectory() as root:
        with _twin(plugin, [path], day_for(path), Path(root)) as twin:
            refused = Counter(reason(error.reason) for error in twin.sync().refused)
        with Store.open(Home.under(Path(root)).database) as db:
            kinds = db.rows("SELECT kind, COUNT(*) AS count FROM records GROUP BY kind")
            return Counter({row["kind"]: row["count"] for row in kinds}), refused


def reason(refused: str) -> str:
    """Return why something was refused, without what is peculiar to the one file."""
    text = re.sub(r"^.*?, line \d+: ", "", refused)
    text = re.sub(r"(?<=the time zone ).*(?= is not known)", "…", text)
    return text.partition(":")[0]


# --- the document --------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One folder of the corpus, and what became of it."""

    files: int = 0
    with_records: int = 0
    with_nothing: int = 0
    records: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def rows() -> dict[str, Row]:
    """Return what a sync makes of each file, one by one, gathered by folder."""
    found: dict[str, Row] = {}
    for kind, plugin in PLUGINS.items():
        for path in files(kind):
            records, refused = counted(plugin, path)
            row = found.setdefault(path.parent.relative_to(CORPUS).as_posix(), Row())
            row.files += 1
            row.with_records += bool(records)
            row.with_nothing += not records and not refused
            row.records += records
            row.refused += refused
    return found


def table(found: dict[str, Row]) -> str:
    """Write the rows as the document has them."""
    lines = [
        "| files of | read by | files | with records | with nothing to read | records | refused |",
        "|---|---|--:|--:|--:|---|--:|",
        *(_line(folder, row) for folder, row in found.items()),
        "",
        "| read by | what is refused, and why | times |",
        "|---|---|--:|",
    ]
    for kind, plugin in PLUGINS.items():
        refused: Counter[str] = Counter()
        for folder, row in found.items():
            refused += row.refused if folder.startswith(f"{kind}/") else Counter()
        told = sorted(refused.items(), key=lambda item: (-item[1], item[0]))
        lines += [f"| {plugin} | {text} | {count} |" for text, count in told]
    return "\n".join(lines)


def _line(folder: str, row: Row) -> str:
    project = PROJECTS.get(folder, folder)
    records = ", ".join(
        f"{count} {KINDS[kind] if count > 1 else kind}"
        for kind, count in sorted(row.records.items())
    )
    cells = (
        f"[{project}](https://github.com/{project})",
        PLUGINS[folder.partition("/")[0]],
        row.files,
        row.with_records,
        row.with_nothing,
        records or "none",
        row.refused.total(),
    )
    return f"| {' | '.join(map(str, cells))} |"


def updated(document: str, made: str) -> str:
    """Return the document with this table in it."""
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> int:
    """Bring the document up to date."""
    if not CORPUS.is_dir():
        sys.stderr.write(f"no corpus at {CORPUS}; set TWIND_CORPUS to its folder\n")
        return 1
    DOCUMENT.write_text(updated(DOCUMENT.read_text("utf-8"), table(rows())), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

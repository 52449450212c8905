"""The contacts plugin on cards that other people's programs wrote."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twind.api import Context, Person, RecordError, Window
from twind.home import bundled

spec = importlib.util.spec_from_file_location(
    "contacts_plugin_corpus", bundled("plugins") / "contacts.py"
)
plugin = importlib.util.module_from_spec(spec)
sys.modules["contacts_plugin_corpus"] = plugin
spec.loader.exec_module(plugin)

CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus"
)
FILES = sorted(path for path in (CORPUS / "vcf").rglob("*") if path.is_file())
NOW = datetime(2026, 11, 23, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no corpus at {CORPUS}; set TWIND_CORPUS to a folder with vcf/ in it"
)


def fetch(path: Path) -> list:
    settings = plugin.ContactsSettings(paths=[path])
    return list(
        plugin.Contacts().fetch(Context(settings=settings, window=Window(NOW, NOW), now=NOW))
    )


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_card_is_a_person_or_a_named_error(path):
    found = fetch(path)
    people = [item for item in found if isinstance(item, Person)]
    begun = path.read_bytes().upper().count(b"BEGIN:VCARD")
    assert len(found) == begun
    assert len({person.uid for person in people}) == len(people)
    assert all(person.name.isprintable() for person in people)
    assert all(error.uid and error.reason for error in found if isinstance(error, RecordError))


def lines_of(path: Path, name: str) -> list[str]:
    """Return the values of a property by looking for its lines, and at nothing else."""
    pattern = rf"^(?:item\d+\.)?{name}(?:;.*?)?:(.+?)\s*$"
    return re.findall(pattern, path.read_text("utf-8", "replace"), re.IGNORECASE | re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_address_and_number_is_read(path):
    people = [item for item in fetch(path) if isinstance(item, Person)]
    addresses = {email for person in people for email in person.emails}
    assert addresses == {line.lower() for line in lines_of(path, "EMAIL")}
    numbers = {phone for person in people for phone in person.phones}
    assert numbers == {line.removeprefix("tel:") for line in lines_of(path, "(?:X-MS-)?TEL")}


RELATED = {
    "John_Doe_GMAIL.vcf": ["spouse: Jenny"],
    "John_Doe_MS_OUTLOOK.vcf": ["manager: Big Blue", "assistant: Jenny"],
    "outlook-2007.vcf": [
        "spouse: TheSpouse",
        "manager: TheManagerName",
        "assistant: TheAssistantName",
    ],
    "vcard15.vcf": ["child: Child Tester"],
    "vcard5.vcf": ["spouse: femal clown", "manager: Mr. Burnes", "assistant: Mr. Smithers"],
    "vcard_extension_case_normalization.vcf": [
        "spouse: My Spouse",
        "manager: My Boss",
        "assistant: Mycroft",
    ],
}
"""Read by eye; beside these only gmail-single2.vcf names anybody, Name1 to Name16."""


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_who_is_close_to_whom(path):
    related = [one for item in fetch(path) if isinstance(item, Person) for one in item.related]
    if path.name == "gmail-single2.vcf":
        assert [one.rpartition(": ")[2] for one in related] == [f"Name{n}" for n in range(1, 17)]
        assert related[:3] == ["Name1", "spouse: Name2", "child: Name3"]
    else:
        assert related == RELATED.get(path.name, [])


def test_hardly_any_card_is_refused():
    found = [item for path in FILES for item in fetch(path)]
    assert sum(isinstance(item, RecordError) for item in found) <= 1
    assert sum(bool(item.emails) for item in found if isinstance(item, Person)) > len(found) / 2

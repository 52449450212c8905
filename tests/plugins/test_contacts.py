"""The contacts plugin, rule by rule."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Context, Person, RecordError, Unchanged, Window
from twind.home import bundled

if TYPE_CHECKING:
    from pathlib import Path

spec = importlib.util.spec_from_file_location("contacts_plugin", bundled("plugins") / "contacts.py")
plugin = importlib.util.module_from_spec(spec)
sys.modules["contacts_plugin"] = plugin
spec.loader.exec_module(plugin)

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD = datetime(2026, 2, 1, tzinfo=UTC).timestamp()


def context(*paths: Path, state=None, **more) -> Context:
    return Context(
        settings=plugin.ContactsSettings(paths=list(paths), **more),
        window=WINDOW,
        now=NOW,
        state={} if state is None else state,
    )


def write(path: Path, text: str | bytes, mtime: float = OLD) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (mtime, mtime))
    return path


def vcard(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def fetch(ctx: Context) -> list:
    return list(plugin.Contacts().fetch(ctx))


@pytest.fixture
def read(tmp_path):
    """Return what a file of these cards yields."""

    def read(*cards: str) -> list:
        return fetch(context(write(tmp_path / "c.vcf", "".join(cards))))

    return read


def test_without_paths_there_is_nobody():
    assert fetch(context()) == []


def test_a_path_that_is_gone_is_a_lost_source(tmp_path):
    with pytest.raises(FileNotFoundError):
        fetch(context(tmp_path / "gone"))


def test_watches_its_paths(tmp_path):
    assert plugin.Contacts().watch(context(tmp_path)) == [tmp_path]


def test_a_card(read, tmp_path):
    [person] = read(
        vcard(
            "UID:urn:uuid:1-2",
            "FN:Ada Lovelace",
            "N:Lovelace;Ada;;Lady;",
            "EMAIL;TYPE=work:Ada@Example.ORG",
            "item1.EMAIL;TYPE=home,pref:ada@home.example",
            "TEL;TYPE=cell:+44  1234",
            "ORG:Analytical Engines;Programming",
            "CATEGORIES:Friends,Maths\\, applied",
            "BDAY:1815-12-10",
            "NOTE:Likes\\nmachines",
        )
    )
    assert person == Person(
        uid="1-2",
        name="Ada Lovelace",
        emails=("ada@home.example", "ada@example.org"),
        phones=("+44 1234",),
        organisation="Analytical Engines",
        groups=("Friends", "Maths, applied"),
        birthday=date(1815, 12, 10),
        note="Likes\nmachines",
        group=str(tmp_path / "c.vcf"),
    )


def test_version_4(read):
    [person] = read(
        vcard("FN:Bo", "TEL;VALUE=uri;PREF=1:tel:+1-555", "EMAIL:mailto:b@x.org", version="4.0")
    )
    assert (person.phones, person.emails) == (("+1-555",), ("b@x.org",))


def test_version_2_1_quoted_printable(read):
    [person] = read(
        vcard(
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg=\r\n Maria",
            "EMAIL;INTERNET;PREF:j@x.org",
            "PHOTO;JPEG;ENCODING=BASE64:\r\n  !!not base64\r\n",
            version="2.1",
        )
    )
    assert person.name == "Jörg Maria Müller"
    assert person.emails == ("j@x.org",)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["FN:Full  Name", "N:Family;Given"], "Full Name"),
        (["N:Family;Given;Middle"], "Given Middle Family"),
        (["FN:", "NICKNAME:Nick"], "Nick"),
        (["ORG:Firm;Unit"], "Firm"),
        (["EMAIL:A@B.org"], "a@b.org"),
    ],
)
def test_a_name_is_found_somewhere(read, lines, name):
    [person] = read(vcard(*lines))
    assert person.name == name


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1985-04-15", date(1985, 4, 15)),
        ("19850415", date(1985, 4, 15)),
        ("1985-04-15T00:00:00Z", date(1985, 4, 15)),
        ("--0229", date(plugin.NO_YEAR, 2, 29)),
        ("--02-29", date(plugin.NO_YEAR, 2, 29)),
        ("1604-02-29", date(plugin.NO_YEAR, 2, 29)),
        ("1985-02-30", None),
        ("1985", None),
        ("spring", None),
        ("", None),
    ],
)
def test_birthdays(read, text, day):
    [person] = read(vcard("FN:A", f"BDAY:{text}"))
    assert person.birthday == day


def test_only_people_are_people(read):
    found = read(
        vcard("FN:Firm", "KIND:org", version="4.0"),
        vcard("FN:A", "KIND:individual", version="4.0"),
        vcard("FN:B"),
    )
    assert [person.name for person in found] == ["A", "B"]


@pytest.mark.parametrize("prefix", ["", "X-ADDRESSBOOKSERVER-"])
def test_a_group_names_its_members(read, prefix):
    found = read(
        vcard("UID:g", "FN:Choir", f"{prefix}KIND:group", f"{prefix}MEMBER:urn:uuid:a"),
        vcard("UID:a", "FN:A", "CATEGORIES:x"),
        vcard("UID:b", "FN:B"),
    )
    assert [(person.name, person.groups) for person in found] == [("A", ("x", "Choir")), ("B", ())]


@pytest.mark.parametrize(
    "bad",
    [
        vcard("UID:bad", "TITLE:nobody"),
        vcard("UID:bad", "FN;ENCODING=b:/w==", "TITLE:x"),
        vcard("UID:bad", "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=no-such:=FF", "TITLE:x"),
    ],
)
def test_a_bad_card_costs_only_itself(read, bad):
    error, good = read(vcard("FN:A"), bad)
    assert good.name == "A"
    assert isinstance(error, RecordError)
    assert error.uid == "bad"
    assert error.reason.startswith("c.vcf, line 5: ")


def test_a_card_that_does_not_end_keeps_what_was_there(read, tmp_path):
    found = read(vcard("FN:A"), "BEGIN:VCARD\r\nFN:B\r\n", vcard("FN:C"))
    assert [item.name for item in found if isinstance(item, Person)] == ["A", "C"]
    assert str(tmp_path / "c.vcf") in {e.uid for e in found if isinstance(e, RecordError)}


def test_an_agents_card_within_a_card_is_passed_over(read):
    [person] = read(vcard("FN:A", "AGENT:\r\n" + vcard("FN:Agent").rstrip(), "NOTE:mine"))
    assert (person.name, person.note) == ("A", "mine")


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"BEGIN:VCALENDAR\nEND:VCALENDAR"])
def test_a_file_without_cards_names_its_group(tmp_path, data):
    path = write(tmp_path / "c.vcf", data)
    assert [(error.uid, error.group) for error in fetch(context(path))] == [(str(path), str(path))]


@pytest.mark.parametrize("codec", ["utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(tmp_path, codec, newline):
    data = vcard("FN:Käthe").replace("\r\n", newline).encode(codec)
    [person] = fetch(context(write(tmp_path / "c.vcf", data)))
    assert person.name == "Käthe"


def test_folded_lines(read):
    [person] = read(vcard("FN:Ada\r\n  Love\r\n\tlace"))
    assert person.name == "Ada Lovelace"


def test_a_card_without_uid_gets_a_lasting_one(read):
    [first] = read(vcard("FN:A", "EMAIL:a@x.org"))
    [again] = read(vcard("FN:A", "EMAIL:a@x.org", "TEL:1"))
    assert first.uid == again.uid


def test_cards_of_one_identity_are_told_apart_and_copies_dropped(read):
    found = read(*[vcard("UID:a", f"FN:{name}") for name in "AAB"])
    assert [(person.uid, person.name) for person in found] == [("a", "A"), ("a#2", "B")]


def test_a_card_in_two_files(tmp_path):
    choir = vcard("UID:g", "FN:Choir", "KIND:group", "MEMBER:urn:uuid:u")
    write(tmp_path / "a.vcf", vcard("UID:u", "FN:A"))
    write(tmp_path / "b.vcf", vcard("UID:u", "FN:B"))
    write(tmp_path / "c.vcf", vcard("UID:u", "FN:A") + choir)
    first, second = fetch(context(tmp_path))
    assert (first.uid, first.name, second.name) == ("u", "A", "B")
    assert second.uid.startswith("u@")


def test_an_untouched_file_is_not_read_again(tmp_path):
    path = write(tmp_path / "c.vcf", vcard("FN:A") + vcard("UID:x"))
    state: dict = {}
    error, _ = fetch(context(tmp_path, state=state))
    assert fetch(context(tmp_path, state=state)) == [Unchanged(str(path)), error]
    tomorrow = Window(WINDOW.start, datetime(2027, 1, 2, tzinfo=UTC))
    later = replace(context(tmp_path, state=state), window=tomorrow)
    assert fetch(later) == [Unchanged(str(path)), error]


def test_too_large_a_file_names_its_group(tmp_path):
    path = write(tmp_path / "c.vcf", vcard("FN:A"))
    [error] = fetch(context(path, max_mib=1e-6))
    assert error.uid == error.group == str(path)


words = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=20
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(words, words, st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.org", fullmatch=True)),
        min_size=1,
        max_size=6,
    )
)
def test_what_was_written_is_read(tmp_path, people):
    text = ""
    for number, (given_name, family, email) in enumerate(people):
        card = vobject.vCard()
        card.add("uid").value = str(number)
        card.add("n").value = vobject.vcard.Name(family=family, given=given_name)
        card.add("fn").value = f"{given_name} {family}"
        card.add("email").value = email
        text += card.serialize()
    path = write(tmp_path / "c.vcf", text)
    state: dict = {}
    found = fetch(context(path, state=state))
    assert [(person.uid, person.name, person.emails) for person in found] == [
        (str(number), f"{given_name} {family}", (email,))
        for number, (given_name, family, email) in enumerate(people)
    ]
    assert fetch(context(path, state=state)) == [Unchanged(str(path))]
    assert fetch(context(path)) == found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=200))
def test_no_bytes_raise(tmp_path, noise):
    text = vcard("FN:A", "EMAIL:a@b.c").encode()
    path = write(tmp_path / "c.vcf", text[:30] + noise + text[30:])
    assert fetch(context(path))

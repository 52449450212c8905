"""Cards as the programs of the world write them: encodings, birthdays, relations, photographs."""

from __future__ import annotations

import time
import tracemalloc
from datetime import date

import pytest

from twind.api import Person, RecordError

OUTLOOK = b"""\
BEGIN:VCARD
VERSION:2.1
N;LANGUAGE=de;CHARSET=Windows-1252:M\xfcller;K\xe4the;;Dr.
FN;CHARSET=Windows-1252:Dr. K\xe4the M\xfcller
ORG;CHARSET=Windows-1252:B\xfccher, Karten & Co.;Verkauf
TEL;WORK;VOICE:(030) 555-1234
TEL;HOME;FAX:(030) 555-1235
X-MS-TEL;VOICE;CALLBACK:(030) 555-1236
LABEL;WORK;PREF;ENCODING=QUOTED-PRINTABLE:Hauptstr. 1=0D=0A=
12345 Berlin
BDAY:19800322
EMAIL;PREF;INTERNET:Kaethe@Example.org
NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BC=C3=9Fe, und=0D=0A=
=20mehr=
 davon
PHOTO;TYPE=JPEG;ENCODING=BASE64:
 /9j/4AAQSkZJRgABAQEAYABgAAD

X-MS-SPOUSE;CHARSET=Windows-1252:M\xfcller, Bo
X-MS-MANAGER:Big Blue
X-MS-ASSISTANT:Jenny
X-MS-OL-DESIGN;CHARSET=utf-8:<card xmlns="http://example.org"/>
REV:20120801T184631Z
END:VCARD
"""

ANDROID = """\
BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9F=D1=83=D1=88=D0=BA=D0=B8=D0=
=BD;=D0=90=D0=BB=D0=B5=D0=BA=D1=81;;;
FN;charset=utf-8;encoding=quoted-printable:=d0=90=d0=bb=d0=b5=d0=ba=d1=81=20=d0=9f
TEL;CELL;PREF:+7 900 123-45-67
TEL;X-Custom(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=D0=94):5551234
EMAIL;HOME:alex@example.org
ORG;ENCODING=BASE64;CHARSET=UTF-8:0JDQutC80LU7SVQ=
X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Sasha;1;;;;;;;;;;;;;
X-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Natalja;14;;;;;;;;;;;;;
X-ANDROID-CUSTOM;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:vnd.android.cursor=
.item/relation;=D0=92=D0=BE;0;=D0=9A=D1=83=D0=BC;;;;;;;;;;;;
BDAY:--04-15
END:VCARD
"""

APPLE = """\
BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//macOS 14.5//EN
N:Lee;Ann;;;
FN:Ann Lee
item1.EMAIL;type=INTERNET;type=pref:ann@example.org
item1.X-ABLabel:_$!<Other>!$_
TEL;type=CELL;type=VOICE;type=pref:+1 (212) 204-3445
BDAY;X-APPLE-OMIT-YEAR=1604;value=date:1604-02-29
item2.X-ABRELATEDNAMES;type=pref:Bo Lee
item2.X-ABLabel:_$!<Spouse>!$_
item3.X-ABRELATEDNAMES:Cy Lee
item3.X-ABLabel:_$!<Child>!$_
item4.X-ABRELATEDNAMES:Di Poe
item4.X-ABLabel:Tennis partner
X-ABUID:5AD380FD-B2DE-4261-BA99-DE1D1DB52FBE\\:ABPerson
UID:5AD380FD-B2DE-4261-BA99-DE1D1DB52FBE
END:VCARD
"""

GOOGLE = """\
BEGIN:VCARD
VERSION:3.0
FN:Doe, John
N:Doe;John;;;
EMAIL;TYPE=INTERNET;TYPE=HOME:john@example.org
item1.EMAIL;TYPE=INTERNET:"John D." <John.D@example.org>, jd@example.org
item1.X-ABLabel:Club
BDAY:19850415
item2.X-ABRELATEDNAMES:Jenny
item2.X-ABLabel:DOMESTIC_PARTNER
X-ABRELATEDNAMES:Somebody
CATEGORIES:myContacts,Friends
NOTE:One\\, two, three
END:VCARD
"""

EVOLUTION = """\
BEGIN:VCARD
VERSION:3.0
UID:pas-id-1
FN:Eva Poe
N:Poe;Eva;;;
X-EVOLUTION-FILE-AS:Poe\\, Eva
EMAIL;TYPE=WORK;X-EVOLUTION-UI-SLOT=1:eva@example.org
X-EVOLUTION-BIRTHDAY:1990-12-01
X-EVOLUTION-SPOUSE:Fred Poe
X-EVOLUTION-MANAGER:Gus
X-EVOLUTION-ASSISTANT:Hal
END:VCARD
BEGIN:VCARD
VERSION:3.0
UID:pas-id-2
FN:Book club
X-EVOLUTION-LIST:TRUE
EMAIL;X-EVOLUTION-DEST-CONTACT-UID=pas-id-1;X-EVOLUTION-DEST-EMAIL-NUM=0:"Eva" <eva@example.org>
END:VCARD
"""

KADDRESSBOOK = """\
BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af
FN:Ida Poe
N:Poe;Ida;;;ing. jr,M.Sc.
TEL;VALUE=uri;TYPE="voice,work":tel:+49-30-555-1234;ext=5
TEL;VALUE=uri;PREF=1;TYPE=cell:tel:+49-170-5551234
EMAIL;PREF=1:ida@example.org
BDAY;VALUE=date-and-or-time:--0415
RELATED;TYPE=spouse:urn:uuid:b8767877-b4a1-4c70-9acc-505d3819e519
RELATED;TYPE="friend,colleague";VALUE=text:Kim\\, the tall one
RELATED;TYPE=parent:mailto:Lou@example.org
RELATED;TYPE=contact:https://example.org/directory/jdoe.vcf
RELATED;TYPE=child:urn:uuid:00000000-0000-0000-0000-000000000000
END:VCARD
BEGIN:VCARD
VERSION:4.0
UID:urn:uuid:B8767877-b4a1-4c70-9acc-505d3819e519
FN:Jon Poe
X-KADDRESSBOOK-X-SpousesName:Ida Poe
X-KADDRESSBOOK-X-ManagersName:Mr. Burnes
X-KADDRESSBOOK-X-AssistantsName:Mr. Smithers
X-SPOUSE:Ida
X-MANAGER:Mr. Burnes
X-ASSISTANT:Waylon
END:VCARD
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_outlook_with_a_character_set_for_each_line(read_contacts, newline, tmp_path):
    [person] = read_contacts(OUTLOOK.replace(b"\n", newline.encode()))
    assert person == Person(
        uid=person.uid,
        name="Dr. Käthe Müller",
        emails=("kaethe@example.org",),
        phones=("(030) 555-1234", "(030) 555-1235", "(030) 555-1236"),
        organisation="Bücher, Karten & Co.",
        birthday=date(1980, 3, 22),
        related=("spouse: Müller, Bo", "manager: Big Blue", "assistant: Jenny"),
        note="Grüße, und\n mehr davon",
        book=str(tmp_path),
        group=str(tmp_path / "people.vcf"),
    )


def test_android_in_quoted_printable(read_contacts):
    [person] = read_contacts(ANDROID)
    assert (person.name, person.organisation) == ("Алекс П", "Акме")
    assert person.phones == ("+7 900 123-45-67", "5551234")
    assert person.emails == ("alex@example.org",)
    assert person.related == ("spouse: Natalja", "кум: Во")
    assert (person.birthday.month, person.birthday.day) == (4, 15)


def test_apple_with_labels_beside_the_lines(read_contacts, contacts_plugin):
    [person] = read_contacts(APPLE)
    assert person.related == ("spouse: Bo Lee", "child: Cy Lee", "tennis partner: Di Poe")
    assert person.birthday == date(contacts_plugin.NO_YEAR, 2, 29)
    assert person.emails == ("ann@example.org",)
    assert person.phones == ("+1 (212) 204-3445",)


def test_google_with_commas_that_nobody_escaped(read_contacts):
    [person] = read_contacts(GOOGLE)
    assert (person.name, person.note) == ("Doe, John", "One, two, three")
    assert person.emails == ("john@example.org", "john.d@example.org", "jd@example.org")
    assert person.related == ("domestic partner: Jenny", "Somebody")
    assert person.groups == ("myContacts", "Friends")


def test_evolution_with_a_list_of_addresses(read_contacts):
    by_address = EVOLUTION.replace("X-EVOLUTION-DEST-CONTACT-UID=pas-id-1;", "")
    for text in (by_address, EVOLUTION):
        [person] = read_contacts(text)
        assert (person.name, person.groups) == ("Eva Poe", ("Book club",))
    assert person.birthday == date(1990, 12, 1)
    assert person.related == ("spouse: Fred Poe", "manager: Gus", "assistant: Hal")


def test_kaddressbook_with_other_cards_for_relations(read_contacts):
    ida, jon = read_contacts(KADDRESSBOOK)
    assert ida.related == (
        "spouse: Jon Poe",
        "friend, colleague: Kim, the tall one",
        "parent: lou@example.org",
    )
    assert ida.phones == ("+49-170-5551234", "+49-30-555-1234;ext=5")
    assert jon.related == (
        "spouse: Ida",
        "spouse: Ida Poe",
        "manager: Mr. Burnes",
        "assistant: Waylon",
        "assistant: Mr. Smithers",
    )


# --- encodings -----------------------------------------------------------------------------------


def card(*lines: bytes | str, version: str = "2.1") -> bytes:
    told = (line if isinstance(line, bytes) else line.encode() for line in lines)
    return b"\r\n".join([b"BEGIN:VCARD", f"VERSION:{version}".encode(), *told, b"END:VCARD", b""])


@pytest.mark.parametrize(
    "line",
    [
        "FN:Käthe",
        "FN;CHARSET=UTF-8:Käthe",
        "FN;CHARSET=UTF-8;ENCODING=8BIT:Käthe",
        "FN;QUOTED-PRINTABLE:K=C3=A4the",
        "FN;ENCODING=QUOTED-PRINTABLE:K=\r\n=C3=A4=\r\nthe",
        "FN;ENCODING=QUOTED-PRINTABLE:K=E4the",
        "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:K=E4the",
        "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-15:K=E4the",
        "FN;ENCODING=BASE64:S8OkdGhl",
        "FN;BASE64:\r\n S8Ok\r\n dGhl",
        "FN;ENCODING=b;CHARSET=latin1:S+R0aGU=",
        "N;ENCODING=BASE64;CHARSET=UTF-8:O0vDpHRoZTs7Ow==",
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;K=C3=A4the;;;",
        "FN;CHARSET=iso-8859-1:Käthe".encode("latin-1"),
        "FN:Käthe".encode("cp1252"),
    ],
)
@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_a_name_however_it_is_encoded(read_contacts, line, version):
    [person] = read_contacts(card(line, version=version))
    assert person.name == "Käthe"


def test_each_line_may_have_a_character_set_of_its_own(read_contacts):
    lines = (
        b"FN;CHARSET=windows-1251:\xcf\xf3\xf8\xea\xe8\xed",
        "NOTE;CHARSET=UTF-8:Käthe".encode(),
        "ORG;CHARSET=Shift_JIS:王".encode("shift_jis"),
        b"CATEGORIES:M\xe4rchen",
    )
    [person] = read_contacts(card(*lines))
    assert (person.name, person.note, person.organisation, person.groups) == (
        "Пушкин",
        "Käthe",
        "王",
        ("Märchen",),
    )


def test_what_is_encoded_divides_nothing(read_contacts):
    [person] = read_contacts(
        card("FN:A", "ORG;ENCODING=QUOTED-PRINTABLE:A =3B B;C", "NOTE;ENCODING=b:YTtiLGMKZA==")
    )
    assert (person.organisation, person.note) == ("A ; B", "a;b,c\nd")


@pytest.mark.parametrize(
    "line", ["FN;ENCODING=b:%%%", "FN;CHARSET=no-such;ENCODING=QUOTED-PRINTABLE:=FF"]
)
def test_what_cannot_be_decoded_is_an_error_of_its_card(read_contacts, line):
    error, person = read_contacts(card("UID:bad", line) + card("FN:A"))
    assert (type(error), error.uid, person.name) == (RecordError, "bad", "A")
    assert error.reason.startswith("people.vcf, line 1: ")


# --- birthdays -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("BDAY:1985-04-15", (1985, 4, 15)),
        ("BDAY;VALUE=date:19850415", (1985, 4, 15)),
        ("BDAY:1985-04-15T00:00:00Z", (1985, 4, 15)),
        ("BDAY:19531015T231000Z", (1953, 10, 15)),
        ("BDAY:--0415", (0, 4, 15)),
        ("BDAY:--04-15", (0, 4, 15)),
        ("BDAY;VALUE=date-and-or-time:--0229", (0, 2, 29)),
        ("BDAY:1604-02-29", (0, 2, 29)),
        ("BDAY:0000-02-29", (0, 2, 29)),
        ("BDAY;X-APPLE-OMIT-YEAR=1804:1804-02-29", (0, 2, 29)),
        ("BDAY;VALUE=text:15 April 1985", (1985, 4, 15)),
        ("BDAY;VALUE=text:April 15\\, 1985", (1985, 4, 15)),
        ("BDAY;VALUE=text:15th of April", (0, 4, 15)),
        ("X-EVOLUTION-BIRTHDAY:1985-04-15", (1985, 4, 15)),
        ("BDAY:\r\nX-EVOLUTION-BIRTHDAY:1985-04-15", (1985, 4, 15)),
        ("BDAY;VALUE=text:circa 1800", None),
        ("BDAY;VALUE=text:April 1985", None),
        ("BDAY;VALUE=text:spring", None),
        ("BDAY:1985-04", None),
        ("BDAY:---15", None),
        ("BDAY:04/05/1985", None),
        ("BDAY:1985-02-30", None),
    ],
)
def test_birthdays(read_contacts, contacts_plugin, line, day):
    [person] = read_contacts(card("FN:A", line, version="4.0"))
    expected = day and date(day[0] or contacts_plugin.NO_YEAR, *day[1:])
    assert person.birthday == expected


# --- what is passed over -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PHOTO", "LOGO", "SOUND", "KEY"])
def test_thirty_mib_of_photograph_cost_next_to_nothing(read_contacts, name):
    """Nothing is decoded (it is no base64 at all), and all is let go of again."""
    row = " " + "%" * 74 + "\r\n"
    rows = 30 * 2**20 // len(row)
    photo = f"{name};ENCODING=b;TYPE=JPEG:%\r\n{row * rows}".removesuffix("\r\n")
    text = card("FN:A", photo, "TEL:1", version="3.0")
    begun = time.process_time()
    text.decode().splitlines()
    bare = time.process_time() - begun
    begun = time.process_time()
    [person] = read_contacts(text)
    # Undoing the folds takes several looks at each line; a decoder would take many times that.
    assert time.process_time() - begun < 20 * bare + 0.5
    assert (person.name, person.phones) == ("A", ("1",))


def test_thirty_mib_of_photograph_are_held_but_for_a_moment(read_contacts):
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "%" * (30 * 2**20)
    text = card("FN:A", photo, version="3.0")
    tracemalloc.start()
    [person] = read_contacts(text)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert person.name == "A"
    assert peak < 6 * len(text)
    assert held < 2**20

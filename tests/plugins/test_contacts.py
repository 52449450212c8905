"""The contacts plugin, rule by rule."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Context, Person, RecordError, Unchanged, Window
from twind.home import bundled

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


def test_a_file_of_cards_is_a_book_and_so_is_a_folder_of_files_of_one(tmp_path):
    write(tmp_path / "all.vcf", vcard("FN:Ada", "UID:a") + vcard("FN:Bo", "UID:b"))
    for name in ("Cy", "Dee"):
        write(tmp_path / f"{name}.vcf", vcard(f"FN:{name}", f"UID:{name}"))
    books = {person.name: person.book for person in fetch(context(tmp_path))}
    assert books == {
        "Ada": str(tmp_path / "all.vcf"),
        "Bo": str(tmp_path / "all.vcf"),
        "Cy": str(tmp_path),
        "Dee": str(tmp_path),
    }


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
        book=str(tmp_path),
        group=str(tmp_path / "c.vcf"),
    )


def test_version_4(read):
    [person] = read(
        vcard("FN:Bo", "TEL;VALUE=uri;PREF=1:tel:+1-555", "EMAIL:mailto:b@x.org", version="4.0")
    )
    assert (person.phones, person.emails) == (("+1-555",), ("b@x.org",))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (";PREF=1", ";PREF=2"),
        (";PREF=2", ";PREF=10"),
        (";PREF=100", ""),
        (";PREF=100", ";PREF=none"),
        (";PREF=100", f";PREF={'1' * 5000}"),
        (";TYPE=home,pref", ";PREF=2"),
        (";PREF", ";PREF=2"),
        (';TYPE=home;PREF="1"', ""),
    ],
)
def test_the_most_preferred_comes_first(read, first, second):
    lines = [f"EMAIL{second}:b@x.org", f"EMAIL{first}:a@x.org", f"TEL{second}:2", f"TEL{first}:1"]
    [person] = read(vcard("FN:Bo", *lines, version="4.0"))
    assert (person.emails, person.phones) == (("a@x.org", "b@x.org"), ("1", "2"))


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


def test_a_fold_may_go_through_a_character(tmp_path):
    data = vcard("FN:Jörg").encode().replace(b"J\xc3", b"J\xc3\r\n ")
    [person] = fetch(context(write(tmp_path / "c.vcf", data)))
    assert person.name == "Jörg"


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


def choir(*members: str, name: str = "Choir") -> str:
    return vcard(
        "UID:g", f"FN:{name}", "KIND:group", *(f"MEMBER:{one}" for one in members), version="4.0"
    )


def groups(found: list) -> dict[str, tuple[str, ...]]:
    return {item.uid: item.groups for item in found if isinstance(item, Person)}


@pytest.mark.parametrize("member", ["urn:uuid:U1", "URN:UUID:u1", "u1", "mailto:A@x.org"])
def test_a_group_names_its_members_in_other_files(tmp_path, member):
    write(tmp_path / "a.vcf", vcard("UID:urn:uuid:u1", "FN:A", "EMAIL:a@x.org"))
    write(tmp_path / "b.vcf", vcard("UID:u2", "FN:B", "CATEGORIES:Choir,x"))
    write(tmp_path / "g.vcf", choir(member, "urn:uuid:u2", "urn:uuid:nobody"))
    assert groups(fetch(context(tmp_path))) == {"u1": ("Choir",), "u2": ("Choir", "x")}


def test_when_one_card_changes_only_that_file_is_read(tmp_path):
    paths = [tmp_path / f"{number:03}.vcf" for number in range(200)]
    for number, path in enumerate(paths):
        write(path, vcard(f"UID:{number}", "FN:one"))
    write(tmp_path / "g.vcf", choir("urn:uuid:7", "urn:uuid:8"))
    state: dict = {}
    assert len(groups(fetch(context(tmp_path, state=state)))) == 200
    for number, path in enumerate(paths):
        # The same time and length: only who reads them would know.
        write(path, vcard(f"UID:{number}", "FN:two"))
    os.utime(paths[7], (OLD + 60, OLD + 60))
    assert groups(fetch(context(tmp_path, state=state))) == {"7": ("Choir",)}
    # Who enters or leaves a group is read again, and who is in another stays as they are.
    write(tmp_path / "g.vcf", choir("urn:uuid:7", "urn:uuid:9"), OLD + 60)
    assert groups(fetch(context(tmp_path, state=state))) == {"8": (), "9": ("Choir",)}
    write(tmp_path / "g.vcf", choir("urn:uuid:7", "urn:uuid:9", name="Band"), OLD + 120)
    assert groups(fetch(context(tmp_path, state=state))) == {"7": ("Band",), "9": ("Band",)}
    (tmp_path / "g.vcf").unlink()
    assert groups(fetch(context(tmp_path, state=state))) == {"7": (), "9": ()}


def test_a_relation_follows_the_name_on_the_other_card(tmp_path):
    write(
        tmp_path / "a.vcf", vcard("UID:a", "FN:A", "RELATED;TYPE=spouse:urn:uuid:b", version="4.0")
    )
    state: dict = {}
    assert [person.related for person in fetch(context(tmp_path, state=state))] == [()]
    for name in ("Bo", "Bob"):
        write(tmp_path / "b.vcf", vcard("UID:b", f"FN:{name}"), OLD + len(name))
        found = fetch(context(tmp_path, state=state))
        assert [(person.uid, person.related) for person in found] == [
            ("a", (f"spouse: {name}",)),
            ("b", ()),
        ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["p0.vcf", "p1.vcf", "p2.vcf", "g0.vcf", "g1.vcf"]),
            st.sets(st.sampled_from(["0", "1", "2", "3"]), max_size=3),
            st.sampled_from(["One", "Two", ""]),
        ),
        max_size=12,
    )
)
def test_any_history_ends_where_reading_all_anew_would(history):
    """Each step writes a file, or deletes it; a person is the spouse of another."""
    with tempfile.TemporaryDirectory() as place:
        folder, state, there = Path(place), {}, {}
        for step, (name, members, word) in enumerate(history):
            path = folder / name
            if not word:
                path.unlink(missing_ok=True)
            elif name.startswith("g"):
                write(
                    path,
                    choir(*(f"urn:uuid:{one}" for one in sorted(members)), name=word),
                    OLD + step,
                )
            else:
                spouses = [f"RELATED;TYPE=spouse:urn:uuid:{one}" for one in sorted(members)]
                write(
                    path, vcard(f"UID:{name[1]}", f"FN:{word}", *spouses, version="4.0"), OLD + step
                )
            found = fetch(context(folder, state=state))
            stand = {item.group for item in found if isinstance(item, Unchanged)}
            there = {uid: one for uid, one in there.items() if one.group in stand}
            there |= {item.uid: item for item in found if isinstance(item, Person)}
            assert there == {item.uid: item for item in fetch(context(folder))}


@pytest.mark.parametrize(
    "bad",
    [
        vcard("UID:bad", "TITLE:nobody"),
        vcard("UID:bad", "FN;ENCODING=b:/w=", "TITLE:x"),
        vcard("UID:bad", "FN;ENCODING=QUOTED-PRINTABLE;CHARSET=no-such:=FF", "TITLE:x"),
    ],
)
def test_a_bad_card_costs_only_itself(read, bad):
    good, error = read(vcard("FN:A"), bad)
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
    _, error = fetch(context(tmp_path, state=state))
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

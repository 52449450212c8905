"""Files as a source: read when they change, kept when they cannot be read, told apart."""

from __future__ import annotations

import codecs
import importlib
import json
import os
import re
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from twind.api import (
    Claim,
    Context,
    Fact,
    Files,
    Person,
    RecordError,
    Settings,
    SourceFile,
    Unchanged,
    Window,
    files_under,
)
from twind.contentlines import unfolded
from twind.files import MISSING

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD = int(datetime(2026, 2, 1, tzinfo=UTC).timestamp())


class Sources(Settings):
    paths: list[Path]
    max_mib: float = 1


def context(*paths: Path, state=None, window=WINDOW, now=NOW) -> Context[Sources]:
    """Return a context whose state has been through JSON, as the core's has."""
    state = {} if state is None else state
    kept = json.loads(json.dumps(state))
    state.clear()
    state.update(kept)
    return Context(settings=Sources(paths=list(paths)), window=window, now=now, state=state)


def files_of(ctx, **more) -> Files:
    return Files(ctx, ctx.settings.paths, ".txt", max_mib=ctx.settings.max_mib, **more)


def write(path: Path, text: str | bytes, mtime: float = OLD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (mtime, mtime))
    return path


def people(file: SourceFile):
    """Read lines "uid name"; "!uid" is a bad one, and "?" a file that nobody can read."""
    for number, line in enumerate(file.text.splitlines(), start=1):
        uid, _, name = line.partition(" ")
        if uid.startswith("!"):
            yield file.error("is bad", uid=uid[1:], line=number)
        elif uid == "?":
            raise KeyError(uid)
        else:
            yield Person(uid=uid, name=name)


def each(ctx, parse=people, **more) -> list:
    return list(files_of(ctx, **more).each(parse))


def crowd(files):
    """One person made of all files."""
    names = [f"{file.path.name}={file.text}" for file in files]
    if files:
        yield Person(uid="all", name=" ".join(names), group=files[0].group)
    yield from (file.error("is bad", uid="bad") for file in files if "!" in file.text)


def together(ctx, parse=crowd, **more) -> list:
    return list(files_of(ctx, **more).together(parse))


def said(found: list) -> dict[str, str]:
    return {item.uid: item.name for item in found if isinstance(item, Person)}


def problems(found: list) -> dict[str, str]:
    return {item.uid: item.reason for item in found if isinstance(item, RecordError)}


# --- which files ---------------------------------------------------------------------------------


def test_files_under_folders(tmp_path):
    for name in ("b.ics", "a.ICS", "sub/c.ics", "note.txt", ".hidden.ics", ".git/d.ics"):
        write(tmp_path / "in" / name, "")
    odd = write(tmp_path / "given.dat", "")
    root = tmp_path / "in"
    (root / "loose.ics").symlink_to(tmp_path / "nowhere")
    found = list(files_under([root, odd], ".ics"))
    assert found == [root / "a.ICS", root / "b.ics", root / "sub" / "c.ics", odd]
    assert root / "note.txt" in list(files_under([root]))


@pytest.mark.parametrize("read", [each, together])
def test_a_link_to_a_folder_is_told_and_not_followed(tmp_path, read):
    root, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    write(root / "sub" / "a.txt", "u Ada")
    write(elsewhere / "b.txt", "v Bob")
    (root / "round").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (root / "twice").symlink_to(root / "sub")
    (root / "other").symlink_to(elsewhere)
    found = read(context(root))
    assert len(said(found)) == 1
    told = problems(found)
    assert told.keys() == {str(root / "up"), str(root / "other")}
    assert all("name that folder in the settings" in reason for reason in told.values())
    found = read(context(root, elsewhere))
    assert "Bob" in str(said(found))
    assert problems(found).keys() == {str(root / "up")}


def test_a_folder_replaced_by_a_link_keeps_what_it_had(tmp_path):
    path = write(tmp_path / "in" / "sub" / "a.txt", "u Ada")
    state: dict = {}
    each(context(tmp_path / "in", state=state))
    path.parent.rename(tmp_path / "moved")
    path.parent.symlink_to(tmp_path / "moved")
    found = each(context(tmp_path / "in", state=state))
    assert problems(found).keys() == {str(path.parent)}
    assert Unchanged(str(path)) in found


def test_a_vanished_source_does_not_look_empty(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone"):
        list(files_under([tmp_path / "gone"], ".ics"))
    for read in (each, together):
        with pytest.raises(FileNotFoundError, match="gone"):
            read(context(tmp_path / "gone", tmp_path / "lost"))


@pytest.mark.parametrize("read", [each, together])
def test_a_path_that_is_gone_costs_only_itself(tmp_path, read):
    """A share that is not mounted looks neither emptied nor like the loss of the whole source."""
    shelf, share = tmp_path / "shelf", tmp_path / "share"
    kept, changed = write(share / "a.txt", "u Ada"), write(shelf / "b.txt", "v Bob")
    late = write(tmp_path / "late.txt", "x Dee")
    state: dict = {}
    read(context(shelf, share, late, state=state))
    share.rename(tmp_path / "elsewhere")
    late.rename(tmp_path / "later")
    write(changed, "w Cy", OLD + 1)
    for _ in range(2):
        found = read(context(shelf, share, late, state=state))
        assert problems(found) == {str(share): MISSING, str(late): MISSING}
        assert Unchanged(str(kept)) in found
        assert "Ada" not in str(said(found))
    (tmp_path / "elsewhere").rename(share)
    (tmp_path / "later").rename(late)
    found = read(context(shelf, share, late, state=state))
    assert not problems(found)
    assert all(name in str(said(found)) for name in ("Ada", "Dee"))


def test_a_path_that_was_never_there_is_told_and_the_others_are_read(tmp_path):
    write(tmp_path / "in" / "a.txt", "u Ada")
    found = each(context(tmp_path / "gone", tmp_path / "in"))
    assert said(found) == {"u": "Ada"}
    assert problems(found) == {str(tmp_path / "gone"): MISSING}


@pytest.mark.parametrize("read", [each, together])
def test_without_files_there_is_nothing(tmp_path, read):
    assert read(context()) == []
    assert read(context(tmp_path)) == []


def test_a_file_named_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada")
    assert said(each(context(path, tmp_path, tmp_path))) == {"u": "Ada"}


def test_only_some_of_a_folder_but_what_is_named(tmp_path):
    write(tmp_path / "in" / "list.txt", "u Ada")
    write(tmp_path / "in" / "notes.txt", "v Bob")
    named = write(tmp_path / "other.dat", "w Cy")
    found = each(context(tmp_path / "in", named), only=re.compile("list"))
    assert said(found) == {"u": "Ada", "w": "Cy"}
    found = each(context(tmp_path / "in", named), named=lambda path: path.suffix == ".txt")
    assert said(found) == {"u": "Ada", "v": "Bob"}


@pytest.mark.parametrize("read", [each, together])
def test_a_name_that_is_no_unicode(tmp_path, read):
    path = tmp_path / os.fsdecode(b"K\xe4se.txt")
    write(path, "u Ada")
    [found] = read(context(tmp_path))
    assert found.group.encode().endswith(rb"K\xe4se.txt")


# --- one file after the other --------------------------------------------------------------------


def test_records_belong_to_their_file(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada\n!v\nw Bob")
    assert each(context(tmp_path)) == [
        Person(uid="u", name="Ada", group=str(path)),
        RecordError("v", "a.txt, line 2: is bad", str(path)),
        Person(uid="w", name="Bob", group=str(path)),
    ]


def test_an_untouched_file_is_not_read_again(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada\n!v")
    state: dict = {}
    first = each(context(tmp_path, state=state))
    write(path, "w Bob\n!v")
    again = each(context(tmp_path, state=state))
    assert again == [Unchanged(str(path)), first[1]]


def test_of_many_files_only_the_changed_one_is_read(tmp_path):
    paths = [write(tmp_path / f"{n:03}.txt", f"{n} one") for n in range(300)]
    state: dict = {}
    assert len(each(context(tmp_path, state=state))) == 300
    for number, path in enumerate(paths):
        # The same time and length: only who reads them would know.
        write(path, f"{number} two")
    os.utime(paths[7], (OLD + 60, OLD + 60))
    found = each(context(tmp_path, state=state))
    assert said(found) == {"7": "two"}
    assert sum(isinstance(item, Unchanged) for item in found) == 299


def test_the_state_is_small(tmp_path):
    for number in range(100):
        write(tmp_path / f"{number:036}.txt", f"{number:036} somebody")
    ctx = context(tmp_path)
    each(ctx)
    names = len(str(tmp_path)) + 2 * 36
    assert len(json.dumps(ctx.state)) / 100 < names + 150


def test_a_file_touched_but_the_same_is_unchanged_and_then_not_read(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada")
    state: dict = {}
    each(context(path, state=state))
    os.utime(path, (OLD + 60, OLD + 60))
    assert each(context(path, state=state)) == [Unchanged(str(path))]
    write(path, "u Bob", OLD + 60)
    assert each(context(path, state=state)) == [Unchanged(str(path))]


@pytest.mark.parametrize("read", [each, together])
def test_a_file_just_written_is_not_trusted_to_stand(tmp_path, read):
    moment = NOW.timestamp() - 1
    path = write(tmp_path / "a.txt", "u Ada", moment)
    state: dict = {}
    read(context(path, state=state))
    assert read(context(path, state=state)) == [Unchanged(str(path))]
    write(path, "u Bob", moment)
    assert "Bob" in next(iter(said(read(context(path, state=state))).values()))


@pytest.mark.parametrize("read", [each, together])
def test_another_window_settings_or_module_reads_again(tmp_path, read):
    write(tmp_path / "a.txt", "u Ada")
    state: dict = {}
    ctx = context(tmp_path, state=state)
    first = read(ctx)
    later = replace(ctx, window=Window(WINDOW.start, datetime(2028, 1, 1, tzinfo=UTC)))
    assert read(later) == first
    assert read(replace(later, settings=Sources(paths=[tmp_path], max_mib=2))) == first
    assert read(replace(later, emails=frozenset({"me@example.org"}))) == first


def test_a_source_that_knows_no_window_ignores_it(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    state: dict = {}
    each(context(tmp_path, state=state), windowed=False)
    [again] = each(context(tmp_path, state=state, window=Window(WINDOW.start, NOW)), windowed=False)
    assert isinstance(again, Unchanged)


@pytest.mark.parametrize("wrap", [lambda parse: parse, partial])
def test_an_edited_plugin_reads_again(tmp_path, wrap):
    write(tmp_path / "in" / "a.txt", "u Ada")
    state: dict = {}
    for version in (1, 2):
        source = tmp_path / "plugin.py"
        source.write_text(
            "from twind.api import Person\n"
            f"def parse(file):\n    yield Person(uid='u', name='{version}')\n"
        )
        module: dict = {}
        exec(compile(source.read_text(), source, "exec"), module)
        found = each(context(tmp_path / "in", state=state), wrap(module["parse"]))
        assert said(found) == {"u": str(version)}
    assert said(each(context(tmp_path / "in", state=state), wrap(module["parse"]))) == {}


def test_another_twind_reads_again(tmp_path, monkeypatch):
    write(tmp_path / "a.txt", "u Ada")
    state: dict = {}
    first = each(context(tmp_path, state=state))
    # As if what it reads files with said something else.
    monkeypatch.setattr("twind.files._READERS", ("files", "contentlines", "model"))
    assert each(context(tmp_path, state=state)) == first
    assert each(context(tmp_path, state=state)) == [Unchanged(first[0].group)]


def test_an_edited_module_of_a_package_reads_again(tmp_path, monkeypatch):
    write(tmp_path / "in" / "a.txt", "u Ada")
    package = tmp_path / "lib" / "reader"
    monkeypatch.syspath_prepend(tmp_path / "lib")
    write(package / "names.py", "def name(file): return file.text\n")
    write(
        package / "__init__.py",
        "from twind.api import Person\nfrom .names import name\n"
        "def parse(file):\n    yield Person(uid='u', name=name(file))\n",
    )
    parse = importlib.import_module("reader").parse
    monkeypatch.delitem(sys.modules, "reader.names")
    monkeypatch.delitem(sys.modules, "reader")
    state: dict = {}
    each(context(tmp_path / "in", state=state), parse)
    [again] = each(context(tmp_path / "in", state=state), parse)
    assert isinstance(again, Unchanged)
    write(package / "names.py", "def name(file): return 'x'\n")
    [again] = each(context(tmp_path / "in", state=state), parse)
    assert isinstance(again, Person)


def test_a_state_of_another_format_is_left_aside(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    state = {"view": "1", "files": {str(tmp_path / "a.txt"): {"sha256": "", "uids": [["u", ""]]}}}
    assert said(each(context(tmp_path, state=state))) == {"u": "Ada"}


def test_a_fetch_that_breaks_off_keeps_its_state(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    write(tmp_path / "b.txt", "v Bob")
    state: dict = {}
    next(files_of(context(tmp_path, state=state)).each(people))
    assert state == {}


# --- what cannot be read -------------------------------------------------------------------------


def large(path):
    write(path, "u Ada" + " " * 2**20)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def dangling(path):
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def broken(path):
    write(path, "w Cy\n?")


@pytest.mark.parametrize(
    ("read", "obstacle"),
    # What `parse` raises ends a fetch of all together.
    [
        (each, broken),
        *((read, one) for read in (each, together) for one in (large, pipe, dangling)),
    ],
)
def test_an_unreadable_file_names_its_group_and_is_tried_again(tmp_path, read, obstacle):
    path = write(tmp_path / "a.txt", "u Ada")
    other = write(tmp_path / "b.txt", "v Bob")
    state: dict = {}
    first = read(context(tmp_path, state=state))
    obstacle(path)
    for _ in range(3):
        found = read(context(tmp_path, state=state))
        assert [(e.uid, e.group) for e in found if isinstance(e, RecordError)] == [(str(path),) * 2]
        # Its own records are kept by its error, the others' are there.
    assert Unchanged(str(other)) in found
    path.unlink()
    write(path, "u Ada")
    again = read(context(tmp_path, state=state))
    assert said(again) == {"u": "Ada"} if read is each else again == first


def test_an_unreadable_file_keeps_its_uids(tmp_path):
    path = write(tmp_path / "b.txt", "u Ada")
    state: dict = {}
    each(context(tmp_path, state=state))
    write(path, "?")
    write(tmp_path / "a.txt", "u Bob")
    [uid] = said(each(context(tmp_path, state=state)))
    assert uid.startswith("u@")
    write(path, "u Ada", OLD + 1)
    assert said(each(context(tmp_path, state=state))) == {"u": "Ada", uid: "Bob"}


def test_a_file_that_vanishes_while_others_are_read_is_an_error(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    late = write(tmp_path / "b.txt", "v Bob")

    def parse(file):
        late.unlink(missing_ok=True)
        yield from people(file)

    state: dict = {}
    found = each(context(tmp_path, state=state), parse)
    assert problems(found) == {str(late): "No such file or directory"}
    assert each(context(tmp_path, state=state), parse) == [Unchanged(str(tmp_path / "a.txt"))]


def test_a_folder_that_cannot_be_listed_keeps_what_is_in_it(tmp_path, monkeypatch):
    write(tmp_path / "a.txt", "u Ada")
    hidden = write(tmp_path / "sub" / "b.txt", "v Bob")
    state: dict = {}
    first = each(context(tmp_path, state=state))
    scandir = os.scandir

    def refuse(path):
        # Root may list anything: there is no other way to meet this error in every place.
        if Path(path) == hidden.parent:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        for read in (each, together):
            found = read(context(tmp_path, state=dict(state)))
            assert problems(found) == {str(hidden.parent): "Permission denied"}
            assert Unchanged(str(hidden)) in found
            found = read(context(tmp_path / "a.txt", hidden.parent, state=dict(state)))
            assert problems(found) == {str(hidden.parent): "Permission denied"}
            assert Unchanged(str(hidden)) in found
        each(context(tmp_path, state=state))
        with pytest.raises(PermissionError):
            each(context(hidden.parent, state=state))
        with pytest.raises(PermissionError):
            list(files_under([tmp_path], ".txt"))
    assert said(each(context(tmp_path, state=state))) == {"v": "Bob"}
    assert len(first) == 2


def test_a_folder_that_becomes_empty_yields_nothing_and_forgets(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada")
    state: dict = {}
    each(context(tmp_path, state=state))
    path.unlink()
    assert each(context(tmp_path, state=state)) == []
    assert state["files"] == {}


def test_what_is_no_record_is_the_files_error(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    assert "NoneType is no record" in str(problems(each(context(tmp_path), lambda _: [None])))


def test_what_raises_without_a_word_is_an_error_all_the_same(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada")

    def parse(_):
        raise ValueError

    assert problems(each(context(tmp_path), parse)) == {str(path): "ValueError: "}


# --- one uid in several files --------------------------------------------------------------------


def test_within_a_file_copies_go_and_others_are_told_apart(tmp_path):
    write(tmp_path / "a.txt", "u Ada\nu Ada\nu Bob\nu#2 Cy")
    assert said(each(context(tmp_path))) == {"u": "Ada", "u#2": "Bob", "u#2#2": "Cy"}


def test_a_uid_in_two_files(tmp_path):
    for name, text in (("a", "u Ada"), ("b", "u Bob"), ("c", "u Ada")):
        write(tmp_path / f"{name}.txt", text)
    state: dict = {}
    first, second = each(context(tmp_path, state=state))
    assert (first.uid, first.name) == ("u", "Ada")
    assert second.uid.startswith("u@")
    assert {type(item) for item in each(context(tmp_path, state=state))} == {Unchanged}
    (tmp_path / "a.txt").unlink()
    kept = each(context(tmp_path, state=state))
    assert sorted(said(kept).values()) == ["Ada", "Bob"]
    assert "u" in said(kept)


def test_the_file_that_had_a_uid_keeps_it_on_another_day_too(tmp_path):
    write(tmp_path / "b.txt", "u Bob")
    state: dict = {}
    each(context(tmp_path, state=state))
    write(tmp_path / "a.txt", "u Ada")
    new, kept = each(context(tmp_path, state=state))
    assert new.uid.startswith("u@")
    assert kept == Unchanged(str(tmp_path / "b.txt"))
    tomorrow = Window(WINDOW.start, datetime(2027, 1, 2, tzinfo=UTC))
    assert said(each(context(tmp_path, state=state, window=tomorrow)))["u"] == "Bob"


@pytest.mark.parametrize(("source", "target"), [("a", "b"), ("b", "a")])
def test_what_moves_from_one_file_to_another_is_not_lost(tmp_path, source, target):
    write(tmp_path / f"{source}.txt", "u Ada\nv Bob")
    write(tmp_path / f"{target}.txt", "w Cy")
    state: dict = {}
    each(context(tmp_path, state=state))
    write(tmp_path / f"{source}.txt", "v Bob")
    write(tmp_path / f"{target}.txt", "u Ada\nw Cy")
    moved = each(context(tmp_path, state=state))
    assert {item.uid: item.group for item in moved}["u"] == str(tmp_path / f"{target}.txt")


def test_a_claim_is_read_under_the_uid_it_gets_and_fenced(tmp_path):
    write(tmp_path / "a.txt", "one")
    write(tmp_path / "b.txt", "two")

    def series(text, uid):
        yield Person(uid=f"{uid}/1", name=text)
        raise KeyError("DTSTART")

    def parse(file):
        yield Claim("u", file.text, partial(series, file.text), line=3)

    state: dict = {}
    found = each(context(tmp_path, state=state), parse)
    mine, bad, other, also = found
    assert (mine.uid, bad.uid) == ("u/1", "u")
    assert bad.reason == "a.txt, line 3: KeyError: 'DTSTART'"
    assert other.uid == f"{also.uid}/1"
    assert also.uid.startswith("u@")
    again = each(context(tmp_path, state=state), parse)
    assert [item for item in again if isinstance(item, RecordError)] == [bad, also]


# --- what files tell each other ------------------------------------------------------------------


def acquainted(ctx) -> list:
    """Read lines "uid name", and "+uid note", which is a note on that uid wherever it stands."""
    files = files_of(ctx)

    def noted(file, name, uid):
        notes = files.facts(f"note on {uid}", file)
        yield Person(uid=uid, name=name, note=" ".join(notes))

    def parse(file):
        for line in file.text.splitlines():
            uid, _, text = line.partition(" ")
            if uid == "?":
                raise ValueError("is unreadable")
            if uid.startswith("+"):
                yield Fact(f"note on {uid[1:]}", text)
            else:
                yield Claim(uid, text, partial(noted, file, text))

    return list(files.each(parse))


def notes(found: list) -> dict[str, str]:
    return {item.uid: item.note for item in found if isinstance(item, Person)}


def test_records_are_made_of_what_other_files_say(tmp_path):
    write(tmp_path / "a.txt", "u Ada\n+v tall")
    write(tmp_path / "b.txt", "v Bob\n+u kind\n+v thin")
    assert notes(acquainted(context(tmp_path))) == {"u": "kind", "v": "tall thin"}


def test_only_what_rests_on_a_change_is_parsed_again(tmp_path):
    for name, text in (("a", "+u tall"), ("b", "u Ada"), ("c", "v Bob"), ("d", "w Cy")):
        write(tmp_path / f"{name}.txt", text)
    state: dict = {}
    assert notes(acquainted(context(tmp_path, state=state))) == {"u": "tall", "v": "", "w": ""}
    # The same time and length: only who reads it would know.
    write(tmp_path / "d.txt", "x Cy")
    write(tmp_path / "a.txt", "+v tall", OLD + 1)
    assert notes(acquainted(context(tmp_path, state=state))) == {"u": "", "v": "tall"}
    assert notes(acquainted(context(tmp_path, state=state))) == {}
    write(tmp_path / "a.txt", "+v thin", OLD + 1)
    write(tmp_path / "c.txt", "v Bo", OLD + 2)
    assert notes(acquainted(context(tmp_path, state=state))) == {"v": "tall"}


def test_what_an_unreadable_file_has_said_stands_until_it_is_gone(tmp_path):
    path = write(tmp_path / "a.txt", "+u tall")
    write(tmp_path / "b.txt", "u Ada")
    state: dict = {}
    acquainted(context(tmp_path, state=state))
    write(path, "?", OLD + 1)
    for number in (1, 2):
        write(tmp_path / "b.txt", f"u Ada{number}", OLD + number)
        assert notes(acquainted(context(tmp_path, state=state))) == {"u": "tall"}
    path.unlink()
    assert notes(acquainted(context(tmp_path, state=state))) == {"u": ""}


def test_nobody_can_ask_before_all_have_spoken(tmp_path):
    path = write(tmp_path / "a.txt", "u Ada")
    files = files_of(context(path))
    [error] = files.each(lambda file: list(files.facts("u", file)))
    assert "known to the records of a Claim" in error.reason


# --- all files together --------------------------------------------------------------------------


def test_all_are_read_when_one_has_changed(tmp_path):
    write(tmp_path / "a.txt", "1")
    write(tmp_path / "b.txt", "2!")
    state: dict = {}
    first = together(context(tmp_path, state=state))
    assert said(first) == {"all": "a.txt=1 b.txt=2!"}
    stands = [
        Unchanged(str(tmp_path / "a.txt")),
        Unchanged(str(tmp_path / "b.txt")),
        RecordError("bad", "is bad", str(tmp_path / "b.txt")),
    ]
    assert together(context(tmp_path, state=state)) == stands
    os.utime(tmp_path / "a.txt", (OLD + 1, OLD + 1))
    assert together(context(tmp_path, state=state)) == stands
    write(tmp_path / "a.txt", "3")
    os.utime(tmp_path / "a.txt", (OLD + 2, OLD + 2))
    assert said(together(context(tmp_path, state=state))) == {"all": "a.txt=3 b.txt=2!"}
    (tmp_path / "b.txt").unlink()
    assert said(together(context(tmp_path, state=state))) == {"all": "a.txt=3"}
    write(tmp_path / "c.txt", "4")
    assert said(together(context(tmp_path, state=state))) == {"all": "a.txt=3 c.txt=4"}


def test_together_each_record_names_its_file(tmp_path):
    write(tmp_path / "a.txt", "u Ada")
    with pytest.raises(ValueError, match="u names no file as its group: ''"):
        together(context(tmp_path), lambda _: [Person(uid="u", name="Ada")])


# --- bytes ---------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))


def text_of(data: bytes) -> str:
    return SourceFile(Path("x"), data).text


@given(words)
def test_text_is_read_in_any_unicode(text):
    assert text_of(text.encode()) == text
    assert text_of(text.encode("utf-8-sig")) == text
    assert text_of(text.encode("utf-16")) == text
    assert text_of(b"\xfe\xff" + text.encode("utf-16-be")) == text
    assert text_of(text.encode("utf-32")) == text
    for codec in ("utf-16-le", "utf-16-be"):
        assert text_of(f"BEGIN:{text}".encode(codec)) == f"BEGIN:{text}"


@given(st.lists(st.tuples(st.sampled_from("äöüßéñ€“"), st.from_regex("[a-z ]+", fullmatch=True))))
def test_text_that_is_no_unicode_is_latin(parts):
    text = "".join(letter + rest for letter, rest in parts)
    assert text_of(text.encode("cp1252")) == text


@given(st.text("aäß€😀", min_size=1), st.integers(1, 9), st.sampled_from(["\r\n", "\n", "\r"]))
def test_a_character_that_a_fold_goes_through_is_whole(text, width, newline):
    line = f"SUMMARY:Größe {text}"
    data = line.encode()
    # No character but one that is folded at each byte is gone through by two.
    parts = [data[:width], *(data[at : at + 6] for at in range(width, len(data), 6))]
    folded = f"{newline} ".encode().join(parts)
    for mark in (b"", codecs.BOM_UTF8):
        read = text_of(mark + folded)
        assert list(unfolded(read)) == [(1, line)]
        assert len(read.split(newline)) == len(parts)


def test_what_is_no_utf_8_is_not_mended():
    text = "SUMMARY:für Käthe Ã\r\n »schön«"
    assert text_of(text.encode("cp1252")) == text


@given(words, st.integers(0, 200))
def test_one_broken_character_does_not_spoil_the_others(text, place):
    text = f"{'Grüße aus Köln'} {text}"
    data = text.encode()
    place = min(place, len(data))
    assert "Köln" in text_of(data + b"\xc3")
    before = data[:place].decode("utf-8", "ignore")
    assert text_of(before.encode() + b"\xff" + "Grüße".encode()) == f"{before}\ufffdGrüße"


@given(st.binary())
def test_no_bytes_raise(data):
    assert isinstance(text_of(data), str)


def test_errors_say_where_and_what():
    file = SourceFile(Path("/d/a.txt"), b"")
    assert file.error("is bad") == RecordError("/d/a.txt", "is bad", "/d/a.txt")
    assert file.error("is bad", line=3) == RecordError(
        "/d/a.txt#3", "a.txt, line 3: is bad", "/d/a.txt"
    )
    assert file.error(PermissionError(13, "Permission denied"), uid="u").reason == (
        "Permission denied"
    )
    assert file.error(ValueError("no\n date")).reason == "no date"
    assert file.error(KeyError("DTSTART")).reason == "KeyError: 'DTSTART'"


# --- any history ---------------------------------------------------------------------------------

lines = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from("12")), max_size=4)
names = st.sampled_from(["a.txt", "b.txt", "sub/c.txt", "sub/d.txt"])


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens to the files, an incremental source ends where a fresh one would."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.state: dict = {}
        self.ticks = 0
        self.days = 1
        self.there: dict[str, tuple[str, str]] = {}
        self.content: dict[str, set[tuple[str, str]]] = {}
        self.read: dict[str, set[tuple[str, str]]] = {}

    def teardown(self):
        self.folder.cleanup()

    def put(self, name, text):
        self.ticks += 1
        write(self.root / name, text, OLD + self.ticks)

    @rule(name=names, rows=lines)
    def write(self, name, rows):
        self.put(name, "\n".join(f"{uid} {text}" for uid, text in rows))
        self.content[name] = set(rows)

    @rule(name=names)
    def spoil(self, name):
        self.put(name, "?")
        self.content[name] = None

    @rule(name=names)
    def delete(self, name):
        (self.root / name).unlink(missing_ok=True)
        self.content.pop(name, None)

    @rule(name=names)
    def touch(self, name):
        if name in self.content:
            self.put(name, (self.root / name).read_bytes())

    @rule(old=names, new=names)
    def move(self, old, new):
        if old in self.content:
            (self.root / new).parent.mkdir(exist_ok=True)
            (self.root / old).rename(self.root / new)
            self.content[new] = self.content.pop(old)

    @rule()
    def another_day(self):
        self.days += 1

    @rule()
    def sync(self):
        window = Window(WINDOW.start, datetime(2027, 1, self.days % 28 + 1, tzinfo=UTC))
        before = dict(self.there)
        found = each(context(self.root, state=self.state, window=window))
        self._apply(found)
        self._complete()
        self._stable(before)

    def _apply(self, found):
        """Do as the core does: see twind.store.records.apply."""
        stands = {item.group for item in found if isinstance(item, Unchanged)}
        stands |= problems(found).keys()
        people = [item for item in found if isinstance(item, Person)]
        there = {uid: one for uid, one in self.there.items() if one[0] in stands}
        # Nobody is named twice, and nobody takes a name that stands.
        assert len({item.uid for item in people}) == len(people)
        assert not there.keys() & {item.uid for item in people}
        self.there = there | {item.uid: (item.group, item.name) for item in people}

    def _complete(self):
        """All that the files say is there, and nothing else."""
        self.read = {
            name: self.read.get(name, set()) if rows is None else rows
            for name, rows in self.content.items()
        }
        there = {(uid[0], text) for uid, (_, text) in self.there.items()}
        readable = [rows for rows in self.content.values() if rows is not None]
        assert set().union(*readable) <= there <= set().union(*self.read.values())

    def _stable(self, before):
        """Who had a uid and still claims it has it still."""
        for uid, (group, _) in before.items():
            rows = self.content.get(os.path.relpath(group, self.root))
            if len(uid) == 1 and rows is not None and uid in {own for own, _ in rows}:
                assert self.there[uid][0] == group


AnyHistory.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
test_any_history = AnyHistory.TestCase


# --- what the documents say ----------------------------------------------------------------------


def test_the_example_of_the_guide_runs(tmp_path):
    guide = Path(__file__).parent.parent / "docs" / "plugins.md"
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    [example] = [block for block in blocks if "Files(" in block]
    module: dict = {"__name__": "example"}
    exec(compile(example, str(guide), "exec"), module)
    path = write(tmp_path / "a.txt", "Ada, 1815-12-10\nBob, soon\n")
    state: dict = {}
    ada, bob = module["fetch"](None, context(tmp_path, state=state))
    assert (ada.uid, ada.birthday.year, ada.group) == ("Ada", 1815, str(path))
    assert (bob.uid, bob.reason.partition(": ")[0]) == ("Bob", "a.txt, line 2")
    assert list(module["fetch"](None, context(tmp_path, state=state))) == [
        Unchanged(str(path)),
        bob,
    ]

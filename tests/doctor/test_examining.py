import pytest

from twind.doctor import CHECKS, Check, Finding, examine
from twind.doctor.finding import NothingYetError
from twind.errors import NotFoundError, TwindError


def severities(subject, *checks, **more):
    return {one.id: one.severity for one in examine(subject, checks, **more)}


def raising(error):
    def look(_subject):
        raise error

    return look


def fine(_subject):
    return Finding("ok", "fine")


def test_no_check_takes_the_others_with_it(examined):
    told = examine(
        examined(),
        (
            Check("bug", raising(ZeroDivisionError("by\nzero"))),
            Check("ours", raising(NotFoundError("no such thing"))),
            Check("nothing", raising(NothingYetError("nothing yet"))),
            Check("fine", fine),
        ),
    )
    assert [(one.id, one.severity, one.is_fine) for one in told] == [
        ("bug", "error", False),
        ("ours", "error", False),
        ("nothing", "ok", True),
        ("fine", "ok", True),
    ]
    assert told[0].finding.saw == "the check itself failed: ZeroDivisionError: by\nzero"
    assert told[1].finding.saw == "no such thing"


@pytest.mark.parametrize(
    ("finding", "after"),
    [
        (Finding("error", "bad"), "notice"),
        (Finding("notice", "not yet", blocks=True), "notice"),
        (Finding("warning", "hm"), "ok"),
    ],
)
def test_what_cannot_be_looked_at_is_left_out_down_to_the_last(examined, finding, after):
    told = severities(
        examined(),
        Check("first", lambda _subject: finding),
        Check("second", fine, ("first",)),
        Check("third", fine, ("second",)),
        Check("alone", fine),
    )
    assert told == {"first": finding.severity, "second": after, "third": after, "alone": "ok"}


def test_what_can_be_mended_is_where_that_was_asked_for(examined, tmp_path):
    file = tmp_path / "missing"

    def look(_subject):
        if file.exists():
            return Finding("ok", "there")
        return Finding("error", "missing", repair=lambda: file.touch() or "made it")

    check = Check("file", look)
    [one] = examine(examined(), [check])
    assert (one.severity, one.fixed) == ("error", "")
    [one] = examine(examined(), [check], fix=True)
    assert (one.severity, one.fixed) == ("ok", "made it")
    [one] = examine(examined(), [check], fix=True)
    assert (one.severity, one.fixed) == ("ok", "")


@pytest.mark.parametrize("error", [OSError("full"), TwindError("full")])
def test_a_repair_that_fails_is_told_and_what_was_found_stays(examined, error):
    look = lambda _subject: Finding("warning", "bad", "do it", repair=lambda: raising(error)(0))  # noqa: E731
    [one] = examine(examined(), [Check("file", look)], fix=True)
    assert (one.severity, one.fixed, one.finding.do) == ("warning", "", "do it")
    assert one.finding.saw == "bad; it could not be mended: full"


def test_every_check_comes_after_those_it_needs():
    seen = set()
    for check in CHECKS:
        assert seen.issuperset(check.needs), check.id
        assert check.id not in seen
        seen.add(check.id)


def test_a_home_with_nothing_in_it_is_looked_at_and_left_alone(examined, home):
    before = sorted(home.root.rglob("*"))
    told = {one.id: one for one in examine(examined(), CHECKS)}
    assert {name for name, one in told.items() if not one.is_fine} == {"daemon"}
    assert told["database"].finding.saw == "there is no database yet"
    assert sorted(home.root.rglob("*")) == before


def test_a_damaged_database_is_one_error_and_nothing_is_written(examined, home):
    home.database.write_bytes(b"not a database" * 1000)
    before = home.database.read_bytes()
    told = {one.id: one for one in examine(examined(), CHECKS)}
    assert {name for name, one in told.items() if one.severity == "error"} == {"database"}
    assert told["sources"].finding.saw == "not looked at: schema has to be put right first"
    assert home.database.read_bytes() == before
    assert [path.name for path in home.root.iterdir()] == ["twind.db"]


def test_bad_settings_are_one_error(examined, home, db):
    home.config_file.write_text("nonsense = 1\n")
    home.config_file.chmod(0o600)
    told = {one.id: one for one in examine(examined(), CHECKS)}
    assert {name for name, one in told.items() if one.severity == "error"} == {"configuration"}
    assert "nonsense: unknown key" in told["configuration"].finding.saw
    assert told["database"].severity == "ok"

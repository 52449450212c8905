"""`twind backup` and `twind restore`, as they are typed."""

from __future__ import annotations

from twind.home import Home
from twind.store import Store


def test_there_and_back(db, home, say, tmp_path):
    db.meta_set("told", "something")
    made = say("backup", str(tmp_path / "b.zip"))
    assert made["file"] == str(tmp_path / "b.zip")
    assert made["files"].keys() == {"twind.db"}
    assert say("restore", str(tmp_path / "b.zip"), "--verify") == made
    elsewhere = Home.under(tmp_path / "elsewhere")
    assert say("restore", str(tmp_path / "b.zip"), on=elsewhere)["home"] == str(elsewhere.state_dir)
    with Store.open(elsewhere.database) as restored:
        assert restored.meta_get("told") == "something"
    again = say("restore", str(tmp_path / "b.zip"), expect=1, on=elsewhere)
    assert again["code"] == "backup"
    assert "fresh place" in again["message"]


def test_by_itself_it_goes_among_those_that_are_kept(home, say):
    assert say("backup", "--verify", expect=1)["code"] == "not_found"
    made = say("backup")
    [kept] = home.backups_dir.iterdir()
    assert made["file"] == str(kept)
    assert say("backup", "--verify")["backups"] == [made]


def test_a_file_that_is_there_is_not_replaced(home, say, tmp_path):
    (tmp_path / "mine.zip").write_text("mine", "utf-8")
    error = say("backup", str(tmp_path / "mine.zip"), expect=1)
    assert "is there already" in error["message"]
    assert (tmp_path / "mine.zip").read_text("utf-8") == "mine"


def test_a_folder_that_is_not_there_may_be_a_stick_that_is_not_in(home, say, tmp_path):
    error = say("backup", str(tmp_path / "stick" / "mine.zip"), expect=1)
    assert f"{tmp_path / 'stick'} is not there" in error["message"]
    assert not (tmp_path / "stick").exists()


def test_all_are_read_and_the_bad_one_is_named(home, say, capsys):
    made = say("backup")
    bad = home.backups_dir / "twind-20200101T000000Z.zip"
    bad.write_bytes(b"PK")
    error = say("backup", "--verify", expect=1)
    assert error["message"].startswith(f"1 of 2 backups is no good: {bad}: ")
    assert say("backup", "--verify", made["file"])["backups"] == [made]


def test_what_is_no_good_is_told_once(home, run, say, tmp_path):
    nowhere = tmp_path / "nope.zip"
    code, told = run("backup", str(nowhere), "--verify")
    assert (code, told.out, told.err.count("\n")) == (1, "", 1)
    assert told.err.startswith(f"twind: {nowhere}")
    home.backups_dir.mkdir()
    for year in (2020, 2021):
        (home.backups_dir / f"twind-{year}0101T000000Z.zip").write_bytes(b"PK")
    code, told = run("backup", "--verify")
    assert (code, told.out) == (1, "")
    assert [told.err.count(f"twind-{year}") for year in (2020, 2021)] == [1, 1]
    assert "2 of 2 backups are no good" in told.err

import os
import shutil
import stat
from collections import namedtuple

import pytest

from twind.doctor import places

as_nobody = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_that_are_missing_are_made_for_the_owner_alone(examined, home):
    home.root.rmdir()
    finding = places.folders(examined())
    assert (finding.severity, finding.facts["missing"]) == ("notice", 1)
    assert finding.repair() == f"made {home.root}"
    assert mode(home.root) == 0o700
    assert places.folders(examined()).severity == "ok"


@as_nobody
def test_a_folder_that_cannot_be_written_to_is_an_error(examined, home):
    home.root.chmod(0o500)
    assert places.folders(examined()).severity == "error"


def test_what_others_can_read_is_closed_to_them_and_to_them_alone(examined, home, db):
    home.root.chmod(0o755)
    home.config_file.write_text("")
    home.config_file.chmod(0o644)
    home.database.chmod(0o664)
    finding = places.privacy(examined())
    assert finding.severity == "warning"
    assert str(home.database) in finding.saw
    assert str(home.config_file) in finding.saw
    finding.repair()
    assert (mode(home.database), mode(home.config_file)) == (0o660, 0o640)
    assert places.privacy(examined()).severity == "ok"


def test_what_lies_in_a_closed_folder_is_nobodys_to_read(examined, home, db):
    home.database.chmod(0o644)
    home.root.chmod(0o700)
    assert places.privacy(examined()).severity == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_configuration_that_somebody_hands_over_stays_as_it_is(examined, home):
    home.root.chmod(0o755)
    home.config_file.write_text("")
    home.config_file.chmod(0o644)
    os.chown(home.config_file, 12345, 12345)
    assert places.privacy(examined()).severity == "ok"


def test_a_plugin_that_anybody_may_change_is_an_error(examined, home):
    [folder] = home.plugin_dirs
    folder.mkdir()
    file = folder / "mine" / "part.py"
    file.parent.mkdir()
    file.write_text("")
    file.chmod(0o666)
    finding = places.privacy(examined())
    assert (finding.severity, finding.facts) == ("error", {"readable": 0, "writable": 1})
    assert finding.repair() == f"closed to others: {file}"
    assert mode(file) == 0o664
    assert places.privacy(examined()).severity == "ok"


@pytest.mark.parametrize(
    ("free", "severity"), [(10**6, "error"), (150 * 10**6, "warning"), (10**10, "ok")]
)
def test_room(examined, home, monkeypatch, free, severity):
    # A disk that is almost full cannot be had for every test: only its number is made up.
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**12, 0, free))
    with home.database.open("wb") as file:
        file.truncate(30 * 10**6)
    assert places.space(examined()).severity == severity


def test_room_is_asked_for_where_the_home_will_be(examined, home):
    home.root.rmdir()
    assert str(home.root.parent) in places.space(examined()).saw


def test_no_configuration_is_a_notice(examined, home):
    assert places.configuration(examined()).severity == "notice"
    home.config_file.write_text("")
    assert places.configuration(examined()).severity == "ok"

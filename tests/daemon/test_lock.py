import os
import stat

import pytest

from twind.daemon import lock
from twind.errors import HomeHeldError, TwindError


def test_a_second_holder_is_refused_in_one_line_that_names_the_first(tmp_path):
    path = tmp_path / "state" / "twind.lock"
    with lock.held(path):
        with pytest.raises(HomeHeldError, match=rf"process {os.getpid()}\)$"), lock.held(path):
            pass
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with lock.held(path):
        pass


def test_the_next_holder_learns_whether_the_last_one_died(tmp_path):
    path = tmp_path / "twind.lock"
    with lock.held(path) as died:
        assert not died
        kept = path.read_bytes()
    with lock.held(path) as died:
        assert not died
    path.write_bytes(kept)  # as whoever is killed leaves it
    with lock.held(path, daemon=False) as died:
        assert died
    with lock.held(path) as died:
        assert died
    with lock.held(path, daemon=False) as died:
        assert not died
    with lock.held(path) as died:
        assert not died


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TwindError, match="cannot be made"), lock.held(tmp_path / "file" / "lock"):
        pass

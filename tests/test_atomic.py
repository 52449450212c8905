"""Files that are whole or absent."""

from __future__ import annotations

import pytest

from twind import atomic


@pytest.fixture
def path(tmp_path):
    """A file to be copied."""
    path = tmp_path / "here"
    path.write_bytes(b"all of it")
    return path


@pytest.fixture
def place(tmp_path):
    """Where it is copied to."""
    (tmp_path / "aside").mkdir()
    return tmp_path / "aside" / "there"


def test_a_copy_is_as_the_file_was(path, place):
    path.chmod(0o600)
    atomic.copy(path, place)
    assert place.read_bytes() == b"all of it"
    assert place.stat().st_mode == path.stat().st_mode
    assert place.stat().st_mtime == path.stat().st_mtime
    assert list(place.parent.iterdir()) == [place]


def test_what_a_copy_that_was_cut_short_has_left_is_written_over(path, place):
    (place.parent / ".there.part").write_bytes(b"all")
    atomic.copy(path, place)
    assert place.read_bytes() == b"all of it"
    assert list(place.parent.iterdir()) == [place]


def test_where_it_cannot_be_copied_what_was_there_stays(path, place):
    place.write_bytes(b"before")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        atomic.copy(path, place)
    assert place.read_bytes() == b"before"
    assert list(place.parent.iterdir()) == [place]

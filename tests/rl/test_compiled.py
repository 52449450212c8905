from __future__ import annotations

import os
import subprocess
import sys

import pytest

from twind.rl import compiled

CODE = """\
from twind.rl.compiled import compiled

def triple(x):
    return 3 * x

print(compiled(triple)(14))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return where compiled code would be kept by a process with these variables."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def found(**env):
        for name, value in env.items():
            monkeypatch.setenv(name, str(value))
        return compiled._folder.__wrapped__()

    return found


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "there"
    root.mkdir(mode=0o700)
    return root


def test_it_is_kept_in_the_users_cache_folder_for_their_eyes_only(tmp_path, folder):
    before = os.umask(0o002)
    try:
        found = folder()
    finally:
        os.umask(before)
    assert found.parent == tmp_path / "cache" / "twind"
    assert {one.stat().st_mode & 0o777 for one in (found, found.parent)} == {0o700}


def test_it_is_kept_where_numba_was_told_to(tmp_path, folder, root):
    assert folder(NUMBA_CACHE_DIR=root).parent == root
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_nothing_is_kept_where_others_can_write(folder, root, mode):
    root.chmod(mode)
    assert folder(NUMBA_CACHE_DIR=root) is None


def test_nothing_is_kept_in_a_folder_that_others_can_write_to(folder, root):
    folder(NUMBA_CACHE_DIR=root).chmod(0o720)
    assert folder(NUMBA_CACHE_DIR=root) is None


def test_nothing_is_kept_behind_a_link_in_place_of_the_folder(tmp_path, folder, root):
    (root / f"compiled-{compiled._stamp()}").symlink_to(tmp_path)
    assert folder(NUMBA_CACHE_DIR=root) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a folder away")
def test_nothing_is_kept_in_a_folder_of_somebody_elses(folder, root):
    os.chown(folder(NUMBA_CACHE_DIR=root), 65534, 65534)
    assert folder(NUMBA_CACHE_DIR=root) is None


def test_only_the_latest_states_of_the_sources_are_kept(folder, root):
    for number in range(12):
        old = root / f"compiled-{number:x}"
        old.mkdir()
        os.utime(old, (number, number))
    found = folder(NUMBA_CACHE_DIR=root)
    left = {one.name for one in root.iterdir()}
    assert left == {found.name, *(f"compiled-{number:x}" for number in range(5, 12))}


@pytest.mark.parametrize(("mode", "kept"), [(0o700, 1), (0o770, 0)])
def test_it_runs_and_what_cannot_be_trusted_is_neither_written_nor_read(tmp_path, root, mode, kept):
    root.chmod(mode)
    script = tmp_path / "script.py"
    script.write_text(CODE)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "NUMBA_CACHE_DIR": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "42\n"
    assert len(list(root.glob("compiled-*/*/*.nbi"))) == kept
    assert done.stderr.count("others can write to") == 1 - kept

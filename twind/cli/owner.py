"""Root's commands go on as the user whose twind it is.

Root would leave files in the state folder that the daemon cannot write to, and follow links that
the user has laid.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from twind.home import Home

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM_CACHE = "/var/cache/twind"
"""The system unit's CacheDirectory."""


def step_down(folder: Path, home: Home) -> None:
    """Where root asks, become the user that `folder` is in the hands of, for good; keep to `home`.

    A folder that is root's all the way leaves root as it is.
    """
    if os.geteuid() != 0 or (owner := _first_not_roots(folder)) is None:
        return
    _become(owner.st_uid, owner.st_gid)
    if home == Home.of_system():
        # Who is not root addresses the system's twind by what systemd hands to its unit.
        os.environ["STATE_DIRECTORY"] = str(home.state_dir)
        os.environ["NUMBA_CACHE_DIR"] = SYSTEM_CACHE


def _first_not_roots(folder: Path) -> os.stat_result | None:
    """Return the first entry on the way to `folder` that is not root's, link or not.

    Whoever owns it decides where all below it leads.
    """
    for entry in (*reversed(folder.parents), folder):
        try:
            found = entry.lstat()
        except OSError:
            return None  # what is not there yet will be root's
        if found.st_uid != 0:
            return found
    return None


def _become(uid: int, gid: int) -> None:
    import pwd

    try:
        user = pwd.getpwuid(uid)
    except KeyError:  # a user that is gone, or of another machine
        groups, root = [], "/"
    else:
        gid, root = user.pw_gid, user.pw_dir
        groups = os.getgrouplist(user.pw_name, gid)
        os.environ.update(USER=user.pw_name, LOGNAME=user.pw_name)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.umask(0o077)
    os.environ["HOME"] = root
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[name]

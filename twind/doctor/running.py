"""The daemon and its unit."""

from __future__ import annotations

import os
import pwd
import shutil
import socket as sockets
import stat
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import twind
from twind.clock import parse_utc
from twind.daemon import lock
from twind.doctor.finding import Finding
from twind.errors import NotRunningError, TwindError
from twind.home import Home
from twind.plaintext import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twind.doctor.subject import Subject

START = "start it: systemctl --user start twind, or twind run"
SLACK = timedelta(minutes=10)
SYSTEMCTL_S = 10.0
_PROPERTIES = "LoadState,UnitFileState,ActiveState,Result,NRestarts,MemoryMax"


def daemon(subject: Subject) -> Finding:
    """Hold that a daemon answers, is of this version, and has nothing to complain of."""
    holder = lock.holder(subject.home.lock)
    try:
        status = subject.status
    except NotRunningError as error:
        if holder is None:
            return Finding("warning", str(error), START, {"running": False})
        saw = f"process {holder} holds {subject.home.state_dir}, but nobody answers"
        return Finding("error", saw, "restart it", {"running": True, "answers": False})
    except TwindError as error:
        return Finding("error", str(error), "restart it", {"running": True, "answers": False})
    facts = {"running": True, "answers": True, "uptime_s": round(status["uptime_s"])}
    if status["version"] != twind.__version__:
        saw = f"the daemon is twind {status['version']}, installed is {twind.__version__}"
        return Finding("warning", saw, "restart it", facts)
    if status["problem"]:
        do = "put it right, then: twind ctl reload"
        return Finding("warning", status["problem"], do, facts)
    saw = f"twind {status['version']} has served for {status['uptime_s'] / 3600:.1f} h"
    return Finding("ok", saw + (", paused" if status["paused"] else ""), facts=facts)


def socket(subject: Subject) -> Finding:
    """Hold that the control socket is its owner's alone, and that somebody listens to it."""
    path, home = subject.home.socket, subject.home
    if not path.is_socket():
        return Finding("ok", "no daemon has left a socket behind")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):

        def tighten() -> str:
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)
            return f"closed {path} to others"

        saw = f"{path} has mode {mode:o}"
        return Finding("warning", saw, f"chmod 600 {path}", repair=tighten)
    if lock.holder(home.lock) is None and not _listens(path):
        do = "nothing: the next daemon replaces it"
        return Finding("notice", f"{path} is a dead daemon's", do, repair=lambda: _remove(home))
    return Finding("ok", f"{path} is its owner's alone")


def _listens(path: Path) -> bool:
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            probe.connect(f"/proc/self/fd/{folder}/{path.name}")
        except ConnectionRefusedError:
            return False
        except OSError:
            return True  # Not for us to say.
        finally:
            os.close(folder)
    return True


def _remove(home: Home) -> str:
    # Under the lock: a daemon that starts now would lose its own.
    with lock.held(home.lock, daemon=False):
        home.socket.unlink(missing_ok=True)
    return f"removed {home.socket}"


def heartbeat(subject: Subject) -> Finding:
    """Hold that a running daemon has done something of late."""
    if not subject.is_running:
        return Finding("ok", "no daemon runs")
    last = subject.db.value("SELECT MAX(finished_at) FROM jobs")
    every = timedelta(minutes=subject.settings.schedule.sync_every_min)
    patience = 2 * every + SLACK
    if subject.status["paused"] or timedelta(seconds=subject.status["uptime_s"]) < patience:
        return Finding("ok", "nothing has to have been done yet")
    if last is None:
        return Finding("error", "the daemon has done nothing yet", "restart it")
    ago = subject.clock.now() - parse_utc(last)
    facts = {"last_job_s": round(ago.total_seconds())}
    saw = f"the last job ended {ago.total_seconds() / 60:.0f} min ago"
    if ago > patience and not subject.status["running"]:
        return Finding("error", saw, "restart it, and report it", facts)
    return Finding("ok", saw, facts=facts)


def unit(subject: Subject) -> Finding:
    """Hold that systemd starts the daemon, and leaves it the memory that it counts on."""
    home = subject.home
    if home.root is not None:
        return Finding("ok", f"{home.root} is a home by itself: nothing starts its daemon")
    if not Path("/run/systemd/system").is_dir() or shutil.which("systemctl") is None:
        return Finding("ok", "there is no systemd here")
    of_user = home != Home.of_system()
    shown = _shown(of_user=of_user)
    user = pwd.getpwuid(os.getuid()).pw_name
    lingers = not of_user or Path("/var/lib/systemd/linger", user).exists()
    return judge_unit(shown, lingers=lingers, memory_mib=subject.settings.limits.memory_mib)


def _shown(*, of_user: bool) -> dict[str, str]:
    manager = ["--user"] if of_user else []
    done = subprocess.run(
        ["systemctl", *manager, "show", "twind.service", "-p", _PROPERTIES],
        capture_output=True,
        text=True,
        timeout=SYSTEMCTL_S,
        check=False,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def judge_unit(shown: Mapping[str, str], *, lingers: bool, memory_mib: int) -> Finding:
    """Say what is to be said of a unit: `shown` is what `systemctl show` tells of it."""
    restarts, most = int(shown.get("NRestarts") or 0), shown.get("MemoryMax", "")
    facts = {"restarts": restarts, "lingers": lingers}
    if shown.get("LoadState") != "loaded":
        return Finding("notice", "systemd has no unit for twind", "see docs/installation.md", facts)
    if shown.get("ActiveState") == "failed":
        saw = f"the unit has failed: {shown.get('Result')}"
        return Finding("error", saw, "systemctl status twind says why", facts)
    if most.isdigit() and int(most) >> 20 < memory_mib:
        saw = f"limits.memory_mib is {memory_mib}, the unit's MemoryMax {int(most) >> 20} MiB"
        return Finding("warning", saw, "a training may be killed: set it below MemoryMax", facts)
    if shown.get("UnitFileState") != "enabled":
        saw = "systemd does not start twind by itself"
        return Finding("notice", saw, "systemctl enable twind (--user for yourself)", facts)
    if not lingers:
        saw = "twind ends when you log out"
        return Finding("notice", saw, "loginctl enable-linger keeps it running", facts)
    return Finding("ok", f"systemd starts it; {counted(restarts, 'restart')} since", facts=facts)

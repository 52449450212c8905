"""A real systemd, booted for a test from this machine's own files, which stay as they are."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import twind

CHECKOUT = Path(__file__).resolve().parents[2]
BOOT = Path(__file__).with_name("boot.sh")
PYTHON = Path("/usr/bin/python3")
PACKAGES = sysconfig.get_path("purelib")
LIFE = "/home/ada/life"
DROP_INS = "/etc/systemd/system/twind.service.d"
CONFIGURATION = f"""\
[profile]
timezone = "UTC"
[hours]
quiet = []
[training]
enabled = false
[plugins.calendar]
paths = ["{LIFE}/cal.ics"]
[plugins.contacts]
paths = ["{LIFE}/people.vcf"]
[plugins.tasks]
paths = ["{LIFE}/todo.txt"]
"""
# What builds twind is borrowed, too. (pip reads its own variable the other way round.)
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def why_not() -> str:
    """Return why a systemd cannot be booted here, or ""."""
    if os.geteuid() != 0:
        return "needs root"
    for needed in ("unshare", "nsenter", "setpriv", "systemctl", "systemd-analyze"):
        if shutil.which(needed) is None:
            return f"needs {needed}"
    shown = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True)
    if f"Python {sysconfig.get_python_version()}." not in shown.stdout:
        return f"{PYTHON} is not Python {sysconfig.get_python_version()}"
    if Path(twind.__file__).resolve().is_relative_to("/tmp"):
        return "the unit's PrivateTmp hides a checkout under /tmp"
    return ""


class Machine:
    """A machine with a systemd and no services but twind's, once that is installed."""

    def __init__(self, state: Path):
        self._groups = state / "groups"
        self._console = (state / "console").open("w+")
        self._boot = subprocess.Popen(
            [BOOT, state],
            env={**os.environ, "SHOW": f"{CHECKOUT} {PACKAGES}"},
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._init = self._started()
        self.run("systemctl", "is-system-running", "--wait")

    def _started(self, within_s=30.0):
        """Return the process that is PID 1 inside."""
        end = time.monotonic() + within_s
        while time.monotonic() < end and self._boot.poll() is None:
            children = Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text()
            for pid in children.split():
                bus = Path("/proc", pid, "root", "run/dbus/system_bus_socket")
                if Path(f"/proc/{pid}/comm").read_text() == "systemd\n" and bus.exists():
                    return int(pid)
            time.sleep(0.1)
        self._console.seek(0)
        told = self._console.read()
        self.stop()
        raise AssertionError(told)

    def stop(self):
        """Power it off and leave nothing behind."""
        with contextlib.suppress(AttributeError, ProcessLookupError):
            os.kill(self._init, signal.SIGRTMIN + 4)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._boot.wait(20)
        self._boot.kill()
        self._boot.wait()
        self._console.close()
        for line in self._groups.read_text().splitlines() if self._groups.exists() else ():
            for group in sorted(Path(line).glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    group.rmdir()

    def attempt(self, *words, timeout_s=120.0, **env):
        """Run a command as root inside, and return what became of it."""
        enter = ["nsenter", "--target", str(self._init), "--all", "--root", "--wdns=/", "--"]
        given = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/srv", **env}
        return subprocess.run(
            [*enter, "env", "-i", *(f"{name}={value}" for name, value in given.items()), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def run(self, *words, timeout_s=120.0, **env):
        """Run a command that must succeed, and return what it prints to stdout."""
        done = self.attempt(*words, timeout_s=timeout_s, **env)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def user(self, name, *words, timeout_s=120.0, **env):
        """Run a command as a person whose own systemd runs; one that must succeed."""
        uid = self.run("id", "-u", name).strip()
        if self.attempt("test", "-S", f"/run/user/{uid}/bus").returncode:
            self.run("loginctl", "enable-linger", name)
            self.run("sh", "-c", f"until [ -S /run/user/{uid}/bus ]; do sleep 0.1; done")
        return self.run(
            *("setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", *words),
            timeout_s=timeout_s,
            HOME=f"/home/{name}",
            USER=name,
            XDG_RUNTIME_DIR=f"/run/user/{uid}",
            **env,
        )

    def write(self, path, text):
        """Write a file inside, with the folders above it."""
        script = 'mkdir -p "${1%/*}" && printf %s "$2" > "$1"'
        self.run("sh", "-c", script, "sh", path, text)

    def make_venv(self, folder, owner="root"):
        """Make a virtual environment that has what twind needs, and not twind.

        It borrows this Python's packages: to install them takes minutes.
        """
        self.run(PYTHON, "-m", "venv", "--without-pip", folder)
        version = sysconfig.get_python_version()
        self.write(f"{folder}/lib/python{version}/site-packages/borrowed.pth", f"{PACKAGES}\n")
        self.run("chown", "-R", f"{owner}:", folder)

    # --- twind's unit ----------------------------------------------------------------------------

    def move_in(self, life):
        """Give Ada a home with a life in it, and install the system's twind, which may read it."""
        self.run("useradd", "--create-home", "ada")
        self.run("chmod", "700", "/home/ada")
        for file in ("cal.ics", "people.vcf", "todo.txt"):
            self.write(f"{LIFE}/{file}", (life / file).read_text())
        self.run("chown", "-R", "ada:", LIFE)
        self.make_venv("/opt/twind")
        self.make("install")
        self.write(f"{DROP_INS}/folders.conf", f"[Service]\nBindReadOnlyPaths=-{LIFE}\n")
        self.write("/etc/twind/twind.toml", CONFIGURATION)
        self.run("systemctl", "daemon-reload")

    def make(self, target, *words, checkout=CHECKOUT, check=True, **env):
        """Run `make TARGET` in the checkout, as root; pip may use no network and needs none."""
        command = ("make", "-C", checkout, target, *words)
        done = self.attempt(*command, timeout_s=300.0, **OFFLINE, **env)
        assert not check or done.returncode == 0, (done.stdout, done.stderr)
        return done

    def drop_in(self, name, text):
        """Add a drop-in to the system's unit, or take it away again (None); restart the unit."""
        path = f"{DROP_INS}/{name}.conf"
        if text is None:
            self.run("rm", path)
        else:
            self.write(path, text)
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "restart", "twind")

    def twind(self, *words, timeout_s=1200.0):
        """Run a command of root's `twind` and return its data."""
        shape = json.loads(self.run("/opt/twind/bin/twind", *words, "--json", timeout_s=timeout_s))
        assert shape["ok"], shape
        return shape["data"]

    def unit(self, *properties):
        """Return properties of twind's unit."""
        shown = self.run("systemctl", "show", "twind", "-p", ",".join(properties))
        return dict(line.split("=", 1) for line in shown.splitlines())

    def journal(self):
        """Return twind's lines of the journal."""
        return self.run("journalctl", "-u", "twind", "--no-pager", "-o", "cat")

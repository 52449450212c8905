"""The units under a real systemd, booted for the test by scripts that live beside the checkout.

Skipped, with its reason, where they are not there or this machine cannot run them.
"""

import json
import os
import shutil
import subprocess
import sysconfig
import time
from datetime import UTC, timedelta
from pathlib import Path

import pytest

import twind
from twind.clock import SystemClock

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = Path(os.environ.get("TWIND_SYSTEMD_TOOLS", CHECKOUT.parent / "shared" / "tools"))
PYTHON = Path("/usr/bin/python3")
MAX_EXPOSURE = 2.5

LIFE = "/srv/life"
"""Where the machine has the files of a person: any place that the unit's protection leaves open."""

CONFIGURATION = f"""\
[profile]
timezone = "UTC"
[training]
enabled = false
[plugins.calendar]
paths = ["{LIFE}/cal.ics"]
[plugins.tasks]
paths = ["{LIFE}/todo.txt"]
[plugins.contacts]
paths = ["{LIFE}/people.vcf"]
"""

STOP_S = 5.0

RELOADED = (
    "timeout 20 sh -c 'while systemctl show twind -p ActiveState | grep -q reloading; "
    "do sleep 0.1; done'"
)


def why_not() -> str:
    """Return why a systemd cannot be booted here, or ""."""
    if os.geteuid() != 0:
        return "needs root"
    for needed in ("unshare", "nsenter", "systemctl", "systemd-analyze"):
        if shutil.which(needed) is None:
            return f"needs {needed}"
    if not (TOOLS / "systemd-ctl.sh").exists():
        return f"no systemd-ctl.sh in {TOOLS} (TWIND_SYSTEMD_TOOLS names another folder)"
    shown = subprocess.run([PYTHON, "--version"], capture_output=True, text=True, check=True)
    if f"Python {sysconfig.get_python_version()}." not in shown.stdout:
        return f"{PYTHON} is not Python {sysconfig.get_python_version()}"
    if Path(twind.__file__).resolve().is_relative_to("/tmp"):
        return "the unit's PrivateTmp hides a checkout under /tmp"
    return ""


class Machine:
    """A booted systemd with twind at /opt/twind."""

    def __init__(self, state: Path, venv: Path, life: Path):
        self._env = {
            **os.environ,
            "SYSD_STATE": str(state),
            "SYSD_BIND": f"{venv}:/opt/twind {CHECKOUT}:{CHECKOUT} {life}:{LIFE}",
            "SYSD_PRE": f"cp {CHECKOUT}/systemd/twind.service $R/etc/systemd/system/ && "
            f"cp {CHECKOUT}/systemd/twind-user.service $R/etc/systemd/user/twind.service",
        }

    def ctl(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [TOOLS / "systemd-ctl.sh", *words],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout + ("" if check else done.stderr)

    def run(self, *words: str, check: bool = True) -> str:
        return self.ctl("run", *words, check=check)

    def twind(self, *words: str) -> dict:
        shape = json.loads(self.run("/opt/twind/bin/twind", *words, "--json"))
        assert shape["ok"], shape
        return shape["data"]

    def unit(self, *properties: str) -> dict[str, str]:
        shown = self.run("systemctl", "show", "twind", "-p", ",".join(properties))
        return dict(line.split("=", 1) for line in shown.splitlines())

    def journal(self) -> str:
        return self.run("journalctl", "-u", "twind", "--no-pager", "-o", "cat")


def make_venv(venv: Path) -> Path:
    """Make a twind that any user may run: this Python's own may lie in a closed home."""
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", venv], check=True)
    packages = next(venv.glob("lib/python3*/site-packages"))
    (packages / "twind.pth").write_text(f"{CHECKOUT}\n{sysconfig.get_path('purelib')}\n")
    script = venv / "bin" / "twind"
    script.write_text(
        "#!/opt/twind/bin/python3\nimport sys\nfrom twind.cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    return venv


def make_life(folder: Path) -> Path:
    """Write a few weeks of somebody's calendar, tasks and contacts, which any user may read."""
    folder.mkdir()
    today = SystemClock().now().astimezone(UTC).date()
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:lunch{week}\r\nSUMMARY:Lunch\r\n"
        f"DTSTART:{today - timedelta(weeks=week):%Y%m%d}T120000Z\r\n"
        f"DTEND:{today - timedelta(weeks=week):%Y%m%d}T130000Z\r\n"
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org\r\nEND:VEVENT\r\n"
        for week in range(1, 7)
    )
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n"
    (folder / "cal.ics").write_text(f"{head}{events}END:VCALENDAR\r\n")
    (folder / "people.vcf").write_text(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:anna\r\nFN:Anna Berg\r\n"
        "EMAIL:anna@example.org\r\nEND:VCARD\r\n"
    )
    due = today + timedelta(days=2)
    (folder / "todo.txt").write_text(f"(A) Write the chapter +thesis due:{due} est:3h\n")
    (folder / "twind.toml").write_text(CONFIGURATION)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("systemd")
    booted = Machine(folder / "state", make_venv(folder / "venv"), make_life(folder / "life"))
    try:
        booted.ctl("start")
        yield booted
    finally:
        booted.ctl("stop", check=False)


def exposure(text: str) -> float:
    """Read the number from `systemd-analyze security`'s last line."""
    line = next(line for line in text.splitlines() if "Overall exposure level" in line)
    return float(line.split(":")[1].split()[0])


def test_the_units_are_free_of_complaints(machine):
    # It exits 0 on unknown keys: what it prints is what counts.
    path = "/etc/systemd/system/twind.service"
    assert machine.run("systemd-analyze", "verify", path, check=False) == ""


def test_the_system_unit_is_closed(machine):
    shown = machine.run("systemd-analyze", "security", "--no-pager", "twind.service", check=False)
    assert exposure(shown) <= MAX_EXPOSURE, shown


def test_start_status_reload_and_stop(machine):
    try:
        machine.run("systemctl", "start", "twind")
        status = json.loads(machine.run("/opt/twind/bin/twind", "ctl", "status", "--json"))
        assert status["ok"], status
        synced = json.loads(machine.run("/opt/twind/bin/twind", "ctl", "sync", "--json"))
        assert synced["ok"], synced
        machine.run("systemctl", "reload", "twind")
        # The reload ends when the plugins have been inspected again.
        machine.run("sh", "-c", RELOADED)
        shown = machine.run("systemctl", "show", "twind", "-p", "ActiveState,NRestarts,StatusText")
        assert "ActiveState=active" in shown
        assert "NRestarts=0" in shown
        assert machine.run("stat", "-c", "%a", "/run/twind/twind.sock").strip() == "600"
        machine.run("systemctl", "stop", "twind")
        shown = machine.run("systemctl", "show", "twind", "-p", "Result,ExecMainStatus")
        assert "Result=success" in shown
        assert "ExecMainStatus=0" in shown
    finally:
        journal = machine.journal()
    assert "twind serves" in journal, journal
    assert "Traceback" not in journal, journal


def begin_training(machine) -> None:
    """Start a training that would take minutes and wait until it is at it."""
    machine.twind("ctl", "train", "--no-wait", "--timesteps", "5000000")
    end = time.monotonic() + 90
    while not any(
        job["job"] == "train" and job["progress"]
        for job in machine.twind("ctl", "status")["running"]
    ):
        assert time.monotonic() < end, machine.journal()


@pytest.mark.slow
def test_it_learns_trains_and_proposes_behind_its_walls(machine):
    machine.run("mkdir", "-p", "/etc/twind")
    machine.run("cp", f"{LIFE}/twind.toml", "/etc/twind/twind.toml")
    try:
        machine.run("systemctl", "start", "twind")
        synced = machine.twind("ctl", "sync")["plugins"]
        assert {name: one.get("error") for name, one in synced.items()} == dict.fromkeys(
            ("calendar", "contacts", "tasks")
        )
        trained = machine.twind("ctl", "train", "--timesteps", "2048")
        assert trained["timesteps"] >= 2048
        assert trained["field"]
        tomorrow = SystemClock().now().astimezone(UTC).date() + timedelta(days=1)
        proposed = machine.twind("ctl", "propose", "--day", tomorrow.isoformat())
        assert proposed["proposals"] or proposed["silent_because"]
        # What numba compiled is kept, so that the next worker need not compile it again.
        assert machine.run("find", "/var/cache/twind/", "-name", "*.nbi")
        begin_training(machine)
        began = time.monotonic()
        machine.run("systemctl", "stop", "twind")
        assert time.monotonic() - began < STOP_S
        assert machine.unit("Result", "ExecMainStatus", "NRestarts") == {
            "Result": "success",
            "ExecMainStatus": "0",
            "NRestarts": "0",
        }
    finally:
        journal = machine.journal()
    assert "Traceback" not in journal, journal
    assert "Error in cpuinfo" not in journal, "torch does not know its processor"


def test_the_user_unit_starts_for_one_person(machine):
    machine.run("useradd", "--create-home", "anna")
    machine.run("mkdir", "-p", "/home/anna/.local/share/twind")
    machine.run("ln", "-s", "/opt/twind", "/home/anna/.local/share/twind/venv")
    machine.run("chown", "-R", "anna:", "/home/anna/.local")
    machine.ctl("user", "anna", "systemctl", "--user", "start", "twind")
    shown = machine.ctl("user", "anna", "/opt/twind/bin/twind", "ctl", "status", "--json")
    assert json.loads(shown)["ok"], shown
    machine.ctl("user", "anna", "systemctl", "--user", "stop", "twind")
    shown = machine.ctl("user", "anna", "systemctl", "--user", "show", "twind", "-p", "Result")
    assert "Result=success" in shown

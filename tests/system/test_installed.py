"""Both installations at work in a booted systemd: what fails, what is upgraded, what is taken away.

The machine's tests build on each other only in what is compiled: that is kept in the unit's cache.
"""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, timedelta

import pytest
from machine import CHECKOUT, DROP_INS, OFFLINE

from twind.clock import SystemClock

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

STOP_S = 10.0
QUICK = "[Service]\nRestartSec=200ms\n"

PUT = """\
from twind.home import Home
from twind.store import Store, outbox, profiles
with Store.open(Home.find().database) as db:
    profiles.ensure(db, 1)
    outbox.put(db, 1, {key!r}, {{"title": {key!r}, "body": "said by a test"}})
"""
STATES = """\
from twind.home import Home
from twind.store import Store
with Store.open(Home.find().database) as db:
    for row in db.rows("SELECT channel, state FROM deliveries"):
        print(*row)
"""

UPGRADED = """\
from twind.home import Home
from twind.store import Store
with Store.open(Home.find().database) as db:
    said = db.value("SELECT COUNT(*) FROM checkins WHERE note = 'before the upgrade'")
    print(db.value("SELECT COUNT(*) FROM newer"), said)
"""

NOTES = """\
from twind.home import Home
from twind.store import Store
with Store.open(Home.find().database) as db:
    print([row["note"] for row in db.rows("SELECT note FROM checkins")])
"""

HOOK = """\
import http.server, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8099), Hook).serve_forever()
"""


@pytest.fixture
def running(machine):
    """The machine, with the daemon freshly started."""
    machine.run("systemctl", "restart", "twind")
    return machine


def documented(name: str) -> str:
    """Return the drop-in that the documentation calls by this name."""
    text = (CHECKOUT / "docs" / "installation.md").read_text("utf-8")
    [block] = re.findall(rf"```ini\n# {re.escape(name)}\n(.*?)```", text, re.DOTALL)
    return block


def serves(machine) -> bool:
    return machine.attempt("/opt/twind/bin/twind", "ctl", "status").returncode == 0


def as_unit(machine, code):
    """Run code as the unit's user, on its database."""
    user = machine.unit("User")["User"]
    return machine.run(
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"),
        *("/opt/twind/bin/python", "-c", code),
        STATE_DIRECTORY="/var/lib/twind",
    )


def begin_training(machine, eventually):
    """Start a training that would take hours and wait until it is at it."""
    machine.twind("ctl", "train", "--no-wait", "--timesteps", "50000000")

    def is_at_it():
        return any(
            job["job"] == "train" and job["progress"]
            for job in machine.twind("ctl", "status")["running"]
        )

    eventually(is_at_it, 1200.0)


def test_it_learns_trains_and_proposes_behind_its_walls(running, eventually):
    synced = running.twind("ctl", "sync")["plugins"]
    assert {name: one.get("error") for name, one in synced.items()} == dict.fromkeys(
        ("calendar", "contacts", "tasks")
    )
    trained = running.twind("ctl", "train", "--timesteps", "2048")
    assert trained["timesteps"] >= 2048
    assert trained["field"]
    tomorrow = SystemClock().now().astimezone(UTC).date() + timedelta(days=1)
    proposed = running.twind("ctl", "propose", "--day", tomorrow.isoformat())
    assert proposed["proposals"] or proposed["silent_because"]
    # What numba compiled is kept, so that the next worker need not compile it again.
    assert running.run("find", "/var/cache/twind/", "-name", "*.nbi")
    assert running.run("find", "/var/cache/twind/", "-perm", "/022") == ""
    begin_training(running, eventually)
    began = time.monotonic()
    running.run("systemctl", "stop", "twind")
    assert time.monotonic() - began < STOP_S
    assert running.unit("Result", "ExecMainStatus", "NRestarts") == {
        "Result": "success",
        "ExecMainStatus": "0",
        "NRestarts": "0",
    }
    journal = running.journal()
    assert "Traceback" not in journal, journal
    assert "Error in cpuinfo" not in journal, "torch does not know its processor"


def test_one_that_hangs_is_killed_and_started_again(running, eventually):
    running.drop_in("quick", f"{QUICK}WatchdogSec=4\n")
    pid = running.unit("MainPID")["MainPID"]
    running.run("kill", "-STOP", pid)
    eventually(lambda: running.unit("NRestarts")["NRestarts"] == "1")
    eventually(lambda: serves(running))
    assert running.unit("MainPID")["MainPID"] != pid
    assert "Watchdog timeout" in running.journal()
    running.drop_in("quick", None)


def test_one_that_is_killed_goes_on_where_it_was(running, eventually):
    running.drop_in("quick", QUICK)
    begin_training(running, eventually)
    running.run("systemctl", "kill", "--signal=KILL", "twind")
    eventually(lambda: running.unit("NRestarts")["NRestarts"] == "1")
    eventually(lambda: serves(running))
    queue = running.twind("ctl", "status")["queue"]
    assert queue["queued"] + queue["running"] >= 1
    assert "doing again what was interrupted" in running.journal()
    assert "train" in running.journal()
    running.drop_in("quick", None)


def test_a_training_that_takes_too_much_memory_ends_and_the_daemon_does_not(running, eventually):
    pid = running.unit("MainPID")["MainPID"]
    running.run("systemctl", "set-property", "--runtime", "twind", "MemoryMax=180M")
    running.twind("ctl", "train", "--no-wait")
    failures = eventually(
        # One that an earlier test has interrupted may go first.
        lambda: [
            one for one in running.twind("ctl", "status")["failures"] if "SIGKILL" in one["error"]
        ],
        600.0,
    )
    running.run("systemctl", "set-property", "--runtime", "twind", "MemoryMax=4G")
    assert [one["job"] for one in failures] == ["train"]
    assert running.unit("MainPID", "NRestarts") == {"MainPID": pid, "NRestarts": "0"}
    shown = running.run("/opt/twind/bin/twind", "ctl", "status")
    assert shown.count("SIGKILL") == 1, shown


def test_a_url_is_reached_with_the_documented_drop_ins_and_not_without(running, eventually):
    running.write("/srv/hook.py", HOOK)
    running.run("systemd-run", "--unit=hook", "/usr/bin/python3", "/srv/hook.py")
    running.write("/etc/twind/notify.urls", "json://127.0.0.1:8099/hook\n")
    running.run("chmod", "600", "/etc/twind/notify.urls")
    running.run("cp", "-p", "/etc/twind/twind.toml", "/etc/twind/before.toml")
    setting = 'echo "[plugins.notify]"; echo "urls_file = \\"\\$CREDENTIALS_DIRECTORY/notify\\""'
    running.run("sh", "-c", f"({setting}) >> /etc/twind/twind.toml")

    def states():
        return dict(line.rsplit(" ", 1) for line in as_unit(running, STATES).splitlines())

    def heard():
        return running.run("journalctl", "-u", "hook", "-o", "cat", "--no-pager")

    as_unit(running, PUT.format(key="walled"))
    running.drop_in("secrets", documented("secrets.conf"))
    eventually(lambda: any(name.startswith("json:") for name in states()), 120.0)
    assert "walled" not in heard()
    running.drop_in("network", documented("network.conf"))
    as_unit(running, PUT.format(key="open"))
    running.run("systemctl", "restart", "twind")
    eventually(lambda: "open" in heard(), 120.0)
    for name in ("network", "secrets"):
        running.drop_in(name, None)
    running.run("mv", "/etc/twind/before.toml", "/etc/twind/twind.toml")
    running.run("systemctl", "stop", "hook")


def write_newer(machine, folder):
    """Make a checkout of a newer twind, which changes the database."""
    machine.run("mkdir", "-p", folder)
    parts = [
        "Makefile",
        "README.md",
        "constraints.txt",
        "plugins",
        "pyproject.toml",
        "systemd",
        "twind",
    ]
    machine.run("cp", "-r", *(f"{CHECKOUT}/{part}" for part in parts), folder)
    machine.run(
        "sed", "-i", 's/^__version__ = .*/__version__ = "9.9.9"/', f"{folder}/twind/__init__.py"
    )
    machine.run(
        *("sh", "-c", 'printf "%s" "$1" >> "$2"', "sh"),
        "\n\ndef newer(connection):\n    connection.execute('CREATE TABLE newer (x)')\n\n\n"
        "MIGRATIONS = (*MIGRATIONS, newer)\n",
        f"{folder}/twind/store/migrations.py",
    )


@pytest.fixture(scope="module")
def newer(machine):
    """A checkout of a newer twind; once it has run, the older one refuses its database."""
    write_newer(machine, "/srv/newer")
    return "/srv/newer"


def test_an_upgrade_goes_over_the_running_one_and_keeps_what_was(running, newer):
    running.twind("checkin", "5", "--note", "before the upgrade")
    pid = running.unit("MainPID")["MainPID"]
    running.make("install", checkout=newer)
    assert running.unit("ActiveState")["ActiveState"] == "active"
    assert running.unit("MainPID")["MainPID"] != pid
    assert running.twind("ctl", "status")["version"] == "9.9.9"
    [backup] = running.run("sh", "-c", "ls /var/lib/twind/backups/*before-9.9.9*").split()
    assert running.twind("backup", backup, "--verify")
    assert running.run("stat", "-c", "%U %a", backup) == "twind 600\n"
    assert as_unit(running, UPGRADED) == "0 1\n"
    assert "Traceback" not in running.journal()


def test_a_backup_is_put_in_the_place_of_what_is_there(running):
    running.twind("checkin", "1", "--note", "in the backup")
    file = running.twind("backup")["file"]
    running.twind("checkin", "2", "--note", "after the backup")
    text = (CHECKOUT / "docs" / "installation.md").read_text("utf-8")
    [commands] = re.findall(r"(?:    .+\n)+", text[text.index("A backup is restored beside") :])[:1]
    running.run("sh", "-c", re.sub(r"\S+/backups/\S+", file, commands))
    assert running.twind("ctl", "status")["version"]
    assert "in the backup" in as_unit(running, NOTES)
    assert "after the backup" not in as_unit(running, NOTES)
    assert (
        running.run("find", "/var/lib/twind", "!", "-user", "twind", "!", "-name", "before") == ""
    )


def test_an_upgrade_that_fails_leaves_the_old_one_running(running):
    write_newer(running, "/srv/broken")
    running.run("sh", "-c", "echo 'numpy==0.0.1' >> /srv/broken/constraints.txt")
    done = running.make("install", checkout="/srv/broken", check=False)
    assert done.returncode != 0
    assert running.unit("ActiveState")["ActiveState"] == "active"
    assert serves(running)


def test_an_owner_gets_what_there_is_and_stays(running, newer):
    def users():
        pid = running.unit("MainPID")["MainPID"]
        return running.run("stat", "-c", "%U", f"/proc/{pid}", "/var/lib/twind/twind.db").split()

    assert users() == ["twind", "twind"]
    running.make("install", "OWNER=ada", checkout=newer)
    assert users() == ["ada", "ada"]
    assert running.run("stat", "-c", "%G", "/etc/twind/twind.toml") == "ada\n"
    synced = running.twind("ctl", "sync")["plugins"]
    assert not any(one.get("error") for one in synced.values())
    assert running.run("find", "/var/lib/twind", "/var/cache/twind", "!", "-user", "ada") == ""
    running.make("install", checkout=newer)
    assert users() == ["ada", "ada"]
    running.make("install", "OWNER=twind", checkout=newer)
    assert users() == ["twind", "twind"]


def test_a_package_is_made_without_touching_the_system(running, newer):
    pid = running.unit("MainPID")["MainPID"]
    running.make_venv("/srv/stage/opt/twind")
    running.make("install", "DESTDIR=/srv/stage", "PREFIX=/usr")
    staged = running.run("find", "/srv/stage/etc", "/srv/stage/usr", "!", "-type", "d").split()
    assert {path.removeprefix("/srv/stage") for path in staged} == {
        "/etc/systemd/system/twind.service.d/folders.conf",
        "/etc/twind/twind.toml",
        "/usr/bin/twind",
        "/usr/lib/systemd/system/twind.service",
        "/usr/lib/sysusers.d/twind.conf",
    }
    assert (
        running.run("head", "-1", "/srv/stage/opt/twind/bin/twind") == "#!/opt/twind/bin/python\n"
    )
    assert running.unit("MainPID")["MainPID"] == pid


def test_uninstalling_keeps_what_it_knows(running, newer):
    running.make("uninstall")
    assert running.attempt("systemctl", "cat", "twind").returncode != 0
    for gone in ("/opt/twind", "/usr/local/bin/twind", "/var/cache/twind"):
        assert running.attempt("test", "-e", gone).returncode != 0, gone
    for kept in ("/var/lib/twind/twind.db", "/etc/twind/twind.toml", f"{DROP_INS}/folders.conf"):
        assert running.attempt("test", "-e", kept).returncode == 0, kept
    running.make_venv("/opt/twind")
    running.make("install", checkout=newer)
    running.run("systemctl", "enable", "--now", "twind")
    assert running.twind("ctl", "status")["version"] == "9.9.9"


# --- one person's --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ben(machine):
    """Return a way to run commands as Ben, who has installed twind for himself."""
    machine.run("useradd", "--create-home", "ben")
    machine.make_venv("/home/ben/.local/share/twind/venv", "ben")
    machine.run("chown", "-R", "ben:", "/home/ben")

    def run(*words, **env):
        return machine.user("ben", *words, timeout_s=600.0, **env)

    run("make", "-C", CHECKOUT, "PYTHON=/usr/bin/python3", "install-user", **OFFLINE)
    return run


def status(ben):
    shape = json.loads(ben("/home/ben/.local/bin/twind", "ctl", "status", "--json"))
    assert shape["ok"], shape
    return shape["data"]


def test_a_person_installs_it_without_root(machine, ben, eventually):
    assert status(ben)["version"]
    assert machine.run("find", "/home/ben", "!", "-user", "ben") == ""
    shown = machine.run(
        "stat", "-c", "%a", "/home/ben/.local/state/twind", "/home/ben/.cache/twind"
    )
    assert shown.split() == ["700", "700"]
    # A source that is named is read, and watched.
    machine.run(
        "sh", "-c", "echo 'Mend the roof' > /home/ben/todo.txt; chown ben: /home/ben/todo.txt"
    )
    config = "/home/ben/.config/twind/twind.toml"
    machine.run("sed", "-i", '/plugins.tasks/,/paths/s|paths = .*|paths = ["~/todo.txt"]|', config)

    def records():
        return {one["name"]: one["records"] for one in status(ben)["plugins"]}.get("tasks")

    eventually(lambda: records() == 1)
    machine.run("sh", "-c", "echo 'Mend the fence' >> /home/ben/todo.txt")
    eventually(lambda: records() == 2)


def test_a_persons_unit_writes_to_its_own_folders_alone(machine, ben):
    ben("systemctl", "--user", "restart", "twind")
    pid = ben("systemctl", "--user", "show", "twind", "-p", "MainPID", "--value").strip()
    rows = machine.run("cat", f"/proc/{pid}/mountinfo").splitlines()
    options = {row.split()[4]: row.split()[5] for row in rows}  # the last hides those before it
    writable = {path for path, how in options.items() if how.startswith("rw")}
    mine = {path for path in writable if path.startswith(("/home", "/run/user", "/tmp", "/var"))}
    assert mine == {
        "/home/ben/.local/state/twind",
        "/home/ben/.cache/twind",
        "/run/user/" + ben("id", "-u").strip() + "/twind",
        "/tmp",
        "/var/tmp",
    }


def test_a_persons_desktop_is_notified(machine, ben, eventually):
    server = f"{CHECKOUT}/tests/fakes/notification_server.py"
    ben(
        # Type=exec: when it returns, the log is there to be read.
        *("systemd-run", "--user", "--unit=desktop", "-p", "Type=exec"),
        "--setenv=CAPABILITIES=actions,body",
        *("-p", "StandardOutput=append:/home/ben/desktop.log"),
        *("/home/ben/.local/share/twind/venv/bin/python", server),
    )
    eventually(lambda: "up" in machine.run("cat", "/home/ben/desktop.log"))
    config = "/home/ben/.config/twind/twind.toml"
    machine.run("sed", "-i", "s/^# quiet = .*/quiet = []/", config)
    ben("/home/ben/.local/share/twind/venv/bin/python", "-c", PUT.format(key="Good morning"))
    ben("systemctl", "--user", "restart", "twind")
    eventually(lambda: "Good morning" in machine.run("cat", "/home/ben/desktop.log"), 120.0)


def test_a_person_upgrades_and_uninstalls_it(machine, ben):
    pid = ben("systemctl", "--user", "show", "twind", "-p", "MainPID", "--value")
    make = ("make", "-C", CHECKOUT, "PYTHON=/usr/bin/python3")
    ben(*make, "install-user", **OFFLINE)
    assert status(ben)["version"]
    assert ben("systemctl", "--user", "show", "twind", "-p", "MainPID", "--value") != pid
    ben(*make, "uninstall-user")
    left = ben("find", "/home/ben", "-path", "*twind*", "!", "-path", "*/state/*").split()
    assert set(left) == {
        "/home/ben/.config/twind",
        "/home/ben/.config/twind/plugins",
        "/home/ben/.config/twind/twind.toml",
        "/home/ben/.local/share/twind",
    }
    assert machine.attempt("test", "-s", "/home/ben/.local/state/twind/twind.db").returncode == 0

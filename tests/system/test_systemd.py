"""The system's unit, installed and under a real systemd that is booted for the test.

Skipped, with its reason, where this machine cannot boot one. What takes minutes is in
test_installed.py.
"""

from __future__ import annotations

import pytest
from machine import CHECKOUT, LIFE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MAX_EXPOSURE = 0.5
"""Of 10. What is left is what the workers need: compiled code, priorities, /proc/cpuinfo."""

RELOADED = (
    "timeout 20 sh -c 'while systemctl show twind -p ActiveState | grep -q reloading; "
    "do sleep 0.1; done'"
)


@pytest.fixture
def running(machine):
    """The machine, with the daemon running."""
    machine.run("systemctl", "start", "twind")
    return machine


def exposure(text: str) -> float:
    """Read the number from `systemd-analyze security`'s last line."""
    line = next(line for line in text.splitlines() if "Overall exposure level" in line)
    return float(line.split(":")[1].split()[0])


def test_the_units_are_free_of_complaints(machine):
    # It exits 0 on unknown keys: what it prints is what counts.
    machine.run("cp", f"{CHECKOUT}/systemd/twind-user.service", "/tmp/twind.service")
    machine.run("mkdir", "-p", "/srv/home/.local/share/twind")
    machine.run("ln", "-s", "/opt/twind", "/srv/home/.local/share/twind/venv")
    env = {"HOME": "/srv/home", "XDG_RUNTIME_DIR": "/tmp"}
    for words in (("twind.service",), ("--user", "/tmp/twind.service")):
        done = machine.attempt("systemd-analyze", "verify", *words, **env)
        assert (done.stdout, done.stderr) == ("", "")


def test_the_system_unit_is_closed(machine):
    for words in (("twind.service",), ("--offline=true", f"{CHECKOUT}/systemd/twind.service")):
        done = machine.attempt("systemd-analyze", "security", "--no-pager", *words)
        assert exposure(done.stdout) <= MAX_EXPOSURE, done.stdout


def test_it_starts_reads_what_it_was_handed_reloads_and_stops(running, eventually):
    def records():
        plugins = running.twind("ctl", "status")["plugins"]
        return {one["name"]: one["records"] for one in plugins if one["name"] != "notify"}

    synced = running.twind("ctl", "sync")["plugins"]
    assert {name: one.get("error") for name, one in synced.items()} == dict.fromkeys(
        ("calendar", "contacts", "tasks")
    )
    before = records()
    assert all(before.values())
    # Saved as most programs do: another file in the place of the old.
    running.write(f"{LIFE}/todo.new", "Mend the roof\n")
    running.run(
        "sh", "-c", f"cat {LIFE}/todo.txt >> {LIFE}/todo.new; mv {LIFE}/todo.new {LIFE}/todo.txt"
    )
    eventually(lambda: records()["tasks"] == before["tasks"] + 1)
    running.run("systemctl", "reload", "twind")
    # The reload ends when the plugins have been inspected again.
    running.run("sh", "-c", RELOADED)
    assert running.unit("ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "0"}
    assert running.run("stat", "-c", "%a", "/run/twind/twind.sock") == "600\n"
    running.run("systemctl", "stop", "twind")
    assert running.unit("Result", "ExecMainStatus") == {"Result": "success", "ExecMainStatus": "0"}
    journal = running.journal()
    assert "twind serves" in journal
    assert "Traceback" not in journal, journal


def test_it_sees_no_home_no_network_and_no_other_process(running):
    pid = running.unit("MainPID")["MainPID"]
    inside = ("nsenter", "-t", pid, "-m", "-n", "sh", "-c")
    assert running.run(*inside, "find /home/ada -mindepth 1 -maxdepth 1") == f"{LIFE}\n"
    assert "eth" not in running.run(*inside, "cat /proc/net/dev")
    assert running.attempt(*inside, f"touch {LIFE}/x").returncode != 0
    status = running.run("cat", f"/proc/{pid}/status")
    for line in ("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status


def test_roots_commands_leave_no_file_of_roots(running):
    running.twind("checkin", "4")
    running.twind("backup")
    running.twind("patterns")
    assert running.run("find", "/var/lib/twind", "/var/cache/twind", "!", "-user", "twind") == ""
    assert running.run("sh", "-c", "ls /var/lib/twind/backups") != ""


def test_roots_commands_follow_no_link_as_root(running):
    running.run("mkdir", "-m", "700", "/srv/roots")
    # Whoever has the state folder lays a link where root's command will write.
    running.run("rm", "-rf", "/var/lib/twind/backups")
    running.run("ln", "-s", "/srv/roots", "/var/lib/twind/backups")
    done = running.attempt("/opt/twind/bin/twind", "backup")
    running.run("rm", "/var/lib/twind/backups")
    assert done.returncode == 1, done.stdout
    assert "Permission denied" in done.stderr
    assert running.run("ls", "/srv/roots") == ""


def test_roots_commands_on_a_persons_home_are_that_persons(machine):
    machine.run("install", "-d", "-o", "ada", "-m", "700", "/home/ada/twind")
    machine.twind("init", "--home", "/home/ada/twind")
    machine.twind("checkin", "4", "--home", "/home/ada/twind")
    assert machine.run("find", "/home/ada/twind", "!", "-user", "ada") == ""

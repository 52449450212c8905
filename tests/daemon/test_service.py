"""The daemon as a process of its own, with a fake worker."""

import json
import signal
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from twind.clock import FixedClock
from twind.daemon import lock, service
from twind.daemon.learning import QUIET_S
from twind.daemon.queue import MAX_INTERRUPTIONS
from twind.errors import TwindError
from twind.home import Home
from twind.store import Store, jobs, models, outbox, profiles, sources

OLDEST = Path(__file__).parents[1] / "store" / "examples" / "1-first_tables.sql"
HEAVY = ("torch", "numpy", "pandas", "numba", "gymnasium", "stable_baselines3")


def inspection(*watch: Path) -> dict:
    return {
        "inspect": {
            "plugins": [
                {"name": "files", "state": "ok", "abilities": ["fetch"], "error": None,
                 "file": "files.py", "watch": [str(path) for path in watch]},
                {"name": "broken", "state": "failed", "abilities": [], "error": "SyntaxError",
                 "file": "broken.py", "watch": []},
            ],
            "folders": [],
        }
    }  # fmt: skip


def test_it_starts_inspects_syncs_and_stops_cleanly(daemon, until):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    began = [order["name"] for order in one.orders()]
    assert began.index("inspect") < began.index("sync")
    data = one.ask("status")
    assert {line["name"]: line["state"] for line in data["plugins"]} == {
        "files": "ok",
        "broken": "failed",
    }
    assert {"sync", "propose"} == {entry["job"] for entry in data["next"]}
    assert one.stop() == 0
    assert not one.home.socket.exists()
    assert "Traceback" not in one.log.read_text()


def test_it_is_light(daemon, until):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    mapped = Path(f"/proc/{one.process.pid}/maps").read_text()
    assert not [name for name in HEAVY if f"/{name}/" in mapped]
    status = Path(f"/proc/{one.process.pid}/status").read_text()
    rss_kib = int(next(line for line in status.splitlines() if "VmRSS" in line).split()[1])
    assert rss_kib < 60 * 1024


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_opens_the_database_it_ends_in_order(tmp_path, number):
    home = Home.under(tmp_path / "h")
    home.state_dir.mkdir()
    with closing(sqlite3.connect(home.database)) as old:  # to be brought up to date, at some moment
        old.executescript(OLDEST.read_text("utf-8"))

    class Telling(FixedClock):
        def now(self):
            if home.lock.exists():
                signal.raise_signal(number)
                if number == signal.SIGHUP:  # there is nothing to reload yet
                    signal.raise_signal(signal.SIGTERM)
            return super().now()

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as told:
        service.run(home, clock=Telling(datetime(2026, 3, 2, tzinfo=UTC)))
    assert told.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is before
    with lock.held(home.lock) as died:
        assert not died


def test_a_second_daemon_refuses_in_one_line(daemon):
    one = daemon().up()
    second = daemon()
    assert second.process.wait(timeout=15) == 1
    assert f"held by another twind daemon (process {one.process.pid})" in second.log.read_text()
    assert one.ask("status")


def test_a_source_that_changes_is_synced_and_no_other_file_is(daemon, until, tmp_path):
    source = tmp_path / "todo.txt"
    source.write_text("a")
    one = daemon(results=inspection(source)).up()
    until(lambda: one.started("sync"))
    (tmp_path / "other.txt").write_text("x")
    source.write_text("b")
    until(lambda: ["files"] in [order["args"].get("plugins") for order in one.started("sync")])


def test_a_plugin_dropped_in_and_new_settings_are_inspected(daemon, until):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    (one.home.root / "plugins").mkdir()
    (one.home.root / "plugins" / "new.py").write_text("x = 1")
    until(lambda: len(one.started("inspect")) > 1)
    seen = len(one.started("inspect"))
    one.home.config_file.write_text("[schedule]\nsync_every_min = 7\n")
    until(lambda: len(one.started("inspect")) > seen)


def test_bad_settings_are_a_line_in_the_status_and_no_outage(daemon, until):
    one = daemon().up()
    one.home.config_file.write_text("[schedule]\nsync_evry_min = 7\n")
    problem = until(lambda: one.ask("status")["problem"])
    assert "schedule.sync_evry_min: unknown key" in problem
    with pytest.raises(TwindError, match="unknown key"):
        one.ask("reload")
    one.home.config_file.write_text("")
    until(lambda: one.ask("status")["problem"] is None)


def test_a_write_by_anyone_wakes_detect(daemon, until):
    one = daemon().up()
    # The fake never moves the cursor: the daemon must not go round for ever.
    until(lambda: one.started("detect"))
    until(lambda: one.ask("status")["queue"] == {"queued": 0, "running": 0, "failed": 0})
    seen = len(one.started("detect"))
    answer(one, 1)
    until(lambda: len(one.started("detect")) == seen + 1)


def answer(one, number):
    """Write as another program does."""
    with sqlite3.connect(one.home.database) as other:
        other.execute(
            "INSERT INTO entities (id, profile_id, entity_type, name) "
            f"VALUES ({number}, 1, 'person', 'A{number}')"
        )
    other.close()


def test_a_second_answer_waits_for_more_where_the_first_was_learnt_from_soon(daemon, until):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    until(lambda: one.ask("status")["queue"] == {"queued": 0, "running": 0, "failed": 0})
    seen = len(one.started("detect"))
    answer(one, 1)
    until(lambda: len(one.started("detect")) == seen + 1)
    answer(one, 2)
    later = time.monotonic() + 2 * QUIET_S
    until(lambda: time.monotonic() > later)
    assert len(one.started("detect")) == seen + 1


def begin_to_send(db, number):
    desktop = outbox.Address("notify", "desktop", "desktop")
    outbox.address(db, number, [desktop])
    outbox.sending(db, [number], desktop)


def waiting(one, key):
    with Store.open(one.home.database) as db:
        outbox.put(db, 1, key, {"title": key, "body": ""})


NEVER_QUIET = "[hours]\nquiet = []\n"


def test_more_to_say_ends_the_wait_for_a_button_and_nothing_else_does(daemon, until, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "twind.toml").write_text(NEVER_QUIET)
    one = daemon(env={"FAKE_LISTEN": "notify"}).up()
    one.ask("propose", wait=True)
    assert one.started("notify") == [], "there is nothing to say"
    waiting(one, "first")
    one.ask("propose", wait=True)
    until(lambda: [job["progress"] for job in running(one)] == [{"listening": True}])
    with Store.open(one.home.database) as db:
        assert outbox.counts(db) == {"sent": 1}
    one.ask("propose", wait=True)
    assert len(one.started("notify")) == 1
    until(lambda: one.ask("status")["queue"] == {"queued": 0, "running": 0, "failed": 0})
    waiting(one, "second")
    one.ask("propose", wait=True)
    until(lambda: len(one.started("notify")) == 2 and running(one))
    until(lambda: one.ask("status")["outbox"] == {"sent": 2})
    with Store.open(one.home.database) as db:
        assert outbox.counts(db) == {"sent": 2}
        assert jobs.get(db, one.started("notify")[0]["job"]).state == "done"
    assert one.ask("status")["queue"]["failed"] == 0


def test_a_second_try_ends_no_wait_for_a_button(daemon, until, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "twind.toml").write_text(NEVER_QUIET)
    one = daemon(env={"FAKE_LISTEN": "notify"}).up()
    waiting(one, "first")
    one.ask("propose", wait=True)
    until(lambda: [job["progress"] for job in running(one)] == [{"listening": True}])
    mail = outbox.Address("notify", "mailto:00", "mailto 1")
    with Store.open(one.home.database) as db:
        outbox.put(db, 1, "second", {"title": "second", "body": ""})
        outbox.address(db, 2, [mail])
        outbox.failed(db, [2], mail, "connection refused", again=True)
        db.execute("UPDATE outbox SET due_at = '2026-01-01' WHERE id = 2")
        assert outbox.is_due(db, 1)
    [listening] = running(one)
    one.ask("propose", wait=True)
    assert one.ask("status")["queue"]["queued"] == 0
    assert running(one) == [listening]
    waiting(one, "third")
    one.ask("propose", wait=True)
    until(lambda: len(one.started("notify")) == 2)


def running(one):
    return [job for job in one.ask("status")["running"] if job["job"] == "notify"]


def test_what_a_dead_sender_left_is_uncertain_at_once(daemon, until, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "twind.toml").write_text(NEVER_QUIET)
    one = daemon(env={"FAKE_DIE": "notify"}).up()
    with Store.open(one.home.database) as db:
        outbox.put(db, 1, "first", {"title": "x", "body": ""})
        begin_to_send(db, 1)
        outbox.put(db, 1, "second", {"title": "x", "body": ""})
    one.ask("propose", wait=True)
    until(lambda: one.ask("status")["outbox"] == {"uncertain": 1, "pending": 1})


def test_a_plugin_that_takes_the_sync_with_it_is_parted_from_the_others(daemon, until):
    results = inspection()
    results["inspect"]["plugins"].append(
        {**results["inspect"]["plugins"][0], "name": "other", "file": "other.py"}
    )
    one = daemon(results=results, env={"FAKE_DIE": "sync"}).up()
    until(lambda: len(one.started("sync")) >= 3)
    asked = [order["args"] for order in one.started("sync")]
    for args in asked:
        del args["inspected"]
    assert asked[:3] == [{}, {"plugins": ["files"]}, {"plugins": ["other"]}]
    states = until(
        lambda: {
            line["name"]: (line["state"], line["last_error"])
            for line in one.ask("status")["plugins"]
            if line["name"] != "broken" and line["last_error"]
        }
    )
    assert states["files"][0] == "failed"
    assert "SIGKILL" in states["files"][1]


def test_a_sync_is_told_of_the_plugins_and_only_those_that_deliver_meet_the_messages(
    daemon, until, tmp_path
):
    (tmp_path / "h").mkdir()
    off = '[plugins]\ndisabled = ["mine"]\n'
    (tmp_path / "h" / "twind.toml").write_text(NEVER_QUIET + off)
    results = inspection()
    results["inspect"]["mute"] = ["files", "broken"]
    one = daemon(results=results).up()
    [first, *_] = until(lambda: one.started("sync"))
    names = [plugin["name"] for plugin in results["inspect"]["plugins"]]
    assert [plugin["name"] for plugin in first["args"]["inspected"]] == names
    assert "disabled" not in first
    waiting(one, "first")
    one.ask("propose", wait=True)
    [told, *_] = until(lambda: one.started("notify"))
    assert json.loads(told["disabled"]) == ["broken", "files", "mine"]


def test_a_plugin_that_stays_broken_is_logged_once(daemon, until):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    for _ in range(2):
        one.ask("reload")
    assert one.log.read_text().count("plugin broken: ") == 1


def test_a_plugin_that_took_too_long_to_import_is_tried_again_by_itself(daemon, until):
    results = inspection()
    results["inspect"]["hung"] = True
    one = daemon(results=results).up()
    until(lambda: one.started("sync"))
    one.ask("pause")
    one.ask("resume")
    until(lambda: len(one.started("inspect")) == 2)


def test_a_source_that_wants_a_password_is_not_polled_until_it_is_asked_for(
    daemon, until, tmp_path
):
    one = daemon(results=inspection()).up()
    until(lambda: one.started("sync"))
    with Store.open(tmp_path / "h" / "twind.db") as db:
        sources.failed(db, 1, "files", "another password", needs_user=True)
    one.ask("pause")
    seen = len(one.started("sync"))
    one.ask("resume")
    one.ask("status")
    assert len(one.started("sync")) == seen
    one.ask("sync", plugins=["files"], wait=True)
    assert one.started("sync")[-1]["args"]["plugins"] == ["files"]


def test_training_is_weighed_again_after_a_training_and_not_queued_behind_it(daemon, until):
    results = {**inspection(), "detect": {"train_due": True}}
    one = daemon(results=results, env=HANG).up()
    until(lambda: one.started("train"))
    one.ask("sync", wait=True)
    until(lambda: one.started("detect"))
    answer(one, 1)
    until(lambda: len(one.started("detect")) >= 2)
    until(lambda: [job["job"] for job in one.ask("status")["running"]] == ["train"])
    until(lambda: one.ask("status")["queue"] == {"queued": 0, "running": 1, "failed": 0})


def test_commands_wait_for_their_result(daemon):
    results = {"sync": {"plugins": {}}, "propose": {"proposals": []}}
    one = daemon(results=results).up()
    assert one.ask("sync", wait=True) == {"plugins": {}}
    day = f"{date.today() + timedelta(days=7)}"
    assert one.ask("propose", day=day, wait=True) == {"proposals": []}
    assert one.started("propose")[-1]["args"] == {"day": day}
    assert one.ask("train", timesteps=2048)["state"] in {"queued", "running"}
    order = one.started("sync")[0]
    assert order["nice"] > 0
    assert order["memory_mib"] > 0


@pytest.mark.parametrize(
    "command",
    [
        {"cmd": "dance"},
        {"cmd": "propose", "day": "tomorrow"},
        {"cmd": "propose", "day": 3},
        {"cmd": "propose", "day": "2020-01-01"},
        {"cmd": "propose", "day": "9999-12-31"},
        {"cmd": "train", "timesteps": 0},
        {"cmd": "sync", "plugins": "files"},
        {"cmd": "pause", "until": "never"},
    ],
)
def test_a_command_that_makes_no_sense_is_usage(daemon, command):
    one = daemon().up()
    with pytest.raises(TwindError) as caught:
        one.ask(**command)
    assert caught.value.code == "usage"
    # Not a job that has failed, of which the status and `twind doctor` would go on telling.
    assert one.ask("status")["queue"]["failed"] == 0


def test_a_pause_survives_a_restart(daemon, until):
    one = daemon().up()
    assert one.ask("pause") == {"until": None}
    one.stop()
    two = daemon().up()
    assert two.ask("status")["paused"] == "forever"
    seen = len(two.started("sync"))
    assert two.ask("sync", wait=True)
    assert len(two.started("sync")) == seen + 1
    two.ask("resume")
    assert two.ask("status")["paused"] is None
    until(lambda: len(two.started("sync")) > seen + 1)


def test_training_waits_for_mains_unless_the_user_asks(daemon, until, tmp_path):
    battery = tmp_path / "supplies" / "BAT0"
    battery.mkdir(parents=True)
    (battery / "type").write_text("Battery\n")
    (battery / "status").write_text("Discharging\n")
    root = tmp_path / "h"
    root.mkdir()
    (root / "twind.toml").write_text("[training]\non_battery = false\n")
    one = daemon(root, results={"detect": {"train_due": True}}).up()
    until(lambda: one.ask("status")["queue"]["queued"] == 1)
    assert "mains" in one.ask("status")["waiting"]
    assert not one.started("train")
    assert one.ask("train", timesteps=2048, wait=True)
    assert [order["args"] for order in one.started("train")] == [{"timesteps": 2048}]
    (battery / "status").write_text("Charging\n")
    one.ask("resume")  # looks at what is due, as it does each minute
    until(lambda: len(one.started("train")) == 2)
    order = one.started("train")[-1]
    assert order["idle_io"] is True
    assert one.started("sync")[0]["idle_io"] is False
    until(lambda: one.ask("status")["waiting"] is None)


HANG = {"FAKE_HANG": "train"}


def test_it_stops_in_time_in_the_middle_of_a_job(daemon, until):
    one = daemon(env=HANG).up()
    one.ask("train")
    until(lambda: one.ask("status")["running"])
    began = time.monotonic()
    assert one.stop(signal.SIGINT) == 0
    assert time.monotonic() - began < 5


def test_what_a_kill_interrupted_is_done_again_and_nothing_is_sent_twice(daemon, until):
    one = daemon(env=HANG).up()
    one.ask("train", timesteps=4096)
    until(lambda: one.started("train"))
    one.stop(signal.SIGKILL)
    with Store.open(one.home.database) as db:
        outbox.put(db, 1, "proposals:today", {"title": "x"})
        begin_to_send(db, 1)
    two = daemon().up()
    until(lambda: len(two.started("train")) == 2)
    again = two.started("train")
    assert again[0]["args"] == again[1]["args"] == {"timesteps": 4096}
    assert [order["attempt"] for order in again] == [1, 2]
    status = two.ask("status")
    assert status["outbox"] == {"uncertain": 1}
    assert status["interrupted"]["uncertain"] == 1
    assert "train" in status["interrupted"]["again"]
    until(lambda: not two.ask("status")["running"])
    with Store.open(two.home.database) as db:
        assert jobs.get(db, again[0]["job"]).state == "done"


@pytest.fixture
def given_up(tmp_path):
    """Have daemons die in the middle of a job until the next one gives it up."""

    def do(name):
        with Store.open(Home.under(tmp_path / "h").database) as db:
            job = jobs.enqueue(db, name, {})
            for _ in range(MAX_INTERRUPTIONS):
                jobs.requeue_interrupted(db)
                jobs.start(db, job.id)

    return do


def test_an_inspection_that_kills_is_not_begun_by_a_start(daemon, until, given_up):
    given_up("inspect")
    one = daemon(results=inspection()).up()
    problem = one.ask("status")["problem"]
    assert problem.startswith("the plugins: inspect was interrupted 5 times in a row; it rests")
    assert one.started("inspect") == []
    one.ask("reload")
    assert one.started("inspect")
    assert one.ask("status")["problem"] is None


def test_a_sync_that_kills_is_not_begun_by_the_inspection_of_a_start(daemon, until, given_up):
    given_up("sync")
    one = daemon(results=inspection()).up()
    until(lambda: one.started("inspect") and not one.ask("status")["running"])
    assert one.started("sync") == []
    [failure] = one.ask("status")["failures"]
    assert failure["error"].startswith("sync was interrupted 5 times in a row")
    one.ask("reload")
    until(lambda: len(one.started("sync")) == 1)
    until(lambda: not one.ask("status")["failures"])


def test_a_training_that_pays_comes_whoever_found_that_out_and_whatever_lay_between(daemon, until):
    one = daemon().up()
    until(lambda: one.started("sync") and not one.ask("status")["running"])
    one.ask("pause")
    with Store.open(one.home.database) as db:  # as the detect of a command has it
        models.set_training_due(db, "7")
    one.ask("resume")
    until(lambda: len(one.started("train")) == 1 and not one.ask("status")["running"])
    with Store.open(one.home.database) as db:
        assert models.training_due(db) is None
    one.stop()
    with Store.open(one.home.database) as db:
        models.set_training_due(db, "8")
    two = daemon().up()
    until(lambda: len(two.started("train")) == 2)


def test_a_training_that_fails_is_not_begun_again_by_what_has_nothing_to_do_with_it(daemon, until):
    one = daemon(env={"FAKE_DIE": "train"}).up()
    until(lambda: one.started("sync") and not one.ask("status")["running"])
    with Store.open(one.home.database) as db:
        models.set_training_due(db, "7")
    one.ask("resume")
    until(lambda: one.ask("status")["queue"]["failed"] == 1)
    seen = len(one.started("detect"))
    with Store.open(one.home.database) as db:
        profiles.ensure(db, 1)
    one.ask("resume")  # looks at what is due, as it does each minute
    until(lambda: len(one.started("detect")) > seen and not one.ask("status")["running"])
    assert len(one.started("train")) == 1


def test_a_command_that_meets_a_locked_database_says_so(daemon, until):
    one = daemon().up()
    until(lambda: one.started("sync") and not one.ask("status")["running"])
    with (
        Store.open(one.home.database) as db,
        db.transaction(),
        pytest.raises(TwindError, match=r"twind\.db: database is locked; try again"),
    ):
        one.ask("pause")


def test_a_home_that_vanishes_is_not_made_anew_and_is_gone_on_with_once_it_is_back(daemon, until):
    one = daemon().up()
    until(lambda: one.started("sync") and not one.ask("status")["running"])
    assert one.ask("status")["interrupted"] is None
    root = one.home.state_dir
    elsewhere = root.with_name("elsewhere")
    root.rename(elsewhere)
    one.home = Home.under(elsewhere)
    with pytest.raises(TwindError, match=r"twind\.db is gone; nothing is done until it is back"):
        one.ask("sync", wait=True)
    assert "is gone" in one.ask("status")["problem"]
    assert not root.exists()
    elsewhere.rename(root)
    one.home = Home.under(root)
    one.ask("sync", wait=True)
    assert one.ask("status")["problem"] is None
    assert one.stop() == 0


def test_a_daemon_whose_database_is_another_ends_to_be_started_on_that(daemon, until):
    one = daemon().up()
    until(lambda: one.started("sync") and not one.ask("status")["running"])
    database = one.home.database
    for path in database.parent.glob("twind.db*"):
        path.rename(path.with_name(f"old-{path.name}"))
    Store.open(database).close()
    one.ask("sync")
    assert one.process.wait(timeout=20) == 1
    assert "home_lost: " in one.log.read_text()


def test_a_service_manager_hears_of_start_reload_and_stop(daemon, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(15)
        one = daemon(
            env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        ).up()

        def hear(word: str) -> None:
            while not manager.recv(4096).decode().startswith(word):
                pass

        hear("READY=1")
        hear("WATCHDOG=1")
        one.process.send_signal(signal.SIGHUP)
        hear("RELOADING=1\nMONOTONIC_USEC=")
        hear("READY=1")
        one.ask("stop")
        hear("STOPPING=1")
        assert one.process.wait(timeout=10) == 0


def test_a_bad_config_at_the_start_is_one_line(daemon, tmp_path):
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "twind.toml").write_text("nonsense = [")
    one = daemon()
    assert one.process.wait(timeout=15) == 1
    assert len(one.log.read_text().splitlines()) == 1


@pytest.mark.parametrize("harm", ["nonsense = [", b"\xff\xfe", "[profile]\nid = 'x'\n", None])
def test_a_config_that_is_spoilt_while_it_runs_changes_nothing(daemon, until, tmp_path, harm):
    """Gone, no TOML, no text, or with a wrong value: the workers, too, go on as before."""
    (tmp_path / "h").mkdir()
    file = tmp_path / "h" / "twind.toml"
    file.write_text("[questions]\nper_day = 3\n")
    one = daemon().up()
    if harm is None:
        file.unlink()
    elif isinstance(harm, bytes):
        file.write_bytes(harm)
    else:
        file.write_text(harm)
    problem = until(lambda: one.ask("status")["problem"])
    assert problem.startswith(str(file))
    one.ask("sync", wait=True)
    assert one.started("sync")[-1]["settings"]["questions"]["per_day"] == 3
    file.write_text("[questions]\nper_day = 4\n")
    until(lambda: one.ask("status")["problem"] is None)
    one.ask("sync", wait=True)
    assert "settings" not in one.started("sync")[-1]


def test_a_damaged_journal_is_told_kept_and_gone_on_without(daemon, until):
    one = daemon().up()
    until(lambda: one.started("sync"))
    for _ in range(20):
        one.ask("pause")
        one.ask("resume")
    one.process.kill()
    one.process.wait(timeout=10)
    journal = Path(f"{one.home.database}-wal")
    content = bytearray(journal.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = bytes(byte ^ 0xFF for byte in content[middle : middle + 5000])
    journal.write_bytes(content)
    two = daemon().up()
    told = two.ask("status")["recovered"]
    assert told["because"].startswith(f"{journal} is damaged: ")
    assert told["backup"] == ""
    assert (Path(told["aside"]) / journal.name).read_bytes() == content
    with sqlite3.connect(two.home.database) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        said = db.execute("SELECT payload FROM outbox WHERE key LIKE 'recovered:%'").fetchall()
    db.close()
    assert len(said) == 1
    assert told["aside"] in said[0][0]
    assert two.stop() == 0


def test_what_was_forgotten_and_not_wiped_is_wiped_at_the_start(daemon, tmp_path):
    root = tmp_path / "h"
    with Store.open(root / "twind.db") as db:
        db.execute("PRAGMA secure_delete = OFF")  # some builds of SQLite wipe by themselves
        db.meta_set("said", "Zebulonia " * 500)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.meta_set("said", None)
        db.meta_set("forgetting", db.now())
    assert b"Zebulonia" in (root / "twind.db").read_bytes()
    one = daemon().up()
    assert one.stop() == 0
    assert b"Zebulonia" not in (root / "twind.db").read_bytes()
    assert "wiped what" in one.log.read_text()


def test_the_lock_tells_who_holds_it(daemon):
    one = daemon().up()
    assert json.loads(one.home.lock.read_text()) == one.process.pid

"""A bundle tells nothing of anybody: canaries are planted wherever twind keeps something."""

import getpass
import json
import platform
import re
import stat
import zipfile

import pytest

from twind.doctor import CHECKS, Check, Finding, Subject, bundle, examine
from twind.home import Home
from twind.jobs.__main__ import names
from twind.settings import TwindSettings
from twind.store import Store, jobs, outbox, profiles, sources

CANARY = "zanzibar"
"""In everything that is planted, and in nothing else."""
NAME, MAIL, TITLE = f"Anna {CANARY}", f"anna@{CANARY}.example", f"Therapy with Dr. {CANARY}"
URL, PATH = f"mailtos://anna:{CANARY}@mail.example", f"/home/{CANARY}/secret.ics"

CONFIGURATION = f"""\
[profile]
timezone = "Africa/Dar_es_Salaam"
emails = ["{MAIL}"]
[hours]
sleep = "02:17-10:43"
[proposals]
health = true
[plugins]
disabled = ["{CANARY}"]
[plugins.calendar]
paths = ["{PATH}"]
[plugins.notify]
urls = ["{URL}"]
[plugins.{CANARY}]
token = "{CANARY}"
{CANARY} = 3
"""


@pytest.fixture
def subject(tmp_path, clock, monkeypatch):
    """A home that is full of somebody, from its path to its faults."""
    home = Home.under(tmp_path / CANARY)
    home.root.mkdir()
    home.config_file.write_text(CONFIGURATION)
    monkeypatch.setenv("TWIND_TRAINING__THREADS", "2")
    monkeypatch.setenv(f"TWIND_{CANARY.upper()}", CANARY)
    with Store.open(home.database, clock) as db:
        profiles.ensure(db, 1)
        plant(db)
    home.backups_dir.mkdir()
    (home.backups_dir / "twind-20260301T000000Z.zip").write_text(CANARY)
    plugin = {"name": CANARY, "state": "failed", "error": f"{PATH}: {NAME}", "watch": [PATH]}
    return Subject(home, lambda _home: [plugin], clock)


def plant(db):
    """Have things fail with canaries, and life be full of them."""
    db.execute(f"CREATE TABLE {CANARY} ({CANARY} TEXT)")
    db.insert("entities", profile_id=1, entity_type="person", name=NAME, created_at=db.now())
    db.insert("workflows", profile_id=1, name=TITLE, workflow_type=CANARY, status=CANARY)
    outbox.put(db, 1, CANARY, {"title": TITLE})
    sources.failed(db, 1, CANARY, f"{PATH}: {NAME}")
    sources.failed(db, 1, "calendar", f"{URL} refused {MAIL}", needs_user=True)
    for name, code in ((CANARY, CANARY), ("sync", CANARY), ("sync", "died")):
        job = jobs.start(db, jobs.enqueue(db, name, {CANARY: PATH}, key=f"{name}:{code}").id)
        db.clock.advance(minutes=1)
        jobs.fail(db, job.id, job.attempt, code, f"{PATH}: {TITLE}")
    db.meta_set(CANARY, NAME)


@pytest.fixture
def written(subject, tmp_path):
    """The bundle of that home, by the names of its files."""
    path = tmp_path / "bundle.zip"
    crashing = Check("bug", lambda _subject: 1 // int(CANARY))
    telling = Check("told", lambda _subject: Finding("error", NAME, PATH, {"n": 1, "x": TITLE}))
    told = examine(subject, (*CHECKS, crashing, telling))
    assert sum(CANARY in one.finding.saw for one in told) >= 8, "the canaries sing elsewhere"
    bundle.write(path, subject.again(), told)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_no_canary_is_in_it(written):
    text = "\n".join([*written, *written.values()]).lower()
    for word in (CANARY, "anna", "therapy", "secret", "dar_es_salaam", "02:17", "137", "10:43"):
        assert word not in text, word
    for word in (getpass.getuser(), platform.node()):
        assert not re.search(rf"\b{re.escape(word.lower())}\b", text), word
    assert not re.search(r"/(home|tmp|var|root)/|://|@", text)
    assert not re.search(r"\d{4}-\d{2}-\d{2}", text), "when somebody did something"


def test_what_helps_is_in_it(written):
    told = {name: json.loads(text) for name, text in written.items() if name.endswith(".json")}
    assert not any(isinstance(part, dict) and "error" in part for part in told.values())
    assert told["versions.json"]["torch"]
    found = {one["id"]: one for one in told["findings.json"]}
    assert found.keys() == {*(check.id for check in CHECKS), "bug", "told"}
    assert found["told"] == {"id": "told", "severity": "error", "fixed": False, "facts": {"n": 1}}
    assert found["sources"]["facts"]["in_trouble"] == 2
    assert told["settings.json"]["training.threads"] == 2
    assert told["settings.json"]["hours.sleep"] == "set"
    assert told["settings.json"]["hours.quiet"] == "default"
    assert told["settings.json"]["proposals.health"] == "set"
    assert told["settings.json"]["plugins"] == {"calendar": 1, "notify": 1}
    assert told["database.json"]["rows"]["entities"] == 1
    assert told["database.json"]["other_tables"] == 1
    newest, second, third = told["jobs.json"]
    assert (newest["kind"], newest["code"], newest["took_s"]) == ("sync", "died", 60.0)
    assert (second["kind"], second["code"]) == ("sync", "other")
    assert (third["kind"], third["code"]) == ("other", "other")
    assert {(one["name"], one["trouble"]) for one in told["sources.json"]} == {
        ("calendar", "refused"),
        ("other", "failed"),
    }


def test_a_file_that_is_there_is_left_alone(examined, tmp_path):
    path = tmp_path / "mine.zip"
    path.write_text("mine")
    with pytest.raises(bundle.BundleError, match="is there already"):
        bundle.write(path, examined(), [])
    assert path.read_text() == "mine"
    with pytest.raises(bundle.BundleError):
        bundle.write(tmp_path / "no" / "folder.zip", examined(), [])


def test_a_home_with_nothing_in_it_or_with_noise_has_a_bundle(examined, home, tmp_path):
    bundle.write(tmp_path / "empty.zip", examined(), [])
    home.database.write_bytes(b"noise" * 1000)
    home.config_file.write_text("nonsense")
    bundle.write(tmp_path / "noise.zip", examined(), [])
    with zipfile.ZipFile(tmp_path / "noise.zip") as archive:
        told = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(told["settings.json"]) == {"error": "SettingsError"}
    assert json.loads(told["database.json"]) == {"error": "DamagedDatabaseError"}


def test_the_settings_that_go_in_are_there_and_are_numbers():
    defaults = TwindSettings()
    for name in bundle.SETTINGS:
        section, key = name.split(".")
        assert isinstance(getattr(getattr(defaults, section), key), int | float), name
    assert not {"proposals.health", "proposals.mood", "profile.id"} & set(bundle.SETTINGS)


def test_every_job_is_known():
    assert set(names()) == bundle.JOBS

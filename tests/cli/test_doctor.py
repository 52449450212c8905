"""`twind doctor`, as it is typed."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile

from twind.cli import main
from twind.doctor import CHECKS


def test_findings_are_exit_status_one_and_their_code_says_that_it_could_look(report, home):
    shape = report("doctor", expect=1)
    assert shape["error"]["code"] == "findings"
    assert shape["error"]["message"].endswith("found something: daemon")
    checks = shape["data"]["checks"]
    assert [one["id"] for one in checks] == [check.id for check in CHECKS]
    assert all(one.keys() == {"id", "severity", "saw", "do", "fixed"} for one in checks)
    assert list(home.root.iterdir()) == []


def test_what_cannot_be_done_is_exit_status_one_with_another_code(report, tmp_path):
    (tmp_path / "mine.zip").write_text("mine")
    shape = report("doctor", "--bundle", str(tmp_path / "mine.zip"), expect=1)
    assert shape["error"]["code"] == "bundle"


def test_what_can_be_mended_is(report, home):
    home.root.chmod(0o755)
    home.config_file.write_text("")
    home.config_file.chmod(0o644)
    shape = report("doctor", "--fix", expect=1)
    told = {one["id"]: one for one in shape["data"]["checks"]}
    assert told["privacy"]["fixed"] == f"closed to others: {home.config_file}"
    assert told["privacy"]["severity"] == "ok"
    assert stat.S_IMODE(home.config_file.stat().st_mode) == 0o640


def test_a_bundle_is_written_whatever_was_found(report, tmp_path):
    shape = report("doctor", "--bundle", str(tmp_path / "b.zip"), expect=1)
    assert shape["data"]["bundle"] == str(tmp_path / "b.zip")
    assert "findings.json" in zipfile.ZipFile(tmp_path / "b.zip").namelist()


def test_for_people_each_check_is_a_line_and_each_finding_says_what_to_do(home, capsys):
    assert main(["doctor", "--home", str(home.root)]) == 1
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert len([line for line in lines if line[:1].strip()]) == len(CHECKS)
    [at] = [n for n, line in enumerate(lines) if line.startswith("warning  daemon")]
    assert lines[at + 1].strip().startswith("→ start it")
    assert told.err == f"twind: 1 of {len(CHECKS)} checks found something: daemon\n"


def test_it_loads_nothing_heavy():
    shown = subprocess.run(
        [sys.executable, "-c", "import sys, twind.cli.doctor; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = {name.partition(".")[0] for name in shown.stdout.split()}
    assert packages.isdisjoint({"torch", "numpy", "numba", "pandas", "rich", "pluggy"})

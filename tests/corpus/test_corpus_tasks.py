"""The tasks plugin on task lists of another kind: it says so, and nothing else happens."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twind.api import Context, Window

CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus"
)
FILES = sorted(path for path in (CORPUS / "tasks").rglob("*.data") if path.is_file())
NOW = datetime(2026, 11, 23, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no corpus at {CORPUS}; set TWIND_CORPUS to a folder with tasks/ in it"
)


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_another_programs_file_is_refused_by_name(tasks_plugin, path):
    settings = tasks_plugin.TasksSettings(paths=[path])
    ctx = Context(settings=settings, window=Window(NOW, NOW), now=NOW)
    [error] = tasks_plugin.Tasks().fetch(ctx)
    assert error.uid == error.group == str(path)
    assert "no todo.txt file" in error.reason

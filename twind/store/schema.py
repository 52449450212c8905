"""The tables.

MISSION's tables have its names and columns, so that a `personal_learning.db` made elsewhere fits
in; the rest are twind's own. A foreign table may lack keys, types and defaults: nothing here relies
on them, ids are given explicitly, and no table of ours declares a foreign key into them.
"""

from __future__ import annotations

import re

MISSION_TABLES: dict[str, str] = {
    "profile": """
        id INTEGER PRIMARY KEY, created_at TEXT, updated_at TEXT,
        total_responses INTEGER DEFAULT 0, engagement_score REAL DEFAULT 0,
        learning_version INTEGER DEFAULT 1, metadata TEXT""",
    "dimensions": """
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        parent_dimension_id INTEGER REFERENCES dimensions(id), weight REAL DEFAULT 1,
        description TEXT, metadata TEXT""",
    "aspects": """
        id INTEGER PRIMARY KEY, dimension_id INTEGER NOT NULL REFERENCES dimensions(id),
        name TEXT NOT NULL, code TEXT NOT NULL UNIQUE, description TEXT, metadata TEXT""",
    "questions": """
        id INTEGER PRIMARY KEY, profile_id INTEGER REFERENCES profile(id),
        text TEXT NOT NULL UNIQUE, question_type TEXT NOT NULL, difficulty_level INTEGER DEFAULT 1,
        engagement_factor REAL DEFAULT 0.5,
        primary_dimension_id INTEGER REFERENCES dimensions(id), metadata TEXT,
        active INTEGER DEFAULT 1, times_asked INTEGER DEFAULT 0, avg_response_time REAL,
        created_at TEXT""",
    "answer_options": """
        id INTEGER PRIMARY KEY,
        question_id INTEGER NOT NULL REFERENCES questions(id) ON DELETE CASCADE,
        text TEXT NOT NULL, option_order INTEGER DEFAULT 0,
        aspect_id INTEGER REFERENCES aspects(id), weight REAL DEFAULT 1, metadata TEXT""",
    "responses": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        question_id INTEGER NOT NULL REFERENCES questions(id),
        answer_option_id INTEGER REFERENCES answer_options(id), response_type TEXT NOT NULL,
        response_time_ms INTEGER, confidence_level REAL, created_at TEXT, session_id TEXT,
        metadata TEXT""",
    "patterns": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        pattern_type TEXT NOT NULL, dimension_id INTEGER REFERENCES dimensions(id),
        aspect_id INTEGER REFERENCES aspects(id), confidence REAL, strength REAL,
        evidence_count INTEGER DEFAULT 0, impact_score REAL DEFAULT 0, first_detected TEXT,
        last_updated TEXT, metadata TEXT, UNIQUE (profile_id, dimension_id, aspect_id)""",
    "entities": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        entity_type TEXT NOT NULL, name TEXT NOT NULL, description TEXT, created_at TEXT,
        metadata TEXT, UNIQUE (profile_id, name, entity_type)""",
    "entity_attributes": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        entity_id INTEGER NOT NULL REFERENCES entities(id) ON DELETE CASCADE,
        attribute_type TEXT NOT NULL, aspect_id INTEGER REFERENCES aspects(id), value REAL,
        text_value TEXT, confidence REAL, last_updated TEXT, metadata TEXT,
        UNIQUE (profile_id, entity_id, attribute_type)""",
    "workflows": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        name TEXT NOT NULL, workflow_type TEXT NOT NULL, status TEXT NOT NULL,
        created_from_responses TEXT, metadata TEXT""",
    "workflow_steps": """
        id INTEGER PRIMARY KEY,
        workflow_id INTEGER NOT NULL REFERENCES workflows(id) ON DELETE CASCADE,
        step_order INTEGER, description TEXT NOT NULL, status TEXT, due_date TEXT,
        completed_at TEXT, metadata TEXT""",
    "recommendations": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL REFERENCES profile(id),
        recommendation_type TEXT NOT NULL, title TEXT NOT NULL, description TEXT, priority REAL,
        confidence REAL, based_on_pattern_ids TEXT, status TEXT NOT NULL, created_at TEXT,
        responded_at TEXT, metadata TEXT""",
}

OWN_TABLES: dict[str, str] = {
    "meta": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "spent_ids": "table_name TEXT PRIMARY KEY, id INTEGER NOT NULL",
    "change_log": """
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, table_name TEXT NOT NULL,
        op TEXT NOT NULL, row_id INTEGER""",
    "cursors": "consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL",
    "sources": """
        profile_id INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL DEFAULT '{}',
        records INTEGER NOT NULL DEFAULT 0,
        last_run_at TEXT, last_ok_at TEXT, last_error TEXT, needs_user INTEGER NOT NULL DEFAULT 0,
        trouble TEXT, trouble_since TEXT, held_since TEXT, held_upto INTEGER,
        accepted INTEGER NOT NULL DEFAULT 0, more_errors INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (profile_id, name)""",
    "source_errors": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, source TEXT NOT NULL,
        uid TEXT NOT NULL, grp TEXT NOT NULL, reason TEXT NOT NULL, seen_at TEXT NOT NULL,
        first_seen_at TEXT""",
    "records": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, source TEXT NOT NULL,
        uid TEXT NOT NULL, kind TEXT NOT NULL, grp TEXT NOT NULL, digest TEXT NOT NULL,
        payload TEXT NOT NULL, start_at TEXT, end_at TEXT, row_id INTEGER,
        first_seen_at TEXT NOT NULL, changed_at TEXT NOT NULL,
        UNIQUE (profile_id, source, uid)""",
    "same_person": """
        profile_id INTEGER NOT NULL, source_a TEXT NOT NULL, uid_a TEXT NOT NULL,
        source_b TEXT NOT NULL, uid_b TEXT NOT NULL, same INTEGER NOT NULL,
        decided_at TEXT NOT NULL,
        PRIMARY KEY (profile_id, source_a, uid_a, source_b, uid_b)""",
    "addresses": """
        profile_id INTEGER NOT NULL, address TEXT NOT NULL, entity_id INTEGER NOT NULL,
        PRIMARY KEY (profile_id, address, entity_id)""",
    "event_people": """
        record_id INTEGER NOT NULL REFERENCES records(id) ON DELETE CASCADE,
        entity_id INTEGER NOT NULL, PRIMARY KEY (record_id, entity_id)""",
    "jobs": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, key TEXT, args TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
        attempt INTEGER NOT NULL DEFAULT 0, queued_at TEXT NOT NULL, started_at TEXT,
        finished_at TEXT, result TEXT, error TEXT""",
    "outbox": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL,
        key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('pending', 'sending', 'sent', 'failed', 'uncertain', 'dropped')),
        channel TEXT, created_at TEXT NOT NULL, sent_at TEXT, error TEXT, due_at TEXT""",
    "deliveries": """
        message_id INTEGER NOT NULL REFERENCES outbox(id) ON DELETE CASCADE,
        plugin TEXT NOT NULL, channel TEXT NOT NULL, name TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('waiting', 'sending', 'sent', 'failed', 'uncertain', 'dropped')),
        tries INTEGER NOT NULL DEFAULT 0, due_at TEXT, changed_at TEXT NOT NULL, error TEXT,
        PRIMARY KEY (message_id, plugin, channel)""",
    "evidence": """
        id INTEGER PRIMARY KEY, profile_id INTEGER NOT NULL, key TEXT NOT NULL,
        kind TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL, source_table TEXT,
        source_id INTEGER, weight REAL NOT NULL, aspects TEXT NOT NULL,
        origin TEXT NOT NULL DEFAULT '', UNIQUE (profile_id, key)""",
    "beliefs": """
        profile_id INTEGER PRIMARY KEY, data BLOB NOT NULL, updated_at TEXT NOT NULL""",
    "feedback": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL,
        recommendation_id INTEGER NOT NULL,
        action TEXT NOT NULL CHECK (action IN ('accept', 'reject', 'edit', 'snooze')),
        reason TEXT NOT NULL DEFAULT '', start_at TEXT, duration_min INTEGER, until_at TEXT,
        created_at TEXT NOT NULL, undone_at TEXT""",
    "words": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, kind TEXT NOT NULL,
        subject TEXT NOT NULL, value REAL, text TEXT NOT NULL DEFAULT '', at TEXT NOT NULL,
        UNIQUE (profile_id, kind, subject)""",
    "changes": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, at TEXT NOT NULL,
        dimension TEXT NOT NULL, noticed_at TEXT NOT NULL""",
    "erased": """
        profile_id INTEGER NOT NULL, person INTEGER NOT NULL, print TEXT NOT NULL,
        PRIMARY KEY (profile_id, person, print)""",
    "checkins": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, at TEXT NOT NULL,
        energy REAL NOT NULL CHECK (energy BETWEEN 0 AND 1), note TEXT NOT NULL DEFAULT ''""",
    "models": """
        id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL, kind TEXT NOT NULL,
        file TEXT, sha256 TEXT,
        state TEXT NOT NULL CHECK (state IN ('serving', 'retired', 'rejected')),
        parent_id INTEGER REFERENCES models(id), timesteps INTEGER NOT NULL DEFAULT 0,
        score REAL, report TEXT NOT NULL DEFAULT '{}', belief BLOB, world TEXT,
        created_at TEXT NOT NULL, served_at TEXT""",
}

INDEXES = (
    "CREATE INDEX IF NOT EXISTS records_by_time ON records (profile_id, kind, start_at)",
    "CREATE INDEX IF NOT EXISTS records_by_row ON records (kind, row_id)",
    "CREATE INDEX IF NOT EXISTS steps_by_workflow ON workflow_steps (workflow_id, step_order)",
    "CREATE INDEX IF NOT EXISTS event_people_by_entity ON event_people (entity_id)",
    "CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state)",
    "CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_key ON jobs (key) WHERE key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS feedback_by_proposal ON feedback (recommendation_id)",
    "CREATE INDEX IF NOT EXISTS source_errors_by_source ON source_errors (profile_id, source)",
)

LOGGED = (
    "profile",
    "questions",
    "responses",
    "patterns",
    "entities",
    "entity_attributes",
    "workflows",
    "workflow_steps",
    "recommendations",
    "records",
    "feedback",
    "checkins",
    "words",
)
"""The tables whose every change lands in the change log."""

SPENT = (*MISSION_TABLES, "records", "changes", "checkins", "words")
"""The tables whose ids are given once: answers, proposals and words speak of their rows by id."""

_REFERENCES = re.compile(r"\s+REFERENCES \w+\(id\)(?: ON DELETE CASCADE)?")


def create(table: str, *, constrained: bool = True) -> str:
    """Return the statement that creates `table` where it is missing.

    `constrained=False` leaves out the foreign keys: a parent table made elsewhere may have no
    unique id, and SQLite then refuses every write to its children.
    """
    columns = {**MISSION_TABLES, **OWN_TABLES}[table]
    if not constrained and table in MISSION_TABLES:
        columns = _REFERENCES.sub("", columns)
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns})"


def columns_of(table: str) -> list[str]:
    """Return the names of a MISSION table's columns."""
    flat = re.sub(r"\([^)]*\)", "", MISSION_TABLES[table])
    return [part.split()[0] for part in flat.split(",") if part.split()[0] != "UNIQUE"]

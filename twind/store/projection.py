"""How a source's records become MISSION's rows: projects and their steps, and people.

One time of a habit is a step of the habit's own workflow; which project the habit is a part of
stays in its record. How often a task was put off is what its source tells, or what was seen here
from one sync to the next, whichever is more.

People are worked out from the records of all sources at the end (twind.store.people). Nothing that
was in the database before is overwritten: a row made elsewhere is taken into use when its name fits
and nobody else's record stands behind it, and keeps its own metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.model import Person, Project, Record, Task
from twind.store import people
from twind.store.connection import from_json, stored_time, to_json

if TYPE_CHECKING:
    from sqlite3 import Row

    from twind.store.connection import Store

SINGLE_TASKS = "Single tasks"
_STEP_STATUS = {
    "open": "pending",
    "done": "completed",
    "cancelled": "cancelled",
    "missed": "missed",
}


class Projector:
    """Writes the rows behind one source's records. To be used inside a transaction."""

    def __init__(self, db: Store, profile_id: int, source: str) -> None:
        self._db = db
        self._profile_id = profile_id
        self._source = source
        self._projects: dict[str, int] = {}
        self._touched_people = False
        self._freed_people: set[int] = set()
        self._touched_events: list[int] = []
        self._touched_projects: set[int] = set()

    def put(self, record: Record, row_id: int | None) -> int | None:
        """Write the row of a new or changed record and return its id.

        None for an event, and for a person until `finish`: who they are hangs on all the others.
        """
        match record:
            case Person():
                self._touched_people = True
                return row_id
            case Project():
                row_id = self._put_project(record, row_id)
                self._projects[record.uid] = row_id
                return row_id
            case Task():
                return self._put_task(record, row_id)
        return None

    def keep(self, kind: str, record: Record, row_id: int | None) -> None:
        """Note an unchanged record, so that others find it."""
        if kind == "project" and row_id is not None:
            self._projects[record.uid] = row_id

    def linked(self, kind: str, record_id: int) -> None:
        """Note that a record was written, so that `finish` links it."""
        if kind == "event":
            self._touched_events.append(record_id)

    def remove(self, kind: str, record_id: int, row_id: int | None) -> None:
        """Remove the row behind a record that is gone, unless another record stands behind it."""
        if kind == "person":
            self._touched_people = True
            if row_id is not None:
                self._freed_people.add(row_id)
            return
        if row_id is None or self._stands(kind, row_id, record_id):
            return
        if kind == "task":
            workflow = self._db.value(
                "SELECT workflow_id FROM workflow_steps WHERE id = ?", (row_id,)
            )
            self._db.execute("DELETE FROM workflow_steps WHERE id = ?", (row_id,))
            if workflow is not None:
                self._touched_projects.add(workflow)
        elif kind == "project" and self._made_here("workflows", row_id):
            self._touched_projects.add(row_id)

    def finish(self) -> None:
        """Link people to events, and have projects that only their tasks name end with these."""
        for workflow in self._touched_projects:
            self._follow_tasks(workflow)
        if self._touched_people or not people.is_settled(self._db, self._profile_id):
            people.settle(self._db, self._profile_id, self._freed_people)
        elif self._touched_events:
            people.link_events(self._db, self._profile_id, self._touched_events)

    # --- projects and tasks ----------------------------------------------------------------------

    def _put_project(self, project: Project, row_id: int | None) -> int:
        about = {
            "priority": project.priority,
            "deadline": stored_time(project.deadline),
            "description": project.description,
        }
        if row_id is None:
            row_id = self._unclaimed_workflow(project.name)
        if row_id is not None:
            self._rename("workflows", row_id, project.name)
            self._describe("workflows", row_id, about)
            self._db.execute(
                "UPDATE workflows SET status = ? WHERE id = ?", (project.status, row_id)
            )
            if self._made_here("workflows", row_id):
                self._db.execute(
                    "UPDATE workflows SET workflow_type = ? WHERE id = ?", (project.kind, row_id)
                )
            return row_id
        return self._new_workflow(project.name, project.kind, project.status, about)

    def _unclaimed_workflow(self, name: str) -> int | None:
        found: int | None = self._db.value(
            "SELECT id FROM workflows WHERE profile_id = ? AND name = ? AND NOT EXISTS "
            "(SELECT 1 FROM records WHERE kind = 'project' AND row_id = workflows.id)",
            (self._profile_id, name),
        )
        return found

    def _new_workflow(self, name: str, kind: str, status: str, about: dict[str, Any]) -> int:
        return self._db.insert(
            "workflows",
            profile_id=self._profile_id,
            name=name,
            workflow_type=kind,
            status=status,
            created_from_responses=None,
            metadata=to_json({"origin": self._source, **about}),
        )

    def _project_of(self, task: Task) -> int:
        name = task.series or task.project or SINGLE_TASKS
        if name not in self._projects:
            found = self._db.value(
                "SELECT row_id FROM records WHERE profile_id = ? AND source = ? AND uid = ? "
                "AND kind = 'project'",
                (self._profile_id, self._source, name),
            ) or self._db.value(
                "SELECT id FROM workflows WHERE profile_id = ? AND name = ?",
                (self._profile_id, name),
            )
            kind = "habit" if task.series else "project"
            self._projects[name] = found or self._new_workflow(name, kind, "active", {})
        return self._projects[name]

    def _put_task(self, task: Task, row_id: int | None) -> int:
        workflow = self._project_of(task)
        old = self._db.row(
            "SELECT workflow_id, status, due_date, metadata FROM workflow_steps WHERE id = ?",
            (row_id,),
        )
        if old is not None and old["workflow_id"] != workflow:
            self._touched_projects.add(old["workflow_id"])
        if task.status == "open" or not task.series:  # a habit goes on between two of its times
            self._touched_projects.add(workflow)
        columns = {
            "workflow_id": workflow,
            "description": task.title,
            "status": _STEP_STATUS[task.status],
            "due_date": stored_time(task.due),
            "completed_at": stored_time(task.completed_at),
            "metadata": to_json(
                {
                    "origin": self._source,
                    "priority": task.priority,
                    "estimate_min": task.estimate_min,
                    "spent_min": task.spent_min,
                    "progress": task.progress,
                    "start": stored_time(task.start),
                    "created_at": stored_time(task.created_at),
                    "recurrence": task.recurrence,
                    "series": task.series,
                    "rescheduled": self._rescheduled(task, old),
                    "contexts": list(task.contexts),
                }
            ),
        }
        if row_id is not None:
            assigned = ", ".join(f"{column} = ?" for column in columns)
            self._db.execute(
                f"UPDATE workflow_steps SET {assigned} WHERE id = ?", (*columns.values(), row_id)
            )
            return row_id
        order = self._db.value(
            "SELECT COALESCE(MAX(step_order), 0) + 1 FROM workflow_steps WHERE workflow_id = ?",
            (workflow,),
        )
        return self._db.insert("workflow_steps", step_order=order, **columns)

    def _rescheduled(self, task: Task, old: Row | None) -> int:
        """Return how often a task was put off, this time included if it has just been.

        The next time of what recurs is no delay, whatever became of the last one.
        """
        if old is None:
            return task.rescheduled
        due = stored_time(task.due)
        later = (
            task.status == "open"
            and old["status"] == "pending"
            and not (task.series or task.recurrence)
            and due is not None
            and old["due_date"] is not None
            and due > old["due_date"]
        )
        return max(task.rescheduled, int(from_json(old["metadata"]).get("rescheduled", 0)) + later)

    def _follow_tasks(self, workflow: int) -> None:
        """End a project of ours that no source tells of once all its tasks are over.

        It goes on when one is to be done again, and is dropped if it left no trace.
        """
        if not self._made_here("workflows", workflow) or self._stands("project", workflow, -1):
            return
        steps = self._db.rows(
            "SELECT status FROM workflow_steps WHERE workflow_id = ?", (workflow,)
        )
        if not steps:
            self._db.execute("DELETE FROM workflows WHERE id = ?", (workflow,))
        elif all(row["status"] != "pending" for row in steps):
            self._db.execute("UPDATE workflows SET status = 'completed' WHERE id = ?", (workflow,))
        else:
            self._db.execute(
                "UPDATE workflows SET status = 'active' WHERE id = ? AND status = 'completed'",
                (workflow,),
            )

    # --- shared ----------------------------------------------------------------------------------

    def _stands(self, kind: str, row_id: int, besides: int) -> bool:
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM records WHERE kind = ? AND row_id = ? AND id != ?)",
                (kind, row_id, besides),
            )
        )

    def _made_here(self, table: str, row_id: int) -> bool:
        metadata = self._db.value(f"SELECT metadata FROM {table} WHERE id = ?", (row_id,))
        return "origin" in from_json(metadata)

    def _rename(self, table: str, row_id: int, name: str) -> None:
        self._db.execute(f"UPDATE {table} SET name = ? WHERE id = ?", (name, row_id))

    def _describe(self, table: str, row_id: int, about: dict[str, Any]) -> None:
        old = from_json(self._db.value(f"SELECT metadata FROM {table} WHERE id = ?", (row_id,)))
        known = {key: value for key, value in about.items() if value not in (None, "", [])}
        dropped = {key for key in about if key not in known} if "origin" in old else set()
        merged = {key: value for key, value in {**old, **known}.items() if key not in dropped}
        self._db.execute(f"UPDATE {table} SET metadata = ? WHERE id = ?", (to_json(merged), row_id))

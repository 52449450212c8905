"""A worker that does as its order's args say: result, error, progress, hang, die, noise.

Or as the environment says for a job's name: FAKE_HANG, FAKE_DIE, FAKE_LISTEN (says that it listens,
and ends with its stdin).
"""

# ruff: noqa: T201, PTH118, PTH123

import json
import os
import signal
import sqlite3
import subprocess
import sys

order = json.loads(sys.stdin.readline())
args = order["args"]
name = sys.argv[-1]
results = json.loads(os.environ.get("FAKE_RESULTS", "{}"))


def in_database(*statements):
    """Run statements of SQL, each with its parameters; return the rows of the last."""
    with sqlite3.connect(os.path.join(os.environ["TWIND_HOME"], "twind.db")) as db:
        for sql, *parameters in statements:
            rows = db.execute(sql, parameters).fetchall()
    db.close()
    return rows


if name == "detect" and results.get(name, {}).get("train_due"):
    due = ("INSERT OR REPLACE INTO meta VALUES ('training_due', ?)", str(order["job"]))
    in_database(due)
if name == "train":
    began_due = in_database(("SELECT value FROM meta WHERE key = 'training_due'",))
journal = os.environ.get("FAKE_JOURNAL")
if journal:
    with open(journal, "a", encoding="utf-8") as file:
        disabled = os.environ.get("TWIND_PLUGINS__DISABLED")
        file.write(json.dumps({**order, **({"disabled": disabled} if disabled else {})}) + "\n")
if args.get("noise"):
    print("a print that is no protocol")
    print("words on stderr", file=sys.stderr)
for line in args.get("stderr", []):
    print(line, file=sys.stderr, flush=True)
for progress in args.get("progress", []):
    print(json.dumps({"progress": progress}), flush=True)
if args.get("grandchild"):
    # Holds the pipes open, and its stdin is not ours.
    child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
    print(json.dumps({"progress": {"grandchild": child.pid}}), flush=True)
if args.get("stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if args.get("hang") or os.environ.get("FAKE_HANG") == name:
    signal.alarm(300)  # whoever started it may be killed
    print(json.dumps({"progress": {"hanging": os.getpid()}}), flush=True)
    signal.pause()
    signal.pause()
if os.environ.get("FAKE_LISTEN") == name:
    # As the real one does: all is sent and the job's row done before it listens.
    in_database(
        ("UPDATE outbox SET state = 'sent' WHERE state = 'pending'",),
        ("UPDATE jobs SET state = 'done' WHERE id = ?", order["job"]),
    )
    print(json.dumps({"progress": {"listening": True}}), flush=True)
    sys.stdin.read()
    os._exit(75)
if args.get("die") or os.environ.get("FAKE_DIE") == name:
    os.kill(os.getpid(), signal.SIGKILL)
if "error" in args:
    print(json.dumps({"error": args["error"]}), flush=True)
    sys.exit(1)
if name == "train" and began_due:
    in_database(("DELETE FROM meta WHERE key = 'training_due' AND value = ?", *began_due[0]))
result = args.get("result", results.get(name, {"name": name, "attempt": order["attempt"]}))
print(json.dumps({"result": result}), flush=True)

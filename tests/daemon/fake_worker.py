"""A worker that does as its order's args say: result, error, progress, hang, die, noise."""

# ruff: noqa: T201, PTH123

import json
import os
import signal
import subprocess
import sys

order = json.loads(sys.stdin.readline())
args = order["args"]
name = sys.argv[-1]
journal = os.environ.get("FAKE_JOURNAL")
if journal:
    with open(journal, "a", encoding="utf-8") as file:
        file.write(json.dumps(order) + "\n")
if args.get("noise"):
    print("a print that is no protocol")
    print("words on stderr", file=sys.stderr)
for progress in args.get("progress", []):
    print(json.dumps({"progress": progress}), flush=True)
if args.get("grandchild"):
    # Holds the pipes open, and its stdin is not ours.
    child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
    print(json.dumps({"progress": {"grandchild": child.pid}}), flush=True)
if args.get("stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if args.get("hang") or os.environ.get("FAKE_HANG") == name:
    print(json.dumps({"progress": {"hanging": os.getpid()}}), flush=True)
    signal.pause()
    signal.pause()
if args.get("die"):
    os.kill(os.getpid(), signal.SIGKILL)
if "error" in args:
    print(json.dumps({"error": args["error"]}), flush=True)
    sys.exit(1)
results = json.loads(os.environ.get("FAKE_RESULTS", "{}"))
result = args.get("result", results.get(name, {"name": name, "attempt": order["attempt"]}))
print(json.dumps({"result": result}), flush=True)

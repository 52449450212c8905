"""`make fuzz`: coverage-guided fuzzing of every parser that reads what comes from outside.

    python tests/fuzz/run.py --minutes 5 --target calendar

Each target gets so many minutes, one after the other, in a process of its own: Atheris (libFuzzer)
mutates what has reached new code so far. A finding does not end it: the smallest input of each
(kind of error, place) is kept in `inputs/TARGET`, where `make test` runs it from then on. The last
line of a target says what was done. Exits with 1 where anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
INPUTS = HERE / "inputs"
MAX_BYTES = 2048
RSS_MIB = 2048
SLOW = "slow"
sys.path[:0] = [str(ROOT), str(HERE)]


def main() -> int:
    """Fuzz the targets that were asked for."""
    arguments = _arguments()
    if arguments.inside:
        _fuzz(arguments.target[0], arguments.minutes, arguments.corpus)
        return 0
    import targets

    names = arguments.target or list(targets.everything())
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or Path(folder)
        found = [_run(name, arguments.minutes, corpus / name) for name in names]
    return 1 if any(found) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--target", action="append", help="its name; may be given again")
    parser.add_argument("--corpus", type=Path, help="a folder to keep what reached new code in")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _run(name: str, minutes: float, corpus: Path) -> bool:
    """Fuzz one target in a process of its own; tell whether anything was found, or it died."""
    corpus.mkdir(parents=True, exist_ok=True)
    before = set(INPUTS.rglob("*"))
    command = [sys.executable, __file__, "--inside", "--target", name, "--minutes", str(minutes)]
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        [*command, "--corpus", str(corpus)],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    said = done.stderr.splitlines()
    count = next((line.split()[-1] for line in said if "number_of_executed_units" in line), "?")
    covered = next((line for line in reversed(said) if " cov: " in line), "").split()
    features = covered[covered.index("ft:") + 1] if covered else "?"
    new = sorted(path.name for path in set(INPUTS.rglob("*")) - before if path.is_file())
    worked = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun) / 60
    print(
        f"{name}: {count} executions in {minutes:g} min ({worked:.1f} of processor time), "
        f"{features} features, {len(new)} findings",
        flush=True,
    )
    for line in new:
        print(f"  {line}", flush=True)
    if done.returncode:
        print("\n".join(said[-30:]), file=sys.stderr)
    return bool(new or done.returncode)


# --- in the process of one target ----------------------------------------------------------------


def _fuzz(name: str, minutes: float, corpus: Path) -> None:
    # What numba compiles cannot be instrumented.
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    import atheris

    with atheris.instrument_imports(
        include=["twind", "plugins", "vobject", "orgparse", "pytodotxt"],
        enable_loader_override=False,
    ):
        import targets

        target = targets.of(targets.family_of(name))[name]
    _sow(name, target, corpus)
    # Never empty, which libFuzzer takes for a mistake.
    words = corpus.parent / f"{name}.dict"
    words.write_text(
        "# words\n" + "".join(f'"{_escaped(word)}"\n' for word in target.words.split())
    )
    (INPUTS / name).mkdir(parents=True, exist_ok=True)
    keeper = _Keeper(name, target)
    options = {
        "max_total_time": int(minutes * 60),
        "max_len": MAX_BYTES,
        "timeout": 120,
        "rss_limit_mb": RSS_MIB,
        "report_slow_units": 1000,  # they are kept as findings, from SLOW_S on
        "print_final_stats": 1,
        "dict": words,
        "artifact_prefix": f"{INPUTS / name}{os.sep}",
    }
    flags = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], keeper.run)
    atheris.Fuzz()


def _sow(name: str, target, corpus: Path) -> None:
    """Put seeds into the corpus: its own, what was found before, and real inputs if there are."""
    seeds = [*target.seeds, *(path.read_bytes() for path in (INPUTS / name).glob("*"))]
    if target.corpus and CORPUS.is_dir():
        real = [path for path in sorted(CORPUS.glob(target.corpus)) if path.is_file()]
        seeds += [path.read_bytes()[:MAX_BYTES] for path in real]
    for seed in seeds:
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


class _Keeper:
    """Runs inputs, and keeps the smallest of each finding."""

    def __init__(self, name: str, target) -> None:
        import targets

        self._folder, self._target, self._slow_s = INPUTS / name, target, targets.SLOW_S
        self._kept = frozenset(path.name for path in self._folder.iterdir())
        self._smallest: dict[str, int] = {}

    def run(self, data: bytes) -> None:
        begun = time.process_time()
        try:
            self._target.run(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            self._keep(_named(error), data)
        took = time.process_time() - begun
        if took > self._slow_s:
            self._keep(SLOW, data)

    def _keep(self, name: str, data: bytes) -> None:
        if len(data) >= self._smallest.get(name, MAX_BYTES + 1):
            return
        if name not in self._smallest:
            print(f"FOUND {self._folder.name}/{name}", file=sys.stderr)
            traceback.print_exc()
            data = data if name == SLOW else self._reduced(name, data)
        self._smallest[name] = len(data)
        # What was found once, and is found again by another input, is another file.
        (self._folder / (f"{name}-again" if name in self._kept else name)).write_bytes(data)

    def _reduced(self, name: str, data: bytes) -> bytes:
        """Return what is left of an input when nothing more can go without the finding."""
        size = len(data) // 2
        while size:
            for start in range(0, len(data), size):
                less = data[:start] + data[start + size :]
                if less != data and self._finds(name, less):
                    data = less
                    break
            else:
                size //= 2
        return data

    def _finds(self, name: str, data: bytes) -> bool:
        try:
            self._target.run(data)
        except Exception as error:  # noqa: BLE001 - as above
            return _named(error) == name
        return False


def _named(error: Exception) -> str:
    """Name a finding by its kind and the innermost line of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if Path(one.filename).is_relative_to(ROOT)]
    last = [one for one in ours if ".venv" not in one.filename][-1]
    return f"{type(error).__name__}-{Path(last.filename).stem}-{last.name.strip('<>')}"


if __name__ == "__main__":
    sys.exit(main())

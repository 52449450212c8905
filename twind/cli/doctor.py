"""`twind doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.cli.processes import run_job
from twind.doctor import CHECKS, Subject, bundle, examine
from twind.home import Home

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output
    from twind.doctor import Examined


def doctor(arguments: argparse.Namespace, out: Output) -> int:
    """Look at everything, and report what was found; mend what can be, where that was asked for."""
    subject = Subject(Home.find(arguments.home), _inspect)
    told = examine(subject, CHECKS, fix=arguments.fix)
    data: dict[str, Any] = {"checks": [one.as_json() for one in told]}
    lines = [line for one in told for line in _lines(one)]
    if arguments.bundle:
        path = Path(arguments.bundle).expanduser().absolute()
        bundle.write(path, subject.again(), told)
        data["bundle"] = str(path)
        lines += ["", f"Wrote {path}: read it before you send it."]
    found = [one for one in told if not one.is_fine]
    if not found:
        return out.done(data, "\n".join([*lines, "", "All is well."]))
    message = f"{len(found)} of {len(told)} checks found something: " + ", ".join(
        one.id for one in found
    )
    return out.found(data, "\n".join(lines), message)


def _inspect(home: Home) -> list[dict[str, Any]]:
    plugins: list[dict[str, Any]] = run_job(home, "inspect")["plugins"]
    return plugins


def _lines(one: Examined) -> list[str]:
    lines = [f"{one.severity:<8} {one.id:<15} {one.finding.saw}"]
    if one.fixed:
        lines.append(f"{'':<24} mended: {one.fixed}")
    if one.finding.do:
        lines.append(f"{'':<24} → {one.finding.do}")
    return lines

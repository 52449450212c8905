"""Going through the checks: none can take the others with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twind.doctor.finding import Finding, NothingYetError
from twind.errors import TwindError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twind.doctor.finding import Severity
    from twind.doctor.subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what looks, and the checks without whose good end it cannot."""

    id: str
    look: Callable[[Subject], Finding]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """A check's finding, and what was mended before it was found ("" for nothing)."""

    id: str
    finding: Finding
    fixed: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.finding.severity

    @property
    def is_fine(self) -> bool:
        """Tell whether nobody has to look at it."""
        return self.severity in {"ok", "notice"}

    def as_json(self) -> dict[str, Any]:
        """Return it as it is reported."""
        return {
            "id": self.id,
            "severity": self.severity,
            "saw": self.finding.saw,
            "do": self.finding.do,
            "fixed": self.fixed,
        }


def examine(subject: Subject, checks: Sequence[Check], *, fix: bool = False) -> list[Examined]:
    """Run the checks in turn; with `fix`, mend what can be, and look again."""
    told: list[Examined] = []
    bad: set[str] = set()
    for check in checks:
        if missing := bad.intersection(check.needs):
            saw = f"not looked at: {', '.join(sorted(missing))} has to be put right first"
            told.append(Examined(check.id, Finding("notice", saw)))
            bad.add(check.id)
            continue
        finding, fixed = _look(subject, check), ""
        if fix and finding.repair is not None:
            finding, fixed = _mend(finding)
            # What was cached may be no more.
            subject.close()
            subject = subject.again()
            finding = _look(subject, check) if fixed else finding
        told.append(Examined(check.id, finding, fixed))
        if finding.blocks or finding.severity == "error":
            bad.add(check.id)
    subject.close()
    return told


def _look(subject: Subject, check: Check) -> Finding:
    try:
        return check.look(subject)
    except NothingYetError as nothing:
        return Finding("ok", str(nothing))
    except TwindError as error:
        return Finding("error", str(error))
    except Exception as error:  # noqa: BLE001 - one check's fault is no reason to leave out the rest
        saw = f"the check itself failed: {type(error).__name__}: {error}"
        return Finding("error", saw, "report it: twind doctor --bundle FILE.zip")


def _mend(finding: Finding) -> tuple[Finding, str]:
    """Mend what was found; return what came of it, and what was done ("" where it failed)."""
    assert finding.repair is not None
    try:
        return finding, finding.repair()
    except (OSError, TwindError) as error:
        saw = f"{finding.saw}; it could not be mended: {error}"
        return replace(finding, saw=saw), ""

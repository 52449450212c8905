"""Whether the machine runs on its battery, and what has to wait then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twind.daemon.configuration import Configuration
    from twind.store.jobs import Job

SUPPLIES = Path("/sys/class/power_supply")


def on_battery(supplies: Path = SUPPLIES) -> bool:
    """Tell whether a battery alone feeds the machine; a machine that tells nothing is on mains.

    `supplies` is a folder as the kernel has it (Documentation/ABI/testing/sysfs-class-power). What
    has the scope "Device", as a mouse's battery, feeds something else. One battery among several
    that is charged or full says that there are mains.
    """
    states = []
    for supply in sorted(supplies.glob("*")):
        if _read(supply / "scope") == "Device":
            continue
        if _read(supply / "type") == "Battery":
            states.append(_read(supply / "status"))
        elif _read(supply / "online") == "1":
            return False
    return "Discharging" in states and not {"Charging", "Full"}.intersection(states)


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii", "replace").strip()
    except OSError:
        return ""


class Mains:
    """Holds training back while the battery feeds the machine, where the user wants that."""

    def __init__(self, supplies: Path, configuration: Configuration) -> None:
        self._supplies = supplies
        self._configuration = configuration
        self._was_saving = False

    def hold(self, job: Job) -> bool:
        """Tell whether a job waits for mains power."""
        return job.name == "train" and self._is_saving()

    def _is_saving(self) -> bool:
        return not self._configuration.settings.training.on_battery and on_battery(self._supplies)

    def are_back(self) -> bool:
        """Tell whether what was held back may begin since this was last asked."""
        saving = self._is_saving()
        back = self._was_saving and not saving
        self._was_saving = saving
        return back

"""Whether the machine runs on its battery."""

from __future__ import annotations

from pathlib import Path

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

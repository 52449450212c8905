import pytest

from twind.daemon.power import on_battery

MAINS = {"type": "Mains", "online": "1"}
UNPLUGGED = {"type": "Mains", "online": "0"}
USB = {"type": "USB", "online": "1"}
EMPTYING = {"type": "Battery", "status": "Discharging", "scope": "System"}
FILLING = {"type": "Battery", "status": "Charging"}
FULL = {"type": "Battery", "status": "Full"}
IDLE = {"type": "Battery", "status": "Not charging"}
MOUSE = {"type": "Battery", "status": "Discharging", "scope": "Device"}


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ([], False),
        ([MAINS], False),
        ([MAINS, EMPTYING], False),
        ([UNPLUGGED, EMPTYING], True),
        ([UNPLUGGED, USB, EMPTYING], False),
        ([EMPTYING], True),
        ([EMPTYING, IDLE], True),
        ([EMPTYING, FULL], False),
        ([UNPLUGGED, FILLING], False),
        ([MOUSE], False),
        ([UNPLUGGED, MOUSE], False),
        ([{}], False),
    ],
)
def test_a_battery_alone_feeds_the_machine(tmp_path, supplies, expected):
    for number, supply in enumerate(supplies):
        folder = tmp_path / f"supply{number}"
        folder.mkdir()
        for name, text in supply.items():
            (folder / name).write_text(f"{text}\n")
    assert on_battery(tmp_path) is expected


def test_a_machine_that_tells_nothing_is_on_mains(tmp_path):
    assert on_battery(tmp_path / "missing") is False
    (tmp_path / "BAT0").mkdir()
    (tmp_path / "BAT0" / "type").mkdir()
    assert on_battery(tmp_path) is False

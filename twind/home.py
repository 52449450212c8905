"""Where twind keeps its things.

Light on purpose: `twind ctl` needs the socket's path and nothing else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "twind"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders and files of one twind.

    Attributes:
        config_file: `twind.toml`; need not exist.
        state_dir: database, models, lock.
        runtime_dir: the control socket.
        plugin_dirs: drop-in plugins; of two of one name the first that is found serves.

    """

    config_file: Path
    state_dir: Path
    runtime_dir: Path
    plugin_dirs: tuple[Path, ...]
    root: Path | None = None

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.state_dir / "twind.db"

    @property
    def models_dir(self) -> Path:
        """Trained weights."""
        return self.state_dir / "models"

    @property
    def backups_dir(self) -> Path:
        """Backups, as twind makes them by itself."""
        return self.state_dir / "backups"

    @property
    def erased(self) -> Path:
        """The fingerprints of those who are forgotten for good: see twind.store.erased."""
        return self.state_dir / "erased.json"

    @property
    def damaged_dir(self) -> Path:
        """What was found damaged, set aside."""
        return self.state_dir / "damaged"

    @property
    def calendar(self) -> Path:
        """Accepted proposals, for calendar programs to subscribe to."""
        return self.state_dir / "twind.ics"

    @property
    def socket(self) -> Path:
        """The daemon's control socket."""
        return self.runtime_dir / "twind.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock says that a daemon holds this home."""
        return self.state_dir / "twind.lock"

    @classmethod
    def under(cls, root: Path) -> Home:
        """Return the home that keeps everything under one folder (`--home`)."""
        root = root.expanduser().absolute()
        return cls(root / "twind.toml", root, root, (root / "plugins",), root)

    @classmethod
    def of_system(cls) -> Home:
        """Return the home of the system unit."""
        return cls(
            Path("/etc/twind/twind.toml"),
            Path("/var/lib/twind"),
            Path("/run/twind"),
            (Path("/etc/twind/plugins"),),
        )

    @classmethod
    def of_user(cls) -> Home:
        """Return the home of the calling user, after the XDG base directory specification."""
        config = _xdg("XDG_CONFIG_HOME", ".config")
        state = _xdg("XDG_STATE_HOME", ".local/state")
        return cls(
            config / "twind.toml",
            state,
            _runtime_dir(state),
            (Path("/etc/twind/plugins"), config / "plugins"),
        )

    @classmethod
    def find(cls, given: str | None = None) -> Home:
        """Return the home named by `--home`, else by `TWIND_HOME`, else the caller's own.

        The system unit's is recognised by the folders systemd hands it; root, who has no twind of
        their own, addresses it without saying so where it is installed.
        """
        if given or (given := os.environ.get("TWIND_HOME")):
            return cls.under(Path(given))
        if os.environ.get("STATE_DIRECTORY") == "/var/lib/twind":
            return cls.of_system()
        if os.geteuid() == 0 and Path("/var/lib/twind").is_dir():
            return cls.of_system()
        return cls.of_user()


def cache_dir() -> Path:
    """Return the calling user's folder for what can be made anew."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def _xdg(variable: str, default: str) -> Path:
    base = os.environ.get(variable, "")
    # The specification: a path that is not absolute is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / default) / NAME


def _runtime_dir(state: Path) -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base.startswith("/"):
        return Path(base) / NAME
    usual = Path(f"/run/user/{os.getuid()}")
    try:
        return usual / NAME if usual.stat().st_uid == os.getuid() else state
    except OSError:
        return state


def bundled_plugins() -> frozenset[str]:
    """Return the names of the plugins that ship with twind: files, and folders of them."""
    folder = bundled("plugins")
    packages = {file.parent.name for file in folder.glob("*/__init__.py")}
    return frozenset(packages.union(file.stem for file in folder.glob("*.py")))


def bundled(folder: str) -> Path:
    """Return a folder that ships with twind: in the wheel, or in the checkout it runs from.

    `folder` is "plugins" (in the wheel: `twind/bundled`) or "systemd".
    """
    package = Path(__file__).resolve().parent
    shipped = package / {"plugins": "bundled"}.get(folder, folder)
    return shipped if shipped.is_dir() else package.parent / folder


def code_below(path: Path) -> Iterator[Path]:
    """Return all from which code may come: a module, or a package's folder and what is in it."""
    yield path
    if path.is_dir():
        yield from (one for one in path.rglob("*") if one.suffix == ".py" or one.is_dir())

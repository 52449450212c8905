from __future__ import annotations

from pathlib import Path

from twind.home import Home, bundled, bundled_plugins


def test_everything_under_one_folder(tmp_path):
    home = Home.under(tmp_path)
    assert home.config_file == tmp_path / "twind.toml"
    assert home.database == tmp_path / "twind.db"
    assert home.socket == tmp_path / "twind.sock"
    assert home.plugin_dirs == (tmp_path / "plugins",)


def test_the_flag_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIND_HOME", str(tmp_path / "environment"))
    assert Home.find(None).root == tmp_path / "environment"
    assert Home.find(str(tmp_path / "flag")).root == tmp_path / "flag"


def test_a_users_folders_follow_the_xdg_specification(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    monkeypatch.setenv("HOME", str(tmp_path))
    home = Home.of_user()
    assert home.config_file == tmp_path / "c/twind/twind.toml"
    assert home.state_dir == tmp_path / ".local/state/twind"
    assert home.socket == tmp_path / "r/twind/twind.sock"
    assert home.plugin_dirs == (Path("/etc/twind/plugins"), tmp_path / "c/twind/plugins")


def test_the_system_units_folders_are_recognised(monkeypatch):
    monkeypatch.delenv("TWIND_HOME", raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/twind")
    assert Home.find() == Home.of_system()


def test_what_ships_is_found_in_the_checkout():
    assert (bundled("plugins") / "notify" / "__init__.py").is_file()
    assert bundled("systemd").is_dir()
    assert bundled_plugins() >= {"calendar", "contacts", "notify", "tasks"}

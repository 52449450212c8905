"""Fixtures that every room's tests share."""

from __future__ import annotations

import importlib.util
import shutil
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis
import pytest

from tests import saying
from twind import asking
from twind.clock import FixedClock
from twind.home import Home, bundled
from twind.reader import Reader
from twind.store import Store, profiles

# How long an example takes says something about the machine, not about twind.
hypothesis.settings.register_profile(
    "twind", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("twind")


@pytest.fixture
def clock() -> FixedClock:
    """A Monday morning that stands still."""
    return FixedClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture
def home(tmp_path) -> Home:
    """An empty home."""
    root = tmp_path / "home"
    root.mkdir()
    return Home.under(root)


@pytest.fixture
def db(home, clock):
    """An open, fresh database with profile 1."""
    with Store.open(home.database, clock) as store:
        profiles.ensure(store, 1)
        yield store


@pytest.fixture
def reader(db, clock):
    """Profile 1 as evidence: somebody in Berlin, whose mail goes to me@example.org."""
    return Reader(db, 1, ZoneInfo("Europe/Berlin"), frozenset({"me@example.org"}), clock.now())


@pytest.fixture
def seeded(reader):
    """The same with all questions in the database."""
    asking.seed(reader)
    return reader


@pytest.fixture(scope="session")
def proposal():
    """Make a proposal: see tests.saying."""
    return saying.proposal


# --- servers on loopback -------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers():
    """The module of fake servers."""
    file = Path(__file__).parent / "fakes" / "servers.py"
    spec = importlib.util.spec_from_file_location("fake_servers", file)
    sys.modules["fake_servers"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web(servers):
    """A web server that answers 200 and keeps what it gets."""
    server = servers.WebServer()
    yield server
    server.close()


@pytest.fixture
def mail(servers):
    """Call it for a mail server: with `auth=True`, with `tls=` a context of `certificate`."""
    running = []

    def start(**options):
        running.append(servers.MailServer(**options))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1: its file, and the context of a server with it."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", context


@pytest.fixture(scope="session")
def tasks_plugin():
    """The tasks plugin, a package, as it stands in the checkout."""
    file = bundled("plugins") / "tasks" / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        "tasks_plugin", file, submodule_search_locations=[str(file.parent)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["tasks_plugin"] = module
    spec.loader.exec_module(module)
    return module

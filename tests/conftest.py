"""What all tests stand on: a real PostgreSQL, an environment of their own, and no database unless a test asks for one.

One server in var/test serves every test process of this checkout. A template database is migrated once for each state
of the migrations; each process works on a clone. `db` gives a test a transaction that is rolled back, `fresh_db` a
database of its own, for tests that commit, use threads or start processes.
"""

import contextlib
import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import django
import hypothesis
import psutil
import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("POSTLEDGER_TEST_HOME") or ROOT / "var" / "test")

for name in [name for name in os.environ if name.startswith(("POSTLEDGER_", "PG", "DJANGO_"))]:
    del os.environ[name]
os.environ["POSTLEDGER_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "postledger.config.settings"
django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from django.test.utils import setup_test_environment

from postledger.config import embedded

hypothesis.settings.register_profile("long")  # hunts until it is stopped; see tests/billing/test_histories.py
NO_DATABASE = "the_test_must_ask_for_the_fixture_db"
SERVER = embedded.Server(
    HOME,
    tuning={
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
    },
)
TEMPLATES_KEPT = 4


def pytest_configure() -> None:
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATABASE_SERVER = None
    _point_django_to(NO_DATABASE)
    setup_test_environment()


@pytest.fixture(scope="session")
def _template() -> Iterator[str]:
    """The name of a migrated database, with the server running for as long as a test process needs it."""
    with _lock():
        SERVER.start()
        _sessions().mkdir(exist_ok=True)
        (_sessions() / str(os.getpid())).touch()
        _drop_leftovers()
        template = _migrated_template()
    yield template
    connections.close_all()
    with _lock():
        _drop_databases_of(os.getpid())
        (_sessions() / str(os.getpid())).unlink(missing_ok=True)
        if not _living_sessions():
            SERVER.stop()


@pytest.fixture(scope="session")
def _own_database(_template: str) -> str:
    name = f"test_{os.getpid()}"
    _execute("CREATE DATABASE {} TEMPLATE {}", name, _template)
    return name


@pytest.fixture
def db(_own_database: str) -> Iterator[None]:
    """A database in a transaction that ends with the test; constraints checked at commit are checked at its end."""
    _point_django_to(_own_database)
    outermost = transaction.atomic()
    outermost._from_testcase = True  # so that `durable` blocks may stand inside
    outermost.__enter__()
    try:
        yield
        if not connections["default"].needs_rollback:
            connections["default"].check_constraints()
    finally:
        transaction.set_rollback(True)
        outermost.__exit__(None, None, None)
        _point_django_to(NO_DATABASE)


@pytest.fixture
def fresh_db(
    _template: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address of a database of the test's own; Django, and processes that the test starts, use it."""
    name = f"test_{os.getpid()}_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]}"
    _execute("CREATE DATABASE {} TEMPLATE {}", name, _template)
    url = SERVER.url(database=name)
    monkeypatch.setenv("POSTLEDGER_DATABASE_URL", url)
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    _point_django_to(name)
    yield url
    _point_django_to(NO_DATABASE)
    _execute("DROP DATABASE {} WITH (FORCE)", name)


class NetworkInTransaction(AssertionError):
    """Something was sent over the network while a database transaction was open."""


@pytest.fixture(autouse=True)
def network_in_transaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails a test that uses the network inside a transaction (other than that of `db` itself), even where the code
    under test swallows the error. Yields what was found, for the tests of this very fixture."""
    found: list[str] = []

    def guarded(name):
        original = getattr(socket.socket, name)

        def use(self, *arguments, **options):
            is_network = self.family in (socket.AF_INET, socket.AF_INET6)
            if is_network and _is_inside_transaction():
                found.append(f"socket.{name}{arguments[-1:] if name == 'connect' else ''}")
                raise NetworkInTransaction(f"{found[-1]} inside a database transaction")
            return original(self, *arguments, **options)

        return use

    for name in ("connect", "send", "sendall", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(name))
    yield found
    assert found == [], "the network was used inside a database transaction"


def _is_inside_transaction() -> bool:
    connection = connections["default"]
    blocks = connection.atomic_blocks
    return connection.in_atomic_block and not (blocks and blocks[-1]._from_testcase)


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        if name != "PYTEST_CURRENT_TEST":
            del os.environ[name]
    for name, value in before.items():
        if os.environ.get(name) != value and name != "PYTEST_CURRENT_TEST":
            os.environ[name] = value


def _point_django_to(name: str) -> None:
    connections.close_all()
    settings.DATABASES["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name


def _migrated_template() -> str:
    name = f"template_{_state_of_migrations()}"
    if _databases(name):
        return name
    draft = f"draft_{name}"
    _execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", draft)
    _execute("CREATE DATABASE {}", draft)
    _point_django_to(draft)
    try:
        call_command("migrate", interactive=False, verbosity=0)
    finally:
        _point_django_to(NO_DATABASE)
    _execute("ALTER DATABASE {} RENAME TO {}", draft, name)
    for old in _databases("template_%")[:-TEMPLATES_KEPT]:
        with contextlib.suppress(psycopg.errors.ObjectInUse):
            _execute("DROP DATABASE IF EXISTS {}", old)
    return name


def _state_of_migrations() -> str:
    state = hashlib.sha256()
    for migration in sorted((ROOT / "src" / "postledger").glob("*/migrations/*")):
        if migration.is_file():
            state.update(str(migration.relative_to(ROOT)).encode() + migration.read_bytes())
    for package in ("django", "procrastinate", "django-allauth"):
        state.update(metadata.version(package).encode())
    return state.hexdigest()[:12]


def _execute(statement: str, *names: str) -> None:
    query = sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
    with psycopg.connect(SERVER.url(database="postgres"), autocommit=True) as connection:
        connection.execute(query)


def _databases(pattern: str) -> list[str]:
    """Names of databases like `pattern`, oldest first."""
    with psycopg.connect(SERVER.url(database="postgres"), autocommit=True) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid",
            [pattern.replace("_", r"\_")],
        ).fetchall()
    return [row[0] for row in rows]


def _sessions() -> Path:
    return HOME / "sessions"


def _living_sessions() -> set[int]:
    return {int(mark.name) for mark in _sessions().iterdir() if psutil.pid_exists(int(mark.name))}


def _drop_leftovers() -> None:
    living = _living_sessions()
    for pid in {int(mark.name) for mark in _sessions().iterdir()} - living:
        _drop_databases_of(pid)
        (_sessions() / str(pid)).unlink(missing_ok=True)


def _drop_databases_of(pid: int) -> None:
    for name in [*_databases(f"test_{pid}"), *_databases(f"test_{pid}_%")]:
        _execute("DROP DATABASE {} WITH (FORCE)", name)


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

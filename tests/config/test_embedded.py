"""The built-in PostgreSQL starts wherever it can, once, and says why where it cannot."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from postledger.config import embedded

START = """
import sys
from pathlib import Path
from postledger.config import embedded
print(embedded.Server(Path(sys.argv[1])).start())
"""


@pytest.fixture
def home():
    """A directory that anybody may enter, as /var/lib would be."""
    directory = Path(tempfile.mkdtemp(prefix="postledger-"))
    directory.chmod(0o755)
    yield directory
    embedded.Server(directory).stop()
    shutil.rmtree(directory)


@pytest.fixture
def server(home):
    return embedded.Server(home, tuning={"fsync": "off", "shared_buffers": "16MB"})


def version(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10000


def pid_of(server: embedded.Server) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def test_it_starts_stops_and_starts_again(server):
    assert version(server.start()) == 18
    assert server.stop()
    assert not server.is_running()
    assert not server.stop()
    assert version(server.start()) == 18


def test_whoever_starts_it_second_connects_to_the_first(server):
    starters = [
        subprocess.Popen([sys.executable, "-c", START, str(server.home)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert {starter.communicate(timeout=60)[0].strip() for starter in starters} == {server.url()}
    assert [starter.returncode for starter in starters] == [0, 0, 0]
    assert version(server.url()) == 18


def test_nobody_else_can_enter_the_directory_of_its_socket(server):
    server.start()
    assert server.socket_directory.stat().st_mode & 0o077 == 0


def test_it_listens_on_no_port(server):
    server.start()
    process = psutil.Process(pid_of(server))
    listening = [seen for seen in process.net_connections("inet") if seen.status == psutil.CONN_LISTEN]
    assert listening == []


def test_passwords_and_personal_data_stay_out_of_its_log(server):
    with psycopg.connect(server.start()) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT 'correct horse battery' FROM nothing")
    log = (server.data / "server.log").read_text()
    assert 'relation "nothing" does not exist' in log
    assert "horse" not in log


def test_it_comes_back_after_it_was_killed(server):
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    os.kill(pid_of(server), signal.SIGKILL)
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_note_of_a_process_that_is_another_one_now_does_not_stop_it(server):
    server.start()
    note = (server.data / "postmaster.pid").read_text()
    server.stop()
    other = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        (server.data / "postmaster.pid").write_text(note.replace(note.splitlines()[0], str(other.pid), 1))
        assert version(server.start()) == 18
    finally:
        other.kill()
        other.wait()


def test_a_note_of_a_zombie_does_not_stop_it(server):
    server.start()
    note = (server.data / "postmaster.pid").read_text()
    server.stop()
    zombie = subprocess.Popen(["true"])
    deadline = time.monotonic() + 10
    while psutil.Process(zombie.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    (server.data / "postmaster.pid").write_text(note.replace(note.splitlines()[0], str(zombie.pid), 1))
    assert version(server.start()) == 18
    zombie.wait()


def test_an_initialisation_that_was_cut_short_is_begun_again(server):
    server.data.mkdir()
    (server.data / "base").mkdir()
    assert version(server.start()) == 18


def test_a_long_path_gets_a_short_socket(home):
    deep = home / ("long" * 25)
    deep.mkdir()
    server = embedded.Server(deep, tuning={"shared_buffers": "16MB"})
    try:
        assert version(server.start()) == 18
    finally:
        server.stop()
        shutil.rmtree(server.socket_directory, ignore_errors=True)


@pytest.mark.skipif(os.getuid() != 0, reason="about running as root")
class TestAsRoot:
    def test_the_server_runs_as_somebody_else(self, server):
        server.start()
        assert psutil.Process(pid_of(server)).username() != "root" or server.data.stat().st_uid == 0

    def test_a_home_nobody_may_enter_is_served_from_a_user_namespace(self, home):
        if not shutil.which("unshare"):
            pytest.skip("no unshare here")
        home.chmod(0o700)
        server = embedded.Server(home, tuning={"shared_buffers": "16MB"})
        if embedded._in_user_namespace(directory=embedded._packaged_directory(), home=home) is None:
            pytest.skip("user namespaces are blocked here")
        assert version(server.start()) == 18
        assert server.data.stat().st_uid == 0
        assert server.stop()

    def test_without_user_namespaces_a_copy_is_made_where_nobody_reaches_it(self, home, monkeypatch):
        if embedded._as_nobody(directory=embedded._packaged_directory(), home=home) is None:
            pytest.skip("nobody cannot read the programs here")
        monkeypatch.setattr(embedded, "_as_nobody", lambda **_: None)
        monkeypatch.setattr(embedded, "_in_user_namespace", lambda **_: None)
        server = embedded.Server(home, tuning={"shared_buffers": "16MB"})
        assert version(server.start()) == 18
        assert (home / "postgresql-programs").exists()

    def test_where_no_way_is_left_it_says_so(self, server, monkeypatch):
        for way in ("_as_nobody", "_in_user_namespace", "_copied_for_nobody"):
            monkeypatch.setattr(embedded, way, lambda **_: None)
        with pytest.raises(
            embedded.DatabaseUnavailable, match="refuses to run as root.*POSTLEDGER_DATABASE_URL"
        ):
            server.start()


@pytest.mark.parametrize(
    "library, words",
    [(("", ""), "GNU C library"), (("glibc", "2.17"), "glibc 2.28 or newer; this system has 2.17")],
)
def test_a_system_it_does_not_run_on_is_named(library, words, server, monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: library)
    with pytest.raises(embedded.DatabaseUnavailable, match=words):
        server.start()


def test_a_directory_of_a_newer_postgresql_is_refused(server):
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("19\n")
    with pytest.raises(embedded.DatabaseUnavailable, match="made by PostgreSQL 19"):
        server.start()


@pytest.mark.parametrize("memory_mib, shared", [(512, "128MB"), (4096, "512MB"), (65536, "1024MB")])
def test_its_buffers_follow_the_memory(memory_mib, shared):
    assert embedded.default_tuning(memory_mib=memory_mib)["shared_buffers"] == shared

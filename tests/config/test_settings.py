"""Settings come from the environment; what nobody set is made once and kept private."""

import json
import logging
import os
import subprocess
import sys

import pytest

from postledger.config import embedded, environment, logs

READ = """
import json, sys
from django.conf import settings
print(json.dumps([getattr(settings, name, None) for name in sys.argv[1:]], default=str))
"""


def read(home, *names, **variables):
    """The settings with these names, as a new process with these variables sees them."""
    seen = subprocess.run(
        [sys.executable, "-c", READ, *names],
        env={**os.environ, "POSTLEDGER_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(seen.stdout)


def test_keys_nobody_set_are_made_once_for_their_owner_only(tmp_path):
    first = read(tmp_path / "home", "SECRET_KEY", "ENCRYPTION_KEYS")
    assert read(tmp_path / "home", "SECRET_KEY", "ENCRYPTION_KEYS") == first
    for name in ("secret_key", "encryption_key"):
        assert (tmp_path / "home" / name).stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_agree_on_the_key(tmp_path):
    code = (
        "import sys; from pathlib import Path; from postledger.config import environment;"
        "print(environment.kept_secret(name='k', directory=Path(sys.argv[1])))"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert len({starter.communicate(timeout=60)[0] for starter in starters}) == 1


def test_without_an_address_the_built_in_database_is_used(tmp_path):
    (databases,) = read(tmp_path, "DATABASES")
    assert databases["default"]["HOST"] == str(embedded.Server(tmp_path).socket_directory)


def test_a_database_address_is_read_as_libpq_reads_it(tmp_path):
    url = "postgresql://billing:p%40ss@db.example:6432/books?sslmode=verify-full"
    databases, server = read(tmp_path, "DATABASES", "DATABASE_SERVER", POSTLEDGER_DATABASE_URL=url)
    found = databases["default"]
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "billing",
        "p@ss",
        "db.example",
        "6432",
        "books",
    )
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert server is None


def test_an_https_address_brings_secure_cookies_and_strict_transport(tmp_path):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "ALLOWED_HOSTS")
    secure = read(tmp_path, *names, POSTLEDGER_URL="https://billing.example")
    assert secure[:3] == [True, True, 365 * 24 * 3600]
    assert "billing.example" in secure[3]
    assert read(tmp_path, *names)[:3] == [False, False, 0]


def test_forwarded_headers_are_believed_only_behind_a_proxy(tmp_path):
    assert read(tmp_path, "SECURE_PROXY_SSL_HEADER") == [None]
    assert read(tmp_path, "SECURE_PROXY_SSL_HEADER", POSTLEDGER_BEHIND_PROXY="yes") == [
        ["HTTP_X_FORWARDED_PROTO", "https"]
    ]


@pytest.mark.parametrize(
    "url, expected",
    [
        ("smtp://u:p%3Aw@mail.example", ["mail.example", 587, "u", "p:w", True, False]),
        ("smtps://mail.example", ["mail.example", 465, "", "", False, True]),
        ("smtp+plain://mail.example", ["mail.example", 25, "", "", False, False]),
    ],
)
def test_mail_goes_where_the_address_says(tmp_path, url, expected):
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert read(tmp_path, *(f"EMAIL_{name}" for name in names), POSTLEDGER_SMTP_URL=url) == expected


def test_every_setting_is_declared_once():
    names = [setting.name for setting in environment.ALL]
    assert len(names) == len(set(names))
    declared = {value for value in vars(environment).values() if isinstance(value, environment.Setting)}
    assert declared == set(environment.ALL)


@pytest.mark.parametrize(
    "line",
    [
        "connecting to postgresql://u:hunter2@db/x",
        "GET https://admin:hunter2@portal.example/",
        "{'password': 'hunter2'}",
        '{"new_password": "hunter2", "x": 1}',
        "Authorization: Basic hunter2",
        "<tns:password>hunter2</tns:password>",
        "password=hunter2&next=/",
        "AccountPassword='hunter2', id=3",
        "api_key: hunter2",
        "token=hunter2",
    ],
)
def test_the_log_hides(line):
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%s", (line,), None)
    written = logs.RedactingFormatter().format(record)
    assert "hunter2" not in written
    assert "[hidden]" in written


def test_the_log_leaves_the_rest_alone():
    line = "Invoice 2026-0007 for acme finalised: 12.50 EUR (see https://billing.example/invoices/7)"
    assert logs.redacted(line) == line

# SPDX-License-Identifier: Apache-2.0
"""PHP's own SOAP client as a referee: it reads the served documents and walks through what a billing module does."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from postledger_sandbox.server import Sandbox

SCRIPT = Path(__file__).with_name("module.php")


def _lacks() -> str:
    php = shutil.which("php")
    if php is None:
        return "php is not installed: apt-get install php-cli php-soap php-xml"
    modules = subprocess.run([php, "-m"], capture_output=True, text=True, check=True).stdout.lower().split()
    missing = {"soap", "simplexml"} - set(modules)
    return f"php lacks {', '.join(sorted(missing))}: apt-get install php-soap php-xml" if missing else ""


LACKS = _lacks()


@pytest.mark.skipif(bool(LACKS), reason=LACKS)
def test_a_php_module_goes_through_a_customers_life(sandbox):
    dialect = sandbox.world.options.dialect
    sandbox.control.add_usage(4, "traffic", 1, Day="2026-06-01", Sent=3 * 2**20, Received=2**20)
    sandbox.control.add_usage(4, "disk", 13, Bytes=5 * 2**20)
    run = subprocess.run(
        ["php", str(SCRIPT), sandbox.url, dialect, "reseller", "Secret-1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout) == {
        "me": [2, "Reseller", "Active"],
        "nobody": None,
        "plans": ["Exchange Small", "Exchange Large"],
        "created": True,
        "again": -1100,
        "surname lost": True,
        "update": 0,
        "updated": ["Zoë", "O'Neil & <Søn>", "Köln"],
        "count": "1",
        "search": ["phpcustomer"],
        "package": ["Exchange Small", 1],
        "addon": True,
        "addons": [["10 Mailboxes", "2"]],
        "addon gone": 0,
        "upgrade": 0,
        "upgraded": "Upgraded",
        "addresses": True,
        "traffic": [
            {
                "GroupID": "1",
                "GroupName": "OS",
                "MegaBytesSent": "3",
                "MegaBytesReceived": "1",
                "MegaBytesTotal": "4",
                "BytesSent": str(3 * 2**20),
                "BytesReceived": str(2**20),
                "BytesTotal": str(4 * 2**20),
            }
        ],
        "disk": [
            {
                "GroupID": "13",
                "GroupName": "Hosted Organizations",
                "Diskspace": "5",
                "DiskspaceBytes": str(5 * 2**20),
            }
        ],
        "organization": "PHP & Co",
        "mailboxes": [0, True],
        "password": 0,
        "login": 0,
        "suspend": 0,
        "suspended": "Suspended",
        "fault": "Server was unable to process request. ---> Object reference not set to an instance of an object.",
        "delete": 0,
        "gone": None,
    }


@pytest.mark.skipif(bool(LACKS), reason=LACKS)
def test_a_php_client_gets_along_with_the_newest_generation():
    with Sandbox(dialect="F", delay_s=0) as sandbox:
        run = subprocess.run(
            ["php", str(SCRIPT.with_name("fuse.php")), sandbox.url, "reseller", "Secret-1"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout) == {
        "me": [2, 2, 1],
        "nobody": None,
        "plans": ["Exchange Small", "Exchange Large"],
        "update": 0,
        "updated": ["Zoë", "Søn", "Köln"],
        "suspend": 0,
        "suspended": 2,
        "package": ["Exchange Small", 2],
        "delete": 0,
        "gone": None,
        "shipped": "No anonymous access allowed.",
    }

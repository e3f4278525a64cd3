"""The floors and bans written down in pyproject.toml hold, and do bite."""

import subprocess
import sys

import pytest
from importlinter import cli

from tests.architecture.house import ROOT

BANNED = {
    "a signal": ("from django.dispatch import receiver\n\nprint(receiver)\n", "TID251"),
    "a model signal": ("from django.db.models.signals import post_save\n\nprint(post_save)\n", "TID251"),
    "a generic relation": (
        "from django.contrib.contenttypes.fields import GenericForeignKey\n\nprint(GenericForeignKey)\n",
        "TID251",
    ),
    "Django's clock": ("from django.utils import timezone\n\nprint(timezone.now())\n", "TID251"),
    "the system clock": ("import datetime as dt\n\nprint(dt.datetime.now(dt.UTC))\n", "TID251"),
    "today": ("import datetime as dt\n\nprint(dt.date.today())\n", "TID251"),
    "an import inside a function": ("def f():\n    import os\n\n    return os\n", "PLC0415"),
}


def test_imports_only_go_down():
    assert cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


@pytest.mark.parametrize("what", BANNED)
def test_lint_refuses(what):
    source, code = BANNED[what]
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "src/postledger/billing/example.py", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert found.returncode == 1
    assert code in found.stdout

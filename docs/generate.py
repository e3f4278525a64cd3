"""Writes the reference pages that follow from the code: settings, commands, API. Run it with `script/reference`.

`tests/docs` compares the pages with what this module makes, so a page cannot fall behind.
"""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import click
import django

REFERENCE = Path(__file__).resolve().parent / "reference"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postledger.config.settings")
django.setup()

from postledger.api import urls as api_urls
from postledger.cli.main import postledger
from postledger.config import environment
from postledger.connectors import contract, registry

NOTE = "<!-- Written by script/reference from {source}; change it there. -->\n"


def settings_page() -> str:
    """Every environment variable with its default and meaning."""
    parts = [
        "# Settings\n",
        NOTE.format(source="src/postledger/config/environment.py"),
        "Postledger is set up by environment variables. None is needed to try it. Values marked *secret* belong into a",
        "file that only the service can read, not on a command line.\n",
    ]
    for setting in environment.ALL:
        parts.append(f"## `{setting.name}`\n")
        parts.append(setting.meaning + "\n")
        facts = []
        if setting.default is not None:
            facts.append(f"Default: `{setting.default}`.")
        if setting.is_secret:
            facts.append("*Secret.*")
        if facts:
            parts.append(" ".join(facts) + "\n")
    return "\n".join(parts)


def commands_page() -> str:
    """Every command with its arguments and options."""
    parts = [
        "# Commands\n",
        NOTE.format(source="src/postledger/cli/"),
        "In a checkout the command is `.venv/bin/postledger`; `--help` after any of them shows the same. What you can do",
        "something about is answered with a sentence and exit code 1, wrong usage with 2.\n",
    ]
    for path, command in commands(postledger):
        context = click.Context(command, info_name=" ".join(("postledger", *path)))
        parts.append(f"## `postledger {' '.join(path)}`\n")
        parts.append(inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n")
        parts.append(f"    {command.get_usage(context).removeprefix('Usage: ')}\n")
        options = [
            parameter.get_help_record(context)
            for parameter in command.get_params(context)
            if isinstance(parameter, click.Option) and "--help" not in parameter.opts
        ]
        lines = [f"- `{record[0]}`: {record[1]}".rstrip(": ") for record in options if record]
        if lines:
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words after `postledger`."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, *path, name)


def connectors_page() -> str:
    """Every installed connector with the settings a connection of its kind takes."""
    parts = [
        "# Connectors\n",
        NOTE.format(source="src/postledger/connectors/"),
        "What a connection of each kind has to be told, in the panel or as `--set NAME=VALUE` (secrets: `--ask NAME`) of",
        "`postledger connection add`.\n",
    ]
    for code in registry.codes():
        settings_class = registry.get(code).settings_class
        parts.append(f"## `{code}`\n")
        parts.append(inspect.cleandoc(settings_class.__doc__ or "") + "\n")
        for line in contract.setting_fields(settings_class=settings_class):
            if line.is_secret:
                facts = "secret" if line.is_required else "secret, may be left out"
            elif line.is_required:
                facts = "required"
            elif line.default == "":
                facts = "may be left out"
            else:
                facts = f"default: {line.default}"
            parts.append(f"- `{line.name}`: {line.label} ({facts}). {line.help}".rstrip())
        parts.append("")
    return "\n".join(parts)


def api_page() -> str:
    """Every route of the REST API."""
    parts = [
        "# REST API\n",
        NOTE.format(source="src/postledger/api/"),
        "All routes stand under `/api/`. Requests carry `Authorization: Bearer <token>`; tokens are made in the panel",
        "and see what their user sees. The running installation serves the full schema as OpenAPI.\n",
    ]
    for path, operations in sorted(routes().items()):
        for method, operation in operations.items():
            parts.append(f"## `{method.upper()} {path}`\n")
            text = operation.get("description") or operation.get("summary") or ""
            parts.append(inspect.cleandoc(text) + "\n")
    return "\n".join(parts)


def routes() -> dict[str, dict[str, dict[str, str]]]:
    """Path → method → what the OpenAPI schema says of it; empty while there is no API."""
    api = getattr(api_urls, "api", None)
    return dict(api.get_openapi_schema()["paths"]) if api else {}


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "connectors.md": connectors_page,
    "api.md": api_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")

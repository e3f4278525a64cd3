"""Writes the reference pages that follow from the code: settings, commands, API. Run it with `script/reference`.

`tests/docs` compares the pages with what this module makes, so a page cannot fall behind.
"""

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import django

REFERENCE = Path(__file__).resolve().parent / "reference"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postledger.config.settings")
django.setup()

from postledger.api.urls import api
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
    if not isinstance(command, click.Group) or (path and command.invoke_without_command):
        yield path, command
    if not isinstance(command, click.Group):
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
    """Every route of the REST API with what it takes and gives, and every object in them."""
    schema = api_schema()
    parts = [
        "# REST API\n",
        NOTE.format(source="src/postledger/api/"),
        "Requests carry `Authorization: Bearer <token>`; a token sees and may do what its user does.",
        schema["info"]["description"],
        "The running installation serves this as OpenAPI under `/api/v1/openapi.json`; the same stands in",
        "[openapi.json](openapi.json). How to begin: [Use the REST API](../how-to/use-the-api.md).\n",
    ]
    by_area: dict[str, list[str]] = {}
    for path, operations in sorted(schema["paths"].items()):
        for method, operation in operations.items():
            area = by_area.setdefault(operation.get("tags", ["Other"])[0], [])
            area.append(f"### `{method.upper()} {path}`\n")
            area.append(inspect.cleandoc(operation.get("description") or "") + "\n")
            lines = [
                f"- {parameter['in']} `{parameter['name']}`: {typed(parameter['schema'])}"
                for parameter in operation.get("parameters", [])
                if parameter["in"] != "path"
            ]
            body = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            )
            if body:
                lines.append(f"- body: {typed(body)}")
            lines += [
                f"- answer {status}: {typed(content['schema'])}"
                for status, answer in operation["responses"].items()
                for content in answer.get("content", {}).values()
                if content.get("schema")
            ]
            if lines:
                area.append("\n".join(lines) + "\n")
    for tag, lines in by_area.items():
        parts += [f"## {tag}\n", *lines]
    parts.append("## Objects\n")
    for name, found in sorted(schema["components"]["schemas"].items()):
        parts.append(f"### {name}\n")
        if found.get("description"):
            parts.append(inspect.cleandoc(found["description"]) + "\n")
        required = found.get("required", [])
        for key, value in found.get("properties", {}).items():
            meaning = f". {value['description']}" if value.get("description") else ""
            parts.append(
                f"- `{key}`: {typed(value)}{'' if key in required else ', may be left out'}{meaning}"
            )
        parts.append("")
    return "\n".join(parts)


def typed(schema: dict[str, Any]) -> str:
    """The type of a value in words: "list of Invoice", "integer or nothing"."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(typed(choice) for choice in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{choice}`" for choice in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {typed(schema.get('items', {}))}"
        case "null":
            return "nothing"
        case "string" if schema.get("format"):
            return schema["format"]
        case None:
            return "anything"
        case other:
            return str(other)


def api_schema() -> dict[str, Any]:
    """The OpenAPI document of the REST API."""
    return dict(api.get_openapi_schema(path_prefix="/api/v1/"))


def routes() -> dict[str, dict[str, dict[str, Any]]]:
    """Path → method → what the OpenAPI document says of it."""
    return dict(api_schema()["paths"])


def openapi_page() -> str:
    """The OpenAPI document as the running installation serves it."""
    return json.dumps(api_schema(), indent=1, ensure_ascii=False) + "\n"


PAGES = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "connectors.md": connectors_page,
    "api.md": api_page,
    "openapi.json": openapi_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")

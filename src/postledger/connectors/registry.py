"""Which connectors are installed, found through the entry-point group `postledger.connectors`.

Invariant: installed is not active. Nothing connects before a session is opened with a connection's settings.
"""

import dataclasses
import functools
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from postledger.connectors import contract
from postledger.core.errors import Refusal

GROUP = "postledger.connectors"


class UnknownConnector(Refusal):
    """No connector of that code is installed."""

    reason = "unknown_connector"


class UnsupportedConnector(Refusal):
    """The connector was written for another version of the contract."""

    reason = "unsupported_connector"


class InvalidSettings(Refusal):
    """The settings of a connection cannot be used."""

    reason = "invalid_settings"


def codes() -> tuple[str, ...]:
    """Codes of the installed connectors, sorted."""
    return tuple(sorted(entry.name for entry in metadata.entry_points(group=GROUP)))


@functools.cache
def get(code: str, /) -> Any:
    """The connector of a code: a `contract.PlatformConnector` or a `contract.DnsConnector`.

    Raises:
        UnknownConnector: none is installed.
        UnsupportedConnector: it was written for another contract.
    """
    found = [entry for entry in metadata.entry_points(group=GROUP) if entry.name == code]
    if not found:
        raise UnknownConnector(
            f"No connector “{code}” is installed. Installed are: {', '.join(codes()) or 'none'}."
        )
    return accepted(code=code, connector=found[0].load())


def accepted(*, code: str, connector: Any) -> Any:
    """The connector, if this version of the house can work with it.

    Raises:
        UnsupportedConnector: its contract version is not ours.
    """
    version = getattr(connector, "contract_version", None)
    if version != contract.CONTRACT_VERSION:
        raise UnsupportedConnector(
            f"The connector “{code}” was written for contract version {version} and this Postledger speaks "
            f"{contract.CONTRACT_VERSION}. Install a matching version of it."
        )
    return connector


def settings(*, code: str, values: Mapping[str, Any]) -> Any:
    """The connector's settings made from form values or stored ones; values it does not know are ignored.

    Args:
        values: field name → text or value; an empty text counts as left out.
    Raises:
        InvalidSettings: a required one is missing, or one has the wrong form.
    """
    cls = get(code).settings_class
    made: dict[str, Any] = {}
    for line in contract.setting_fields(settings_class=cls):
        value = values.get(line.name)
        if value is None or value == "":
            if line.is_required:
                raise InvalidSettings(f"“{line.label}” is missing. Fill it in.")
            continue
        try:
            made[line.name] = _converted(line.type, value)
        except ValueError:
            raise InvalidSettings(f"“{line.label}” has to be a number.") from None
    return cls(**made)


def stored(*, settings: Any, secrets: bool) -> dict[str, Any]:
    """The settings as JSON-able values: either the secret ones or the others, so that they can be kept apart."""
    lines = contract.setting_fields(settings_class=type(settings))
    values = dataclasses.asdict(settings)
    return {
        line.name: str(values[line.name]) if line.is_secret else values[line.name]
        for line in lines
        if line.is_secret is secrets
    }


def _converted(kind: type, value: Any) -> Any:
    if kind is bool:
        return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on")
    if kind is int:
        return int(value)
    if kind is contract.Secret:
        return contract.Secret(value)
    return str(value).strip()

# SPDX-License-Identifier: Apache-2.0
"""Settings that climb to the owner above, and the letters made from them."""

from __future__ import annotations

from postledger_sandbox.rules import quotas, rights
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import World


def own_settings(world: World, kind: str, owner_id: int, name: str) -> list[list[str]] | None:
    row = world.store.settings.first("Key", f"{kind}:{owner_id}:{name}")
    return row["Values"] if row and row["Values"] else None


def write_settings(world: World, kind: str, owner_id: int, name: str, values: list[list[str]]) -> None:
    key = f"{kind}:{owner_id}:{name}"
    row = world.store.settings.first("Key", key)
    if row is None:
        world.store.settings.add({"Key": key, "Values": values})
    else:
        world.store.settings.change(row, Values=values)


def user_settings(world: World, user: Row, name: str) -> Row:
    """The settings of the nearest user upwards who has any under that name, as UserSettings."""
    for owner in rights.owners(world, user):
        values = own_settings(world, "user", owner["UserId"], name)
        if values is not None:
            return {"UserId": owner["UserId"], "SettingsName": name, "SettingsArray": values}
    return {"UserId": user["UserId"], "SettingsName": name, "SettingsArray": []}


def package_settings(world: World, package: Row, name: str) -> Row:
    """The same for packages, as PackageSettings."""
    for level in quotas.ancestry(world, package):
        values = own_settings(world, "package", level["PackageId"], name)
        if values is not None:
            return {"PackageId": level["PackageId"], "SettingsName": name, "SettingsArray": values}
    return {"PackageId": package["PackageId"], "SettingsName": name, "SettingsArray": []}


def pair(settings: Row, name: str) -> str:
    """One property of settings, empty when it is not there."""
    for item in settings["SettingsArray"]:
        if item[0] == name:
            return item[1] or ""
    return ""


def letter(world: World, user: Row, name: str) -> str:
    """The text of a letter for a user; empty when there is no template."""
    settings = user_settings(world, user, name)
    return pair(settings, "HtmlBody" if user.get("HtmlMail") else "TextBody") or pair(settings, "TextBody")

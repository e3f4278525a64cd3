# SPDX-License-Identifier: Apache-2.0
"""Settings of packages, and the letters about accounts and packages."""

from __future__ import annotations

from postledger_sandbox.rules import letters, rights
from postledger_sandbox.services import users
from postledger_sandbox.services.packages.shared import (
    operations,
)
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import Call, null_reference


@operations.act
def get_package_settings(call: Call, package_id: int, settings_name: str | None) -> Row:
    rights.demand_package(call, package_id)
    package = call.store.packages.get(package_id)
    if package is None:
        return {"PackageId": package_id, "SettingsName": settings_name, "SettingsArray": []}
    return letters.package_settings(call.world, package, settings_name or "")


@operations.act
def update_package_settings(call: Call, settings: Row | None) -> int:
    if settings is None:
        raise null_reference()
    rights.demand_account(call)
    rights.demand_package(call, settings["PackageId"])
    values = [item for item in settings["SettingsArray"] or [] if item]
    letters.write_settings(
        call.world, "package", settings["PackageId"], settings["SettingsName"] or "", values
    )
    return 0


def _letter_of_package(call: Call, package_id: int) -> str:
    package = call.store.packages.get(package_id)
    if package is None:
        raise null_reference()
    rights.demand_package(call, package_id)
    user = call.store.users.rows[package["UserId"]]
    return letters.letter(call.world, user, "PackageSummaryLetter")


def _letter_of_user(call: Call, user_id: int) -> str:
    rights.demand_user(call, user_id)
    return letters.letter(call.world, users.known(call, user_id), "AccountSummaryLetter")


@operations.act
def send_account_summary_letter(call: Call, user_id: int) -> int:
    return 0 if _letter_of_user(call, user_id) else -200


@operations.act
def send_package_summary_letter(call: Call, package_id: int) -> int:
    return 0 if _letter_of_package(call, package_id) else -201


@operations.act
def get_evaluated_account_template_body(call: Call, user_id: int) -> str | None:
    return _letter_of_user(call, user_id) or None


@operations.act
def get_evaluated_package_template_body(call: Call, package_id: int) -> str | None:
    return _letter_of_package(call, package_id) or None


@operations.act
def evaluate_user_package_tempate(call: Call, template: str | None) -> str | None:
    return template

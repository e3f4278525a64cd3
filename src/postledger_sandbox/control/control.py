# SPDX-License-Identifier: Apache-2.0
"""What a trial or a test may do behind the client's back.

Every public method is a command of the control page (`POST /_control/<name>` with a JSON object) and a method of
`Sandbox.control`; results are plain values that JSON can carry.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from postledger_sandbox.control.faults import KINDS, Faults, Rule
from postledger_sandbox.control.log import CallLog
from postledger_sandbox.rules import background, cascades, domains
from postledger_sandbox.rules import organizations as organization_rules
from postledger_sandbox.services import exchange, organizations
from postledger_sandbox.state import seeds
from postledger_sandbox.state.tables import Row
from postledger_sandbox.state.world import SUPERVISOR, Call, World

Json = dict[str, Any]


class Unknown(Exception):
    """There is no such thing to act upon."""


class Control:
    def __init__(self, world: World, faults: Faults, log: CallLog) -> None:
        self._world = world
        self._faults = faults
        self._log = log
        self._refuse: Callable[[float], None] | None = None

    def commands(self) -> dict[str, Callable[..., Any]]:
        """The commands by name."""
        names = [name for name in dir(type(self)) if not name.startswith("_")]
        hidden = {"commands", "on_refuse"}
        return {name: getattr(self, name) for name in names if name not in hidden}

    def on_refuse(self, refuse: Callable[[float], None]) -> None:
        self._refuse = refuse

    # Looking

    def summary(self) -> Json:
        """How much of everything there is, and what is switched on."""
        with self._world.lock:
            counts = {name: len(table) for name, table in self._world.store.tables.items()}
            return {
                "dialect": self._world.options.dialect,
                "counts": counts,
                "now": self._world.clock.now(),
                "clock_offset_s": self._world.clock.offset_s,
                "delay_s": self._world.options.delay_s,
                "stale_statistics": self._world.stale_statistics,
                "hold_background": self._world.hold_background,
                "pending_tasks": sum(not task["Completed"] for task in self._world.store.tasks),
                "faults": self._faults.listed(),
                "held": self._faults.wait_held(0, 0),
            }

    def rows(self, table: str, **where: Any) -> list[Row]:
        """The rows of a table whose members have these values; passwords included."""
        with self._world.lock:
            found = self._table(table)
            return [
                dict(row) for row in found if all(row.get(name) == value for name, value in where.items())
            ]

    def row(self, table: str, id: int) -> Row | None:
        with self._world.lock:
            row = self._table(table).get(id)
            return dict(row) if row else None

    def customers(self, limit: int = 100) -> list[Json]:
        """Users who are nobody's administrator or reseller, newest first: status, spaces, organizations, accounts, MB."""
        statuses = self._world.contract.enums["UserStatus"].names
        with self._world.lock:
            store = self._world.store
            chosen = [user for user in store.users if user["RoleId"] == 3 and not user.get("IsPeer")][-limit:]
            rows = []
            for user in reversed(chosen):
                packages = store.packages.find("UserId", user["UserId"])
                held = [o for p in packages for o in store.organizations.find("PackageId", p["PackageId"])]
                accounts = [a for o in held for a in store.accounts.find("ItemId", o["Id"])]
                rows.append(
                    {
                        "username": user["Username"],
                        "owner": (store.users.get(user["OwnerId"]) or {}).get("Username"),
                        "status": statuses.get(user["StatusId"], str(user["StatusId"])),
                        "spaces": [p["PackageName"] for p in packages],
                        "organizations": [o["OrganizationId"] for o in held],
                        "accounts": len(accounts),
                        "mb": round(sum(a.get("SizeMB", 0) for a in accounts)),
                    }
                )
            return rows

    def organization(self, organization_id: str) -> Json | None:
        """An organization by its id, with its accounts and domain names."""
        with self._world.lock:
            found = self._world.store.organizations.first("OrganizationId", organization_id)
            if found is None:
                return None
            links = self._world.store.organization_domains.find("ItemId", found["Id"])
            names = [self._world.store.domains.rows[link["DomainId"]]["DomainName"] for link in links]
            accounts = [dict(a) for a in self._world.store.accounts.find("ItemId", found["Id"])]
            return {**found, "accounts": accounts, "domains": names}

    def user(self, username: str) -> Json | None:
        """A user by name, with his packages."""
        with self._world.lock:
            found = self._world.store.users.first("Username", username)
            if found is None:
                return None
            packages = [dict(p) for p in self._world.store.packages.find("UserId", found["UserId"])]
            return {**found, "packages": packages}

    # Changing things behind the client's back

    def change(self, table: str, id: int, **values: Any) -> Row:
        """A row with some of its members set, past all rules."""
        with self._world.lock:
            rows = self._table(table)
            row = rows.get(id)
            if row is None:
                raise Unknown(f"no row {id} in {table}")
            rows.change(row, **values)
            return self._done(dict(row))

    def remove(self, table: str, id: int) -> None:
        """A single row taken out, past all rules."""
        with self._world.lock:
            rows = self._table(table)
            row = rows.get(id)
            if row is None:
                raise Unknown(f"no row {id} in {table}")
            rows.remove(row)
            self._done(None)

    def add_user(
        self,
        username: str,
        owner: str = seeds.RESELLER,
        password: str = seeds.PASSWORD,
        email: str = "",
        role_id: int = 3,
    ) -> Row:
        """A user below an owner."""
        with self._world.lock:
            above = self._user(owner)
            user = seeds.add_user(
                self._world,
                username,
                owner_id=above["UserId"],
                role_id=role_id,
                Password=password,
                Email=email or f"{username}@{seeds.TEMP_DOMAIN}",
            )
            return self._done(dict(user))

    def add_package(self, username: str, plan: str = "Exchange Small") -> Row:
        """A package for a user from one of his owner's plans."""
        with self._world.lock:
            user = self._user(username)
            plans = self._world.store.plans.find("UserId", user["OwnerId"])
            chosen = next((each for each in plans if each["PlanName"] == plan), None)
            if chosen is None:
                raise Unknown(f"the owner of {username} has no plan {plan}")
            package = seeds.add_package(
                self._world,
                plan,
                user_id=user["UserId"],
                parent_id=chosen["PackageId"],
                plan_id=chosen["PlanId"],
            )
            return self._done(dict(package))

    def override_quotas(self, package_id: int, quotas: dict[str, int]) -> None:
        """Quotas of a package by name, beside the rest of what its plan gives; an override in the platform's sense."""
        with self._world.lock:
            package = self._world.store.packages.get(package_id)
            plan = self._world.store.plans.get((package or {}).get("PlanId") or 0)
            if package is None or plan is None:
                raise Unknown(f"no package {package_id} with a plan")
            ids = {self._world.contract.quotas[name].quota_id: value for name, value in quotas.items()}
            kept = [item for item in plan["Quotas"] if item["QuotaId"] not in ids]
            added = [{"QuotaId": quota_id, "QuotaValue": value} for quota_id, value in ids.items()]
            self._world.store.packages.change(
                package, OverrideQuotas=True, Groups=plan["Groups"], Quotas=[*kept, *added]
            )
            self._done(None)

    def add_organization(
        self, package_id: int, organization_id: str, name: str = "", domain: str = ""
    ) -> int:
        """The id of a new organization, or a negative code: made as the administrator would."""
        with self._world.lock:
            call = self._call("esOrganizations", "CreateOrganization")
            code = organizations.create_organization(
                call, package_id, organization_id, name or organization_id, domain or None
            )
            return self._done(code)

    def add_mailbox(
        self,
        item_id: int,
        email: str,
        password: str = seeds.PASSWORD,
        size_mb: float = 0,
        plan_id: int = 0,
        account_type: int = 1,
    ) -> int:
        """The id of a new mailbox, past quotas and plans."""
        with self._world.lock:
            organization = self._organization(item_id)
            call = self._call("esExchangeServer", "CreateMailbox")
            organization_rules.extend(call, organization)
            name = email.partition("@")[0]
            account = organization_rules.new_account(
                call, organization, account_type, display_name=name, name=name, address=email
            )
            if not plan_id and not self._world.is_w:
                plans = exchange.plans.get_exchange_mailbox_plans(call, item_id, False)
                plan_id = plans[0]["MailboxPlanId"] if plans else 0
            self._world.store.accounts.change(
                account, Password=password, SizeMB=size_mb, Items=int(size_mb * 10), MailboxPlanId=plan_id
            )
            return self._done(account["AccountId"])

    def delete_mailbox(self, email: str) -> None:
        with self._world.lock:
            cascades.drop_account(self._world, self._account(email))
            self._done(None)

    def grow_disk(
        self, email: str = "", item_id: int = 0, by_mb: float = 0, to_mb: float | None = None
    ) -> float:
        """The size a mailbox (or every mailbox of an organization) now has, in MB, together."""
        with self._world.lock:
            if email:
                grown = [self._account(email)]
            else:
                grown = organization_rules.accounts_of(self._world, item_id, *organization_rules.MAILBOXES)
            for account in grown:
                size = account.get("SizeMB", 0) + by_mb if to_mb is None else to_mb
                self._world.store.accounts.change(account, SizeMB=size, Items=int(size * 10))
            return self._done(sum(account["SizeMB"] for account in grown))

    def add_device(self, email: str, device_id: str, model: str = "Phone") -> Row:
        """An ActiveSync device that has met the mailbox."""
        with self._world.lock:
            account = self._account(email)
            now = self._world.clock.now()
            device = self._world.store.devices.add(
                {
                    "AccountId": account["AccountId"],
                    "Id": device_id,
                    "DeviceID": device_id,
                    "DeviceModel": model,
                    "DeviceType": model,
                    "Status": 0,
                    "FirstSyncTime": now,
                    "LastSuccessSync": now,
                }
            )
            return self._done(dict(device))

    def move_organization(self, item_id: int, package_id: int) -> None:
        """An organization with its domains and accounts in another package."""
        with self._world.lock:
            organization = self._organization(item_id)
            store = self._world.store
            store.organizations.change(organization, PackageId=package_id)
            for account in store.accounts.find("ItemId", item_id):
                store.accounts.change(account, PackageId=package_id)
            for link in store.organization_domains.find("ItemId", item_id):
                store.domains.change(store.domains.rows[link["DomainId"]], PackageId=package_id)
            self._done(None)

    def delete_organization(self, item_id: int) -> None:
        with self._world.lock:
            cascades.drop_organization(self._world, self._organization(item_id))
            self._done(None)

    def delete_user(self, username: str) -> None:
        """A user gone at once, with all that was his."""
        with self._world.lock:
            cascades.drop_user(self._world, self._user(username))
            self._done(None)

    def set_status(self, username: str, status_id: int) -> None:
        """A user alone: 1 active, 2 suspended, 3 cancelled, 4 pending. His packages and people stay as they are."""
        with self._world.lock:
            self._world.store.users.change(self._user(username), StatusId=status_id)
            self._done(None)

    def add_record(self, domain: str, type: str, name: str, data: str, priority: int = 0) -> None:
        """A record in a zone; the zone is made when the domain has none."""
        with self._world.lock:
            found = self._domain(domain)
            if not found["ZoneItemId"]:
                domains.make_zone(self._world, found)
            added = domains.record(type, name, data, priority=priority)
            self._world.store.domains.change(found, Records=[*found["Records"], added])
            self._done(None)

    def delete_record(self, domain: str, type: str, name: str, data: str) -> None:
        with self._world.lock:
            found = self._domain(domain)
            unwanted = domains.find_record(found, type, name, data)
            kept = [item for item in found["Records"] if item is not unwanted]
            self._world.store.domains.change(found, Records=kept)
            self._done(None)

    def add_usage(self, package_id: int, kind: str, group_id: int = 13, **values: Any) -> None:
        """A stored figure: kind "disk" with Bytes, or "traffic" with Day, Sent, Received."""
        with self._world.lock:
            row = {"Kind": kind, "PackageId": package_id, "GroupId": group_id, **values}
            self._world.store.usage.add(row)
            self._done(None)

    def estate(self, users: int, organizations: int, mailboxes: int) -> Json:
        """An estate below the first reseller."""
        with self._world.lock:
            seeds.grow(self._world, users=users, organizations=organizations, mailboxes=mailboxes)
            self._world.store.commit()
        return self.summary()["counts"]

    # The installation's own doings

    def run_background(self) -> int:
        """How many pieces of background work were done, due or not."""
        with self._world.lock:
            return self._done(background.run_all(self._world))

    def hold_background(self, on: bool = True) -> None:
        """Background work waits until this is taken back or run_background is called."""
        self._world.hold_background = on

    def stale_statistics(self, on: bool = True) -> None:
        """Statistics answer what they last answered, and measuring disks changes nothing."""
        with self._world.lock:
            self._world.stale_statistics = on

    def set_options(self, **values: Any) -> None:
        """Other options: delay_s, anonymous_organizations, secure_passwords."""
        with self._world.lock:
            self._world.options = replace(self._world.options, **values)

    def move_clock(self, seconds: float) -> str:
        """The installation's time, after the clock was moved by so many seconds."""
        self._world.clock.offset_s += seconds
        return self._world.clock.now()

    def refuse_connections(self, seconds: float) -> None:
        """Refuse all connections, to this page too, for so many seconds."""
        if self._refuse is not None:
            self._refuse(seconds)

    # Faults

    def inject(self, kind: str, operation: str = "*", **options: Any) -> int:
        """The number of a new fault rule; see `kinds`."""
        return self._faults.add(Rule(kind=kind, operation=operation, **options))

    def kinds(self) -> dict[str, str]:
        """The kinds of faults and what they do."""
        return KINDS

    def faults(self) -> list[Json]:
        return self._faults.listed()

    def clear_faults(self) -> None:
        """Forget all fault rules and let held calls go."""
        self._faults.clear()

    def wait_held(self, count: int = 1, timeout_s: float = 10.0) -> list[Json]:
        """The calls that are held, as soon as there are so many."""
        return self._faults.wait_held(count, timeout_s)

    def release(self) -> int:
        """How many held calls were let go."""
        return self._faults.release()

    # The log

    def calls(self, operation: str = "", since: int = 0, limit: int = 1000) -> list[Json]:
        """The calls made, oldest first, passwords masked."""
        return self._log.listed(operation=operation, since=since, limit=limit)

    def wait_call(self, operation: str, timeout_s: float = 10.0) -> Json | None:
        """The first logged call of an operation, as soon as there is one."""
        until = time.monotonic() + timeout_s
        while True:
            calls = self._log.listed(operation=operation)
            if calls or time.monotonic() > until:
                return calls[0] if calls else None
            time.sleep(0.02)

    def clear_calls(self) -> None:
        self._log.clear()

    # Inside

    def _call(self, service: str, operation: str) -> Call:
        return Call(self._world, SUPERVISOR, service, operation)

    def _done(self, result: Any) -> Any:
        self._world.store.commit()
        return result

    def _table(self, name: str) -> Any:
        table = self._world.store.tables.get(name)
        if table is None:
            raise Unknown(f"no table {name}; there are {', '.join(self._world.store.tables)}")
        return table

    def _user(self, username: str) -> Row:
        user = self._world.store.users.first("Username", username)
        if user is None:
            raise Unknown(f"no user {username}")
        return user

    def _organization(self, item_id: int) -> Row:
        organization = self._world.store.organizations.get(item_id)
        if organization is None:
            raise Unknown(f"no organization {item_id}")
        return organization

    def _account(self, email: str) -> Row:
        account = self._world.store.accounts.first("Addresses", email)
        if account is None:
            raise Unknown(f"no account with address {email}")
        return account

    def _domain(self, name: str) -> Row:
        domain = self._world.store.domains.first("DomainName", name)
        if domain is None:
            raise Unknown(f"no domain {name}")
        return domain

"""Everything with a mail address in an organization: mailboxes, contacts, lists and public folders.

Invariant: as for organizations. The platform's settings calls write all members of an object at once, so an object is
read first and sent back with the one change; what the release knows beyond that stays as it was.

References: those of the organization and `account`.
"""

import dataclasses
from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp import accounts, codes, organizations, paging, passwords, soap
from postledger.connectors.wsp import client as c
from postledger.resources import exchange, spec

KIB = 1024
_PROTOCOLS = {
    "pop": "EnablePOP",
    "imap": "EnableIMAP",
    "owa": "EnableOWA",
    "mapi": "EnableMAPI",
    "activesync": "EnableActiveSync",
}
_TYPE_NAMES = {"user": "Mailbox", "room": "Room", "equipment": "Equipment", "shared": "SharedMailbox"}
_KINDS = {name.lower(): kind for kind, name in _TYPE_NAMES.items()}
_OTHERS = {
    "contact": exchange.CONTACT,
    "distributionlist": exchange.DISTRIBUTION_LIST,
    "publicfolder": exchange.PUBLIC_FOLDER,
}
_ORDER = (exchange.MAILBOX, exchange.CONTACT, exchange.DISTRIBUTION_LIST, exchange.PUBLIC_FOLDER)


class Recipients:
    """Reading and changing what receives mail."""

    def __init__(self, *, client: c.Client, organizations: organizations.Organizations) -> None:
        self._client = client
        self._organizations = organizations

    # --- common -----------------------------------------------------------------------------------------------------

    def observe(self, *, target: contract.Target) -> contract.Observation:
        """The mailbox, contact, list or folder as it stands."""
        what = _what(target)
        parent = _parent(target)
        organization = self._organizations.of(parent, what=what)
        if organization is None:
            return _absent()
        code = organization.text("OrganizationId")
        row = self._row(target, parent, code, what)
        return _absent() if row is None else self._observed(target.kind, row, parent, code, what)

    def _row(self, target: contract.Target, parent: contract.Ref, code: str, what: str) -> soap.Record | None:
        item_id = int(parent["item"])
        if target.ref is not None and "account" in target.ref:
            row = self._client.record(
                c.EXCHANGE, "GetAccount", what=what, itemId=item_id, accountId=int(target.ref["account"])
            )
            if row is None or row.int("ItemId") not in (0, item_id):
                return None
            return row if kind_of(row) == target.kind else None
        if target.kind == exchange.PUBLIC_FOLDER:
            for row in paging.accounts(
                client=self._client, item_id=item_id, types=(paging.FOLDER,), what=what
            ):
                if _path(row, code).casefold() == target.name.casefold():
                    return row
            return None
        return self._addressed(item_id, self._types(target.kind), target.name, what)

    def _addressed(self, item_id: int, types: tuple[int, ...], address: str, what: str) -> soap.Record | None:
        """The one of these types with that address.

        The platform's filter looks into the addresses of mailboxes and lists; a contact has none there.
        """
        filtered = "" if types == (paging.CONTACT,) else address
        for row in paging.accounts(
            client=self._client, item_id=item_id, types=types, what=what, address=filtered
        ):
            if row.text("PrimaryEmailAddress").strip().casefold() == address.casefold():
                return row
        return None

    def _types(self, kind: str) -> tuple[int, ...]:
        if kind == exchange.MAILBOX:
            shared = (paging.MAILBOX_TYPES["shared"],) if self._has_plans() else ()
            return (1, 5, 6, *shared)
        return (paging.CONTACT,) if kind == exchange.CONTACT else (paging.LIST,)

    def _has_plans(self) -> bool:
        return self._client.has(c.EXCHANGE, "SetExchangeMailboxPlan")

    def everything(
        self, ref: contract.Ref, *, code: str, what: str
    ) -> list[tuple[str, contract.Observation]]:
        """All in an organization that was found to be ours, as far as one list tells: kind and thing, mailboxes first."""
        types = (*self._types(exchange.MAILBOX), paging.CONTACT, paging.LIST, paging.FOLDER)
        found = []
        for row in paging.accounts(client=self._client, item_id=int(ref["item"]), types=types, what=what):
            kind = kind_of(row)
            if kind is not None:
                found.append((kind, _listed(kind, row, ref, code)))
        return sorted(found, key=lambda entry: _ORDER.index(entry[0]))

    def _observed(
        self, kind: str, row: soap.Record, parent: contract.Ref, code: str, what: str
    ) -> contract.Observation:
        found: Any
        if kind == exchange.MAILBOX:
            found = self._mailbox(row, what)
        elif kind == exchange.CONTACT:
            found = self._contact(row, what)
        elif kind == exchange.DISTRIBUTION_LIST:
            found = self._list(row, what)
        else:
            found = _folder(row, code)
        return contract.Observation(
            spec=found,
            ref=_ref(parent, row),
            facts={"login": row.text("AccountName"), "name": row.text("DisplayName")},
        )

    def apply(
        self, *, target: contract.Target, change: spec.Change, password: contract.Secret | None
    ) -> contract.Observation:
        """The thing after one step, read back."""
        what = _what(target)
        parent = _parent(target)
        if change.action == "create":
            return self._create(target, change.spec, password, what)
        code = self._organizations.held(parent, what=what).text("OrganizationId")
        row = self._row(target, parent, code, what)
        if change.action == "delete":
            if row is not None:
                self._delete(target, row, code, what)
            return _absent()
        if row is None:
            raise codes.failure(code=-1, what=what)
        if target.kind == exchange.MAILBOX:
            self._change_mailbox(row, change, what)
        elif target.kind == exchange.CONTACT:
            self._change_contact(row, change.spec, what)
        elif target.kind == exchange.DISTRIBUTION_LIST:
            self._change_list(row, change, what)
        else:
            self._change_folder(row, change.spec, what)
        after = self.observe(target=dataclasses.replace(target, ref=_ref(parent, row)))
        accounts.must_show(change, after, what)
        return after

    def _create(
        self, target: contract.Target, wanted: Any, password: contract.Secret | None, what: str
    ) -> contract.Observation:
        fresh = dataclasses.replace(target, ref=None)
        found = self.observe(target=fresh)
        if not found.exists:
            parent = _parent(target)
            code = self._organizations.held(parent, what=what).text("OrganizationId")
            item_id = int(parent["item"])
            try:
                if isinstance(wanted, exchange.Mailbox):
                    self._create_mailbox(item_id, wanted, password, what)
                elif isinstance(wanted, exchange.Contact):
                    self._client.number(
                        c.EXCHANGE,
                        "CreateContact",
                        what=what,
                        slow=True,
                        itemId=item_id,
                        displayName=wanted.display_name or wanted.address,
                        email=wanted.address,
                    )
                elif isinstance(wanted, exchange.DistributionList):
                    self._create_list(item_id, wanted, what)
                else:
                    self._create_folder(item_id, code, wanted, what)
            except contract.TemporaryFailure:
                if not self.observe(target=fresh).exists:
                    raise
            found = self.observe(target=fresh)
            if not found.exists:
                raise contract.TemporaryFailure(
                    f"{what[:1].upper()}{what[1:]} was made but does not show yet. It is looked at again.",
                    reason="not_shown",
                )
        rest = spec.changeset(kind=target.kind, desired=wanted, observed=found.spec)
        for step in rest.changes:
            found = self.apply(target=dataclasses.replace(target, ref=found.ref), change=step, password=None)
        return found

    def _delete(self, target: contract.Target, row: soap.Record, code: str, what: str) -> None:
        operation = {
            exchange.MAILBOX: "DeleteMailbox",
            exchange.CONTACT: "DeleteContact",
            exchange.DISTRIBUTION_LIST: "DeleteDistributionList",
            exchange.PUBLIC_FOLDER: "DeletePublicFolder",
        }[target.kind]
        item_id, account_id = row.int("ItemId") or int(_parent(target)["item"]), row.int("AccountId")
        self._client.number(c.EXCHANGE, operation, what=what, slow=True, itemId=item_id, accountId=account_id)
        accounts.wait(
            lambda: self._row(target, _parent(target), code, what) is None,
            limit_s=self._client.settings.settle_s,
            what=what,
        )

    # --- mailboxes --------------------------------------------------------------------------------------------------

    def _mailbox(self, row: soap.Record, what: str) -> exchange.Mailbox:
        item_id, account_id = row.int("ItemId"), row.int("AccountId")
        primary = row.text("PrimaryEmailAddress").lower()
        addresses = self._client.records(
            c.EXCHANGE, "GetMailboxEmailAddresses", what=what, itemId=item_id, accountId=account_id
        )
        user = self._user(item_id, account_id, what)
        features: set[str] = set()
        if user is not None:
            features |= {
                feature
                for feature, member in (
                    ("blackberry", "IsBlackBerryUser"),
                    ("ocs", "IsOCSUser"),
                    ("lync", "IsLyncUser"),
                    ("sfb", "IsSfBUser"),
                )
                if user.bool(member)
            }
            if not user.has("IsBlackBerryUser"):
                features |= self._listed(item_id, account_id, primary, what)
        plan: str | None = None
        quota_mib: int | None = None
        if self._has_plans():
            plan = row.text("MailboxPlanId")
            for offered in self.plans(item_id, what=what):
                if offered.text("MailboxPlanId") == plan:
                    quota_mib = offered.int("MailboxSizeMB")
                    features |= {name for name, member in _PROTOCOLS.items() if offered.bool(member)}
        else:
            advanced = self._client.record(
                c.EXCHANGE, "GetMailboxAdvancedSettings", what=what, itemId=item_id, accountId=account_id
            )
            if advanced is not None:
                kib = advanced.int("ProhibitSendReceiveKB")
                quota_mib = exchange.UNLIMITED if kib < 0 else kib // KIB
                features |= {name for name, member in _PROTOCOLS.items() if advanced.bool(member)}
        return exchange.Mailbox(
            address=primary,
            display_name=row.text("DisplayName"),
            kind=_kind(row),
            quota_mib=quota_mib,
            plan=plan,
            aliases=frozenset(
                entry.text("EmailAddress").lower()
                for entry in addresses
                if not entry.bool("IsPrimary") and entry.text("EmailAddress").lower() != primary
            ),
            is_enabled=None if user is None else not user.bool("Disabled"),
            features=frozenset(features),
        )

    def _listed(self, item_id: int, account_id: int, address: str, what: str) -> set[str]:
        """BlackBerry and OCS of a mailbox, in releases whose users do not say it themselves."""
        found: set[str] = set()
        for feature, service, operation in (
            ("blackberry", c.BLACKBERRY, "GetBlackBerryUsersPaged"),
            ("ocs", c.OCS, "GetOCSUsersPaged"),
        ):
            if not self._client.has(service, operation):
                continue
            for user in self._paged_users(service, operation, item_id, address, what):
                if user.int("AccountId") == account_id:
                    found.add(feature)
        return found

    def _paged_users(
        self, service: str, operation: str, item_id: int, address: str, what: str
    ) -> list[soap.Record]:
        page = self._client.record(
            service,
            operation,
            what=what,
            itemId=item_id,
            sortColumn="",
            sortDirection="",
            name="",
            email=paging.pattern(address) if address else "",
            startRow=0,
            maximumRows=1000,
        )
        value = page.record("Value") if page is not None and page.bool("IsSuccess") else None
        return value.records("PageUsers") if value is not None else []

    def _user(self, item_id: int, account_id: int, what: str) -> soap.Record | None:
        return self._client.record(
            c.ORGANIZATIONS, "GetUserGeneralSettings", what=what, itemId=item_id, accountId=account_id
        )

    def plans(self, item_id: int, *, what: str) -> list[soap.Record]:
        """The mailbox plans of an organization, without archive plans."""
        if not self._has_plans():
            return []
        found = self._client.records(
            c.EXCHANGE, "GetExchangeMailboxPlans", what=what, itemId=item_id, archiving=False
        )
        return [plan for plan in found if not plan.bool("Archiving")]

    def _plan_for(self, item_id: int, wanted: exchange.Mailbox, what: str) -> int:
        """The mailbox plan to use: the one named, or one of the wished size, or the default one."""
        plans = self.plans(item_id, what=what)
        if wanted.plan:
            match = [plan for plan in plans if plan.text("MailboxPlanId") == wanted.plan]
        elif wanted.quota_mib is not None:
            match = [plan for plan in plans if plan.int("MailboxSizeMB") == wanted.quota_mib]
        else:
            match = [plan for plan in plans if plan.bool("IsDefault")] or plans
        if not match:
            raise contract.PlatformRefusal(
                f"The platform has no mailbox plan that fits {what}. Choose one of those it offers.",
                reason="no_mailbox_plan",
            )
        return match[0].int("MailboxPlanId")

    def _create_mailbox(
        self, item_id: int, wanted: exchange.Mailbox, password: contract.Secret | None, what: str
    ) -> None:
        local, _, domain = wanted.address.partition("@")
        kind = wanted.kind or "user"
        if kind == "shared" and not self._has_plans():
            raise contract.PlatformRefusal(
                f"This release of the platform has no shared mailboxes. Make {wanted.address} a user mailbox.",
                reason="not_supported",
            )
        optional: dict[str, Any] = {}
        if self._has_plans():
            optional = {
                "mailboxPlanId_": self._plan_for(item_id, wanted, what),
                "archivedPlanId_": 0,
                "subscriberNumber_": "",
                "EnableArchiving_": False,
            }
        login = next(
            paging.accounts(
                client=self._client, item_id=item_id, types=(paging.LOGIN,), what=what, address=wanted.address
            ),
            None,
        )
        self._client.number(
            c.EXCHANGE,
            "CreateMailbox",
            what=what,
            slow=True,
            itemId=item_id,
            accountId=0 if login is None else login.int("AccountId"),
            accountType=_TYPE_NAMES[kind],
            accountName="" if login is None else login.text("AccountName"),
            displayName=wanted.display_name or local,
            name=local,
            domain=domain,
            password=password or passwords.fresh(),
            sendSetupInstructions=False,
            setupInstructionMailAddress="",
            **optional,
        )

    def _change_mailbox(self, row: soap.Record, change: spec.Change, what: str) -> None:
        item_id, account_id = row.int("ItemId"), row.int("AccountId")
        difference = change.fields[0]
        wanted: exchange.Mailbox = change.spec
        if difference.field == "aliases":
            if difference.comes:
                self._client.number(
                    c.EXCHANGE,
                    "AddMailboxEmailAddress",
                    what=str(difference.member),
                    slow=True,
                    itemId=item_id,
                    accountId=account_id,
                    emailAddress=difference.member,
                )
            else:
                self._client.number(
                    c.EXCHANGE,
                    "DeleteMailboxEmailAddresses",
                    what=what,
                    slow=True,
                    itemId=item_id,
                    accountId=account_id,
                    emailAddresses=[("string", difference.member)],
                )
        elif difference.field in ("plan", "quota_mib") and self._has_plans():
            plan = self._plan_for(item_id, wanted, what)
            self._client.number(
                c.EXCHANGE,
                "SetExchangeMailboxPlan",
                what=what,
                slow=True,
                itemId=item_id,
                accountId=account_id,
                mailboxPlanId=plan,
                archivePlanId=row.int("ArchivingMailboxPlanId"),
                EnableArchiving=row.bool("EnableArchiving"),
            )
        elif difference.field == "quota_mib":
            self._set_advanced(item_id, account_id, what, quota_mib=wanted.quota_mib)
        elif difference.field == "features":
            self._set_feature(item_id, account_id, str(difference.member), difference.comes, what)
        elif difference.field == "display_name":
            self._set_user(item_id, account_id, {"displayName": wanted.display_name}, what)
        elif difference.field == "is_enabled":
            self._set_user(item_id, account_id, {"disabled": not wanted.is_enabled}, what)
        else:
            raise contract.PermanentFailure(
                f"The platform cannot change the {difference.field} of {what}.", reason="not_supported"
            )

    def _set_advanced(
        self,
        item_id: int,
        account_id: int,
        what: str,
        *,
        quota_mib: int | None = None,
        protocol: tuple[str, bool] | None = None,
    ) -> None:
        """Limits and protocols of one mailbox, in releases that set them on the mailbox itself."""
        present = self._client.record(
            c.EXCHANGE, "GetMailboxAdvancedSettings", what=what, itemId=item_id, accountId=account_id
        )
        if present is None:
            raise codes.failure(code=-1, what=what)
        values: dict[str, Any] = {
            member[:1].lower() + member[1:]: present.bool(member) for member in _PROTOCOLS.values()
        }
        limits = {
            name: present.int(name) for name in ("IssueWarningKB", "ProhibitSendKB", "ProhibitSendReceiveKB")
        }
        if quota_mib is not None:
            unlimited = quota_mib == exchange.UNLIMITED
            limits = {
                "IssueWarningKB": -1 if unlimited else quota_mib * KIB * 9 // 10,
                "ProhibitSendKB": -1 if unlimited else quota_mib * KIB,
                "ProhibitSendReceiveKB": -1 if unlimited else quota_mib * KIB,
            }
        if protocol is not None:
            member = _PROTOCOLS[protocol[0]]
            values[member[:1].lower() + member[1:]] = protocol[1]
        self._client.number(
            c.EXCHANGE,
            "SetMailboxAdvancedSettings",
            what=what,
            slow=True,
            itemId=item_id,
            accountId=account_id,
            issueWarningKB=limits["IssueWarningKB"],
            prohibitSendKB=limits["ProhibitSendKB"],
            prohibitSendReceiveKB=limits["ProhibitSendReceiveKB"],
            keepDeletedItemsDays=present.int("KeepDeletedItemsDays"),
            **values,
        )

    def _set_feature(self, item_id: int, account_id: int, feature: str, on: bool, what: str) -> None:
        if feature in _PROTOCOLS:
            if self._has_plans():
                raise contract.PlatformRefusal(
                    f"On this platform the mailbox plan decides about {feature}. Choose another plan for {what}.",
                    reason="decided_by_plan",
                )
            self._set_advanced(item_id, account_id, what, protocol=(feature, on))
            return
        service, verb = {
            "blackberry": (c.BLACKBERRY, "BlackBerryUser"),
            "ocs": (c.OCS, "OCSUser"),
            "lync": (c.LYNC, "LyncUser"),
            "sfb": (c.SFB, "SfBUser"),
        }[feature]
        parameters: dict[str, Any] = {"itemId": item_id, "accountId": account_id}
        if on and feature in ("lync", "sfb"):
            name = "Lync" if feature == "lync" else "SfB"
            plans = self._client.records(service, f"Get{name}UserPlans", what=what, itemId=item_id)
            chosen = [plan for plan in plans if plan.bool("IsDefault")] or plans
            if not chosen:
                raise contract.PlatformRefusal(
                    f"The platform has no {name} plan for {what}. Make one there first.", reason="no_plan"
                )
            parameters[f"{feature}UserPlanId"] = chosen[0].int(f"{name}UserPlanId")
        if not on and feature == "ocs":
            parameters = {"itemId": item_id, "instanceId": self._ocs_instance(item_id, account_id, what)}
        answer = self._client.record(
            service, ("Create" if on else "Delete") + verb, what=what, slow=True, **parameters
        )
        if answer is not None and not answer.bool("IsSuccess"):
            texts = [item.element.text or "" for item in answer.records("ErrorCodes")]
            raise contract.TemporaryFailure(
                f"The platform could not switch {feature} {'on' if on else 'off'} for {what}: {', '.join(texts)[:200]}",
                reason="platform_failed",
            )

    def _ocs_instance(self, item_id: int, account_id: int, what: str) -> str:
        for user in self._paged_users(c.OCS, "GetOCSUsersPaged", item_id, "", what):
            if user.int("AccountID") == account_id:
                return user.text("InstanceId")
        raise codes.failure(code=-1, what=what)

    def _set_user(self, item_id: int, account_id: int, changes: dict[str, Any], what: str) -> None:
        """Send a user's settings back with some changed; the platform has no call for a single one."""
        user = self._user(item_id, account_id, what)
        if user is None:
            raise codes.failure(code=-1, what=what)
        mailbox = self._client.record(
            c.EXCHANGE, "GetMailboxGeneralSettings", what=what, itemId=item_id, accountId=account_id
        )
        interface = self._client.interface(c.ORGANIZATIONS)
        assert interface is not None
        manager = user.record("Manager")
        values: dict[str, Any] = {}
        for parameter in interface.operations["SetUserGeneralSettings"].parameters:
            if user.has(parameter.name) and parameter.name not in ("itemId", "accountId"):
                values[parameter.name] = user.text(parameter.name)
            elif parameter.default is None:
                values[parameter.name] = ""
        values["password"] = ""
        values["hideAddressBook"] = mailbox is not None and mailbox.bool("HideFromAddressBook")
        values["managerAccountName"] = manager.text("AccountName") if manager is not None else ""
        values.update(changes)
        values.update(itemId=item_id, accountId=account_id)
        self._client.number(c.ORGANIZATIONS, "SetUserGeneralSettings", what=what, slow=True, **values)

    def set_password(self, *, target: contract.Target, password: contract.Secret) -> None:
        """Nothing; gives the login of a mailbox another password."""
        what = _what(target)
        parent = _parent(target)
        code = self._organizations.held(parent, what=what).text("OrganizationId")
        row = self._row(target, parent, code, what)
        if row is None:
            raise codes.failure(code=-1, what=what)
        item_id, account_id = int(parent["item"]), row.int("AccountId")
        if self._client.has(c.ORGANIZATIONS, "SetUserPassword"):
            self._client.number(
                c.ORGANIZATIONS,
                "SetUserPassword",
                what=what,
                itemId=item_id,
                accountId=account_id,
                password=str(password),
            )
        else:
            self._set_user(item_id, account_id, {"password": str(password)}, what)

    # --- contacts ---------------------------------------------------------------------------------------------------

    def _contact(self, row: soap.Record, what: str) -> exchange.Contact:
        settings = self._client.record(
            c.EXCHANGE,
            "GetContactGeneralSettings",
            what=what,
            itemId=row.int("ItemId"),
            accountId=row.int("AccountId"),
        )
        return exchange.Contact(
            address=_address(row),
            display_name=row.text("DisplayName"),
            is_hidden=None if settings is None else settings.bool("HideFromAddressBook"),
        )

    def _change_contact(self, row: soap.Record, wanted: exchange.Contact, what: str) -> None:
        item_id, account_id = row.int("ItemId"), row.int("AccountId")
        present = self._client.record(
            c.EXCHANGE, "GetContactGeneralSettings", what=what, itemId=item_id, accountId=account_id
        )
        interface = self._client.interface(c.EXCHANGE)
        if present is None or interface is None:
            raise codes.failure(code=-1, what=what)
        values: dict[str, Any] = {}
        for parameter in interface.operations["SetContactGeneralSettings"].parameters:
            if present.has(parameter.name) and parameter.name not in ("itemId", "accountId"):
                values[parameter.name] = present.text(parameter.name)
            elif parameter.default is None:
                values[parameter.name] = ""
        manager = present.record("ManagerAccount")
        values["managerAccountName"] = manager.text("AccountName") if manager is not None else ""
        hidden = present.bool("HideFromAddressBook") if wanted.is_hidden is None else wanted.is_hidden
        values["hideAddressBook"] = hidden
        values["emailAddress"] = wanted.address
        values["displayName"] = wanted.display_name or row.text("DisplayName")
        values.update(itemId=item_id, accountId=account_id)
        self._client.number(c.EXCHANGE, "SetContactGeneralSettings", what=what, slow=True, **values)

    # --- lists ------------------------------------------------------------------------------------------------------

    def _list(self, row: soap.Record, what: str) -> exchange.DistributionList:
        ids = {"itemId": row.int("ItemId"), "accountId": row.int("AccountId")}
        general = self._client.record(c.EXCHANGE, "GetDistributionListGeneralSettings", what=what, **ids)
        flow = self._client.record(c.EXCHANGE, "GetDistributionListMailFlowSettings", what=what, **ids)
        manager = general.record("ManagerAccount") if general is not None else None
        return exchange.DistributionList(
            address=row.text("PrimaryEmailAddress").lower(),
            display_name=row.text("DisplayName"),
            manager=manager.text("PrimaryEmailAddress").lower() if manager is not None else "",
            members=None if general is None else frozenset(_addresses(general.records("MembersAccounts"))),
            is_open=None if flow is None else not flow.bool("RequireSenderAuthentication"),
            is_hidden=None if general is None else general.bool("HideFromAddressBook"),
        )

    def _create_list(self, item_id: int, wanted: exchange.DistributionList, what: str) -> None:
        local, _, domain = wanted.address.partition("@")
        found = paging.accounts(
            client=self._client,
            item_id=item_id,
            types=self._types(exchange.MAILBOX),
            what=what,
            address=wanted.manager or "",
        )
        manager = next(found, None)
        if manager is None:
            raise contract.PlatformRefusal(
                f"A list needs a mailbox that manages it, and there is none for {wanted.address}. Make one first.",
                reason="no_manager",
            )
        self._client.number(
            c.EXCHANGE,
            "CreateDistributionList",
            what=what,
            slow=True,
            itemId=item_id,
            displayName=wanted.display_name or local,
            name=local,
            domain=domain,
            managerId=manager.int("AccountId"),
        )

    def _change_list(self, row: soap.Record, change: spec.Change, what: str) -> None:
        ids = {"itemId": row.int("ItemId"), "accountId": row.int("AccountId")}
        fields = {difference.field for difference in change.fields}
        wanted: exchange.DistributionList = change.spec
        if "is_open" in fields:
            flow = self._client.record(c.EXCHANGE, "GetDistributionListMailFlowSettings", what=what, **ids)
            if flow is None:
                raise codes.failure(code=-1, what=what)
            self._client.number(
                c.EXCHANGE,
                "SetDistributionListMailFlowSettings",
                what=what,
                slow=True,
                **ids,
                acceptAccounts=_names(flow.records("AcceptAccounts")),
                rejectAccounts=_names(flow.records("RejectAccounts")),
                requireSenderAuthentication=not wanted.is_open,
            )
            return
        general = self._client.record(c.EXCHANGE, "GetDistributionListGeneralSettings", what=what, **ids)
        if general is None:
            raise codes.failure(code=-1, what=what)
        present = general.record("ManagerAccount")
        manager = present.text("AccountName") if present is not None else ""
        if "manager" in fields and wanted.manager:
            manager = self._names(ids["itemId"], {wanted.manager}, what)[0]
        held = general.records("MembersAccounts")
        present_members = _addresses(held)
        wishes = wanted.members if wanted.members is not None else frozenset(present_members)
        members = [
            member.text("AccountName")
            for member in held
            if not _address(member) or _address(member) in wishes
        ]
        members += self._names(ids["itemId"], set(wishes) - set(present_members), what)
        self._client.number(
            c.EXCHANGE,
            "SetDistributionListGeneralSettings",
            what=what,
            slow=True,
            **ids,
            displayName=wanted.display_name or general.text("DisplayName") or row.text("DisplayName"),
            hideAddressBook=general.bool("HideFromAddressBook")
            if wanted.is_hidden is None
            else wanted.is_hidden,
            managerAccount=manager,
            memberAccounts=[("string", member) for member in members],
            notes=general.text("Notes"),
        )

    def _names(self, item_id: int, addresses: set[str], what: str) -> list[str]:
        """The platform's account names of mailboxes, contacts or lists of the organization."""
        if not addresses:
            return []
        known: dict[str, str] = {}
        types = (*self._types(exchange.MAILBOX), paging.LIST, paging.CONTACT)
        for row in paging.accounts(client=self._client, item_id=item_id, types=types, what=what):
            address = _address(row)
            if address not in known or kind_of(row) != exchange.CONTACT:
                known[address] = row.text("AccountName")
        missing = sorted(addresses - known.keys())
        if missing:
            raise contract.PlatformRefusal(
                f"{missing[0]} is neither a mailbox nor a contact of the organization. Add it as a contact first.",
                reason="no_such_member",
            )
        return [known[address] for address in sorted(addresses)]

    # --- public folders ---------------------------------------------------------------------------------------------

    def _create_folder(self, item_id: int, code: str, wanted: exchange.PublicFolder, what: str) -> None:
        above, _, name = wanted.path.rpartition("\\")
        local, _, domain = (wanted.address or "").partition("@")
        self._client.number(
            c.EXCHANGE,
            "CreatePublicFolder",
            what=what,
            slow=True,
            itemId=item_id,
            parentFolder=f"\\{code}{above}",
            folderName=name,
            mailEnabled=bool(wanted.address),
            accountName=local,
            domain=domain,
        )

    def _change_folder(self, row: soap.Record, wanted: exchange.PublicFolder, what: str) -> None:
        ids = {"itemId": row.int("ItemId"), "accountId": row.int("AccountId")}
        if row.bool("MailEnabledPublicFolder"):
            self._client.number(c.EXCHANGE, "DisableMailPublicFolder", what=what, slow=True, **ids)
        if wanted.address:
            local, _, domain = wanted.address.partition("@")
            self._client.number(
                c.EXCHANGE, "EnableMailPublicFolder", what=what, slow=True, **ids, name=local, domain=domain
            )


def _kind(row: soap.Record) -> Any:
    return _KINDS.get(row.text("AccountType").lower(), "user")


def kind_of(row: soap.Record) -> str | None:
    """What kind of thing an account of an organization is, None for one we do not hold (a login, a group)."""
    name = row.text("AccountType").lower()
    return exchange.MAILBOX if name in _KINDS else _OTHERS.get(name)


def _path(row: soap.Record, code: str) -> str:
    """The folder's path within the organization: the platform keeps each one's folders below a folder of its code."""
    path = "\\" + row.text("DisplayName").replace("/", "\\").strip("\\")
    root = f"\\{code}\\"
    return path[len(root) - 1 :] if path.casefold().startswith(root.casefold()) else path


def _folder(row: soap.Record, code: str) -> exchange.PublicFolder:
    has_mail = row.bool("MailEnabledPublicFolder")
    address = _address(row) if has_mail else ""
    return exchange.PublicFolder(path=_path(row, code), address=address)


def _address(row: soap.Record) -> str:
    return row.text("PrimaryEmailAddress").strip().lower()


def _addresses(rows: list[soap.Record]) -> list[str]:
    """The addresses of these; groups without one are not told, and stay as they are."""
    return [_address(row) for row in rows if _address(row)]


def _names(rows: list[soap.Record]) -> list[tuple[str, str]]:
    return [("string", row.text("AccountName")) for row in rows]


def _ref(parent: contract.Ref, row: soap.Record) -> contract.Ref:
    return {
        "user": int(parent["user"]),
        "space": int(parent["space"]),
        "item": int(parent["item"]),
        "account": row.int("AccountId"),
    }


def _parent(target: contract.Target) -> contract.Ref:
    parent = target.parent or target.ref
    if parent is None:
        raise ValueError(f"{target.kind} {target.name} is looked for in an organization")
    return parent


def _what(target: contract.Target) -> str:
    words = {
        exchange.MAILBOX: "the mailbox",
        exchange.CONTACT: "the contact",
        exchange.DISTRIBUTION_LIST: "the list",
        exchange.PUBLIC_FOLDER: "the public folder",
    }
    return f"{words[target.kind]} {target.name}"


def _absent() -> contract.Observation:
    return contract.Observation(spec=None, ref=None)


def name_of(kind: str, row: soap.Record, code: str) -> str:
    """The identity of a row, in our form."""
    if kind == exchange.PUBLIC_FOLDER:
        return _path(row, code)
    return _address(row)


def _listed(kind: str, row: soap.Record, parent: contract.Ref, code: str) -> contract.Observation:
    """A thing as far as a list of accounts tells: a mailbox without size and features, a list without members."""
    address, name = name_of(kind, row, code), row.text("DisplayName")
    found: Any
    if kind == exchange.MAILBOX:
        plan = row.text("MailboxPlanId") if row.has("MailboxPlanId") else None
        found = exchange.Mailbox(address=address, display_name=name, kind=_kind(row), plan=plan)
    elif kind == exchange.CONTACT:
        found = exchange.Contact(address=address, display_name=name)
    elif kind == exchange.DISTRIBUTION_LIST:
        found = exchange.DistributionList(address=address, display_name=name)
    else:
        found = _folder(row, code)
    return contract.Observation(spec=found, ref=_ref(parent, row))

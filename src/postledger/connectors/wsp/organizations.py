"""Organizations and their mail domains.

Invariant: before an organization is touched its package and user were found to be ours; the service that holds
organizations does not check that itself in the older generations.

References: organization `{"user", "space", "item"}`, domain the same and `domain`.
"""

from postledger.connectors import contract
from postledger.connectors.wsp import accounts, codes, reseller, soap
from postledger.connectors.wsp import client as c
from postledger.resources import exchange, spec

KIB = 1024
_LIMITS = {
    "issue_warning_mib": "IssueWarningKB",
    "prohibit_send_mib": "ProhibitSendKB",
    "prohibit_send_receive_mib": "ProhibitSendReceiveKB",
}


class Organizations:
    """Reading and changing organizations and their domains."""

    def __init__(self, *, client: c.Client, ownership: reseller.Ownership) -> None:
        self._client = client
        self._own = ownership

    def of(self, ref: contract.Ref, *, what: str) -> soap.Record | None:
        """The organization a reference of it, or of something in it, names, once it was found to be ours."""
        return self._own.organization(
            int(ref["item"]), space_id=int(ref["space"]), user_id=int(ref["user"]), what=what
        )

    def held(self, ref: contract.Ref, *, what: str) -> soap.Record:
        """As `of`, for when it has to be there.

        Raises:
            TemporaryFailure: reason `vanished`.
        """
        found = self.of(ref, what=what)
        if found is None:
            raise codes.failure(code=-1, what=what)
        return found

    def in_space(self, ref: contract.Ref, *, what: str) -> list[soap.Record]:
        """The organizations of an account."""
        space_id = int(ref.get("space") or 0)
        if not space_id or self._own.space(space_id, user_id=int(ref["user"]), what=what) is None:
            return []
        found = self._client.records(
            c.ORGANIZATIONS, "GetOrganizations", what=what, packageId=space_id, recursive=False
        )
        return [organization for organization in found if organization.int("PackageId") == space_id]

    # --- organizations ----------------------------------------------------------------------------------------------

    def observe(self, *, target: contract.Target) -> contract.Observation:
        """The organization as it stands."""
        what = f"the organization {target.name}"
        if target.ref is not None:
            found = self.of(target.ref, what=what)
            return _absent() if found is None else observed(found, target.ref)
        parent = _parent(target)
        for found in self.in_space(parent, what=what):
            if found.text("OrganizationId").casefold() == target.name.casefold():
                return observed(found, parent)
        if self._client.has(c.ORGANIZATIONS, "CheckOrgIdExists") and self._client.truth(
            c.ORGANIZATIONS, "CheckOrgIdExists", what=what, orgId=target.name
        ):
            return contract.Observation(
                spec=exchange.Organization(code=target.name.lower()), ref=None, is_ours=False
            )
        return _absent()

    def apply(self, *, target: contract.Target, change: spec.Change) -> contract.Observation:
        """The organization after one step, read back."""
        what = f"the organization {target.name}"
        if change.action == "create":
            return self._create(target, change.spec, what)
        before = self.observe(target=target)
        if change.action == "delete":
            return self._delete(before, what)
        if not before.exists or before.ref is None:
            raise codes.failure(code=-1, what=what)
        self._set_limits(before, change.spec, what)
        after = self.observe(target=contract.Target(kind=target.kind, name=target.name, ref=before.ref))
        accounts.must_show(change, after, what)
        return after

    def _create(
        self, target: contract.Target, wanted: exchange.Organization, what: str
    ) -> contract.Observation:
        parent = _parent(target)
        found = self.observe(target=contract.Target(kind=target.kind, name=wanted.code, parent=parent))
        if found.exists and not found.is_ours:
            raise codes.failure(code=-2701, what=what)
        if not found.exists:
            space_id = int(parent.get("space") or 0)
            if not space_id or self._own.space(space_id, user_id=int(parent["user"]), what=what) is None:
                raise codes.failure(code=-300, what=what)
            try:
                self._client.number(
                    c.ORGANIZATIONS,
                    "CreateOrganization",
                    what=what,
                    slow=True,
                    packageId=space_id,
                    organizationID=wanted.code,
                    organizationName=wanted.name or wanted.code,
                    domainName_=wanted.domain or "",
                )
            except contract.TemporaryFailure:
                if not self.observe(
                    target=contract.Target(kind=target.kind, name=wanted.code, parent=parent)
                ).exists:
                    raise
            found = self.observe(target=contract.Target(kind=target.kind, name=wanted.code, parent=parent))
            if not found.exists or not found.is_ours:
                raise contract.TemporaryFailure(
                    f"{what[:1].upper()}{what[1:]} was made but does not show yet. It is looked at again.",
                    reason="not_shown",
                )
        rest = spec.changeset(kind=exchange.ORGANIZATION, desired=wanted, observed=found.spec)
        for step in rest.changes:
            found = self.apply(
                target=contract.Target(kind=target.kind, name=wanted.code, ref=found.ref, parent=parent),
                change=step,
            )
        return found

    def _set_limits(self, before: contract.Observation, wanted: exchange.Organization, what: str) -> None:
        assert before.ref is not None
        held = self.held(before.ref, what=what)
        values = {member: _kib(getattr(wanted, field), held.int(member)) for field, member in _LIMITS.items()}
        self._client.number(
            c.EXCHANGE,
            "SetOrganizationStorageLimits",
            what=what,
            slow=True,
            itemId=held.int("Id"),
            issueWarningKB=values["IssueWarningKB"],
            prohibitSendKB=values["ProhibitSendKB"],
            prohibitSendReceiveKB=values["ProhibitSendReceiveKB"],
            keepDeletedItemsDays=held.int("KeepDeletedItemsDays")
            if wanted.keep_deleted_days is None
            else wanted.keep_deleted_days,
            applyToMailboxes=False,
        )

    def _delete(self, before: contract.Observation, what: str) -> contract.Observation:
        if not before.exists:
            return _absent()
        if not before.is_ours or before.ref is None:
            raise reseller.foreign(what)
        clean = accounts.delete_organization(client=self._client, item_id=int(before.ref["item"]), what=what)
        return contract.Observation(
            spec=None, ref=None, facts={} if clean else {"problems": accounts.PROBLEMS}
        )

    # --- domains ----------------------------------------------------------------------------------------------------

    def domains(self, ref: contract.Ref, *, what: str) -> list[soap.Record]:
        """The mail domains of an organization that was found to be ours."""
        return self._client.records(
            c.ORGANIZATIONS, "GetOrganizationDomains", what=what, itemId=int(ref["item"])
        )

    def observe_domain(self, *, target: contract.Target) -> contract.Observation:
        """The mail domain as it stands."""
        what = f"the domain {target.name}"
        parent = target.parent or target.ref
        if parent is None:
            raise ValueError("a domain is looked for in an organization")
        if self.of(parent, what=what) is None:
            return _absent()
        for row in self.domains(parent, what=what):
            if row.text("DomainName").casefold() == target.name.casefold():
                return observed_domain(row, parent)
        has_rest = target.ref is not None and self._is_idle(
            int(target.ref.get("domain") or 0), int(parent["space"]), what
        )
        return contract.Observation(spec=None, ref=None, has_rest=has_rest)

    def apply_domain(self, *, target: contract.Target, change: spec.Change) -> contract.Observation:
        """The mail domain after one step, read back."""
        what = f"{target.name}"
        before = self.observe_domain(target=target)
        parent = target.parent or target.ref
        if change.action == "delete":
            return self._remove_domain(target, before, what)
        if parent is None or (change.action != "create" and not before.exists):
            raise codes.failure(code=-1, what=what)
        if not before.exists:
            self.held(parent, what=what)
            try:
                self._client.number(
                    c.ORGANIZATIONS,
                    "AddOrganizationDomain",
                    what=what,
                    slow=True,
                    itemId=int(parent["item"]),
                    domainName=change.spec.name,
                )
            except contract.TemporaryFailure:
                if not self.observe_domain(target=target).exists:
                    raise
            before = self.observe_domain(target=target)
            if not before.exists:
                raise contract.TemporaryFailure(
                    f"The domain {what} was added but does not show yet. It is looked at again.",
                    reason="not_shown",
                )
        if change.spec.is_default and not before.spec.is_default:
            assert before.ref is not None
            self._client.number(
                c.ORGANIZATIONS,
                "SetOrganizationDefaultDomain",
                what=what,
                itemId=int(parent["item"]),
                domainId=int(before.ref["domain"]),
            )
            before = self.observe_domain(target=target)
            if not before.exists or not before.spec.is_default:
                raise contract.TemporaryFailure(
                    f"The platform said done, but {what} is not the default domain yet. It is looked at again.",
                    reason="not_shown",
                )
        return before

    def _remove_domain(
        self, target: contract.Target, before: contract.Observation, what: str
    ) -> contract.Observation:
        if before.has_rest:
            assert target.ref is not None
            self._tidy(int(target.ref["domain"]), int(target.ref["space"]), what)
        if not before.exists or before.ref is None:
            return _absent()
        if before.spec.is_default:
            raise contract.PlatformRefusal(
                f"{what} is the default domain of its organization. Make another one the default, then remove it.",
                reason="domain_is_default",
            )
        domain_id = int(before.ref["domain"])
        code = self._client.raw_number(
            c.ORGANIZATIONS,
            "DeleteOrganizationDomain",
            what=what,
            slow=True,
            itemId=int(before.ref["item"]),
            domainId=domain_id,
        )
        if self.observe_domain(target=target).exists:
            if code == -1:
                raise contract.PlatformRefusal(
                    f"{what} is still used by an address. Remove or change the addresses that end in it, then repeat.",
                    reason="domain_in_use",
                )
            if code < 0:
                raise codes.failure(code=code, what=what)
            raise contract.TemporaryFailure(
                f"{what} was removed but still shows. It is looked at again.", reason="not_shown"
            )
        self._tidy(domain_id, int(before.ref["space"]), what)
        return _absent()

    def _tidy(self, domain_id: int, space_id: int, what: str) -> None:
        """Give the name free on the platform, unless something else of the account uses it."""
        if self._is_idle(domain_id, space_id, what):
            self._client.raw_number(c.SERVERS, "DeleteDomain", what=what, domainId=domain_id)

    def _is_idle(self, domain_id: int, space_id: int, what: str) -> bool:
        """True when the account holds the name and uses it for nothing else."""
        row = (
            self._client.record(c.SERVERS, "GetDomain", what=what, domainId=domain_id) if domain_id else None
        )
        if row is None or row.int("PackageId") != space_id:
            return False
        return all(row.int(member) <= 0 for member in ("ZoneItemId", "WebSiteId", "MailDomainId"))


def observed(found: soap.Record, parent: contract.Ref) -> contract.Observation:
    """An organization record as observation."""
    return contract.Observation(
        spec=organization_of(found),
        ref={"user": int(parent["user"]), "space": found.int("PackageId"), "item": found.int("Id")},
        facts={
            "name": found.text("Name"),
            "default_domain": found.text("DefaultDomain"),
            "has_exchange": bool(found.text("GlobalAddressList")),
        },
    )


def organization_of(found: soap.Record) -> exchange.Organization:
    """The record in our words. Limits that were never set, or that the release does not have, are no statement."""
    has_exchange = bool(found.text("GlobalAddressList"))
    limits = {
        field: _mib(found.int(member)) if has_exchange and found.has(member) else None
        for field, member in _LIMITS.items()
    }
    return exchange.Organization(
        code=found.text("OrganizationId").lower(),
        name=found.text("Name"),
        domain=found.text("DefaultDomain").lower() or None,
        keep_deleted_days=found.int("KeepDeletedItemsDays")
        if has_exchange and found.has("IssueWarningKB")
        else None,
        **limits,
    )


def observed_domain(row: soap.Record, parent: contract.Ref) -> contract.Observation:
    """A mail domain's record as observation."""
    return contract.Observation(
        spec=exchange.OrganizationDomain(
            name=row.text("DomainName").lower(), is_default=row.bool("IsDefault")
        ),
        ref={
            "user": int(parent["user"]),
            "space": int(parent["space"]),
            "item": int(parent["item"]),
            "domain": row.int("DomainId"),
        },
        facts={"is_host": row.bool("IsHost")},
    )


def _parent(target: contract.Target) -> contract.Ref:
    if target.parent is None:
        raise ValueError(f"{target.kind} {target.name} is looked for in an account")
    return target.parent


def _mib(kib: int) -> int:
    return exchange.UNLIMITED if kib < 0 else kib // KIB


def _kib(mib: int | None, present: int) -> int:
    if mib is None:
        return present
    return -1 if mib == exchange.UNLIMITED else mib * KIB


def _absent() -> contract.Observation:
    return contract.Observation(spec=None, ref=None)

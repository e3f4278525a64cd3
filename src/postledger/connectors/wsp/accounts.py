"""Accounts: a user of the platform and one package of his.

Invariant: every write is followed by a read; what the platform answers to the write alone is not believed. A user or
package that is not under our reseller account is never written to.

An account's reference is `{"user": id, "space": id}`; `space` is 0 while the user holds no package.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from postledger.connectors import contract
from postledger.connectors.wsp import client as c
from postledger.connectors.wsp import codes, paging, passwords, quotas, reseller, soap
from postledger.resources import exchange, meters, spec

POLL_S = 0.25
DELETED_WITH_PROBLEMS = -2706
PROBLEMS = "The platform reported problems while deleting; parts may remain on its servers. Check its log."

_PROFILE = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "company": "CompanyName",
    "phone": "PrimaryPhone",
    "street": "Address",
    "city": "City",
    "region": "State",
    "postcode": "Zip",
    "country": "Country",
}


class Accounts:
    """Reading and changing accounts."""

    def __init__(self, *, client: c.Client, ownership: reseller.Ownership) -> None:
        self._client = client
        self._own = ownership

    # --- reading ----------------------------------------------------------------------------------------------------

    def observe(self, *, target: contract.Target) -> contract.Observation:
        """The account as it stands, found by its ids or by its login name."""
        what = f"the account {target.name}"
        if target.ref is not None:
            return self._by_ref(target.ref, target.name, what)
        return self._by_name(target.name, what)

    def _by_ref(self, ref: contract.Ref, name: str, what: str) -> contract.Observation:
        user = self._own.user(int(ref["user"]), what=what)
        if user is None:
            return self._unseen(name, what)
        wanted = int(ref.get("space") or 0)
        packages = self.packages(user.int("UserId"), what=what)
        if not wanted:
            return self._observed(user, None, what) if not packages else self._chosen(user, packages, what)
        package = self._own.space(wanted, user_id=user.int("UserId"), what=what)
        if package is None and packages:
            return _absent()
        return self._observed(user, package, what)

    def _by_name(self, name: str, what: str) -> contract.Observation:
        user = self._client.record(c.USERS, "GetUserByUsername", what=what, username=name)
        if user is None:
            return self._unseen(name, what)
        if not self._own.is_ours(user):
            return _foreign(name)
        packages = self.packages(user.int("UserId"), what=what)
        if not packages:
            return self._observed(user, None, what)
        return self._chosen(user, packages, what)

    def _unseen(self, name: str, what: str) -> contract.Observation:
        """What a user we cannot see is: gone, or with somebody else."""
        if self._client.truth(c.USERS, "UserExists", what=what, username=name):
            return _foreign(name)
        return _absent()

    def _chosen(self, user: soap.Record, packages: list[soap.Record], what: str) -> contract.Observation:
        if len(packages) > 1:
            raise contract.NeedsOperator(
                f"{what[:1].upper()}{what[1:]} holds {len(packages)} subscriptions on the platform, and which of them is "
                "meant cannot be told. Link the right one under Adoption, or choose another user name here.",
                reason="ambiguous_account",
            )
        package = self._own.space(packages[0].int("PackageId"), user_id=user.int("UserId"), what=what)
        return self._observed(user, package, what)

    def packages(self, user_id: int, *, what: str) -> list[soap.Record]:
        """The packages a user holds himself, without nested ones."""
        found = self._client.records(c.PACKAGES, "GetMyPackages", what=what, userId=user_id)
        return [package for package in found if package.int("UserId") == user_id]

    def _observed(self, user: soap.Record, package: soap.Record | None, what: str) -> contract.Observation:
        addons = self._addons(package.int("PackageId"), what) if package is not None else {}
        found = account_of(
            user=user, package=package, addons={plan: count for plan, (count, _) in addons.items()}
        )
        if package is not None and package.bool("OverrideQuotas"):
            found = dataclasses.replace(found, quotas=self._ceilings(package, what).own())
        return contract.Observation(
            spec=found,
            ref={"user": user.int("UserId"), "space": package.int("PackageId") if package is not None else 0},
            facts=facts_of(user=user, package=package),
        )

    def _addons(self, space_id: int, what: str) -> dict[str, tuple[int, list[int]]]:
        """Add-on plan → how many in all, and the ids of the rows they are booked on."""
        tables = self._client.tables(c.PACKAGES, "GetPackageAddons", what=what, packageId=space_id)
        found: dict[str, tuple[int, list[int]]] = {}
        for row in tables[0] if tables else []:
            if row.int("StatusID", 1) != 1:
                continue
            plan = row.text("PlanID")
            count, rows = found.get(plan, (0, []))
            found[plan] = (count + row.int("Quantity", 1), [*rows, row.int("PackageAddonID")])
        return found

    # --- changing ---------------------------------------------------------------------------------------------------

    def apply(
        self, *, target: contract.Target, change: spec.Change, password: contract.Secret | None
    ) -> contract.Observation:
        """The account after one step, read back."""
        what = f"the account {target.name}"
        if change.action == "create":
            return self._create(change.spec, password, what)
        before = self.observe(target=target)
        if change.action == "delete":
            return self._delete(before, what) if before.exists else before
        if not before.exists:
            raise codes.failure(code=-1, what=what)
        if not before.is_ours or before.ref is None:
            raise reseller.foreign(what)
        field = change.fields[0].field
        if field == "addons":
            self._set_addon(before.ref, change, what)
        elif field == "plan":
            self._set_plan(before.ref, str(change.fields[0].after), what)
        elif field == "status":
            self._set_status(before.ref, str(change.fields[0].after), what)
        elif field == "quotas":
            wanted = change.spec.quotas or {}
            self._set_quotas(before.ref, wanted, what)
            after = self.observe(target=dataclasses.replace(target, ref=before.ref))
            return dataclasses.replace(after, spec=dataclasses.replace(after.spec, quotas=dict(wanted)))
        else:
            self._set_profile(int(before.ref["user"]), change, what)
        after = self.observe(target=contract.Target(kind=target.kind, name=target.name, ref=before.ref))
        must_show(change, after, what)
        return after

    def _create(
        self, wanted: exchange.Account, password: contract.Secret | None, what: str
    ) -> contract.Observation:
        found = self._by_name(wanted.username, what)
        if found.exists and not found.is_ours:
            raise codes.failure(code=-100, what=what)
        if not found.exists:
            self._run_wizard(wanted, password, what)
            found = self._by_name(wanted.username, what)
            if not found.exists or found.ref is None:
                raise contract.TemporaryFailure(
                    f"{what[:1].upper()}{what[1:]} was made but does not show yet. It is looked at again.",
                    reason="not_shown",
                )
        assert found.ref is not None
        target = contract.Target(kind=exchange.ACCOUNT, name=wanted.username, ref=found.ref)
        rest = spec.changeset(kind=exchange.ACCOUNT, desired=wanted, observed=found.spec)
        for step in rest.changes:
            found = self.apply(target=target, change=step, password=None)
            target = contract.Target(kind=exchange.ACCOUNT, name=wanted.username, ref=found.ref)
        return found

    def _run_wizard(self, wanted: exchange.Account, password: contract.Secret | None, what: str) -> None:
        if not wanted.plan:
            raise contract.PermanentFailure(f"No platform plan is named for {what}.", reason="no_plan")
        parent = self._plan(wanted.plan, what).int("PackageId") or self._parent(what)
        try:
            self._client.number(
                c.PACKAGES,
                "CreateUserWizard",
                what=what,
                parentPackageId=parent,
                username=wanted.username,
                password=password or passwords.fresh(),
                roleId=reseller.ROLE_USER,
                firstName=wanted.first_name or "",
                lastName=wanted.last_name or "",
                email=wanted.email or "",
                secondaryEmail="",
                htmlMail=True,
                sendAccountLetter=False,
                createPackage=True,
                planId=int(wanted.plan),
                sendPackageLetter=False,
                domainName="",
                tempDomain=False,
                createWebSite=False,
                createFtpAccount=False,
                ftpAccountName="",
                createMailAccount=False,
                hostName_="",
                createZoneRecord_=False,
            )
        except contract.TemporaryFailure:
            if not self._by_name(wanted.username, what).exists:
                raise

    def _plan(self, plan: str, what: str) -> soap.Record:
        if not plan.isdigit():
            raise contract.PermanentFailure(f"“{plan}” is not a plan of the platform.", reason="no_such_plan")
        found = self._client.record(c.PACKAGES, "GetHostingPlan", what=what, planId=int(plan))
        if found is None:
            raise contract.PermanentFailure(
                f"The platform has no plan {plan} any more. Map our plan to another one.",
                reason="no_such_plan",
            )
        if found.int("UserId") != self._own.me().user_id:
            raise contract.PermanentFailure(
                f"The platform's plan {found.text('PlanName')} is not ours to use. Map our plan to another one.",
                reason="plan_not_ours",
            )
        return found

    def _parent(self, what: str) -> int:
        packages = self.packages(self._own.me().user_id, what=what)
        if not packages:
            raise contract.NeedsOperator(
                "Our reseller account holds no subscription on the platform. Ask its operator for one.",
                reason="no_reseller_space",
            )
        return packages[0].int("PackageId")

    def _set_profile(self, user_id: int, change: spec.Change, what: str) -> None:
        user = self._own.user(user_id, what=what)
        if user is None:
            raise codes.failure(code=-101, what=what)
        changed = soap.changed(user, {_PROFILE[d.field]: d.after for d in change.fields})
        self._client.number(c.USERS, "UpdateUser", what=what, user=changed)

    def _set_plan(self, ref: contract.Ref, plan: str, what: str) -> None:
        hosting_plan = self._plan(plan, what)
        space_id, user_id = int(ref.get("space") or 0), int(ref["user"])
        if not space_id:
            user = self._own.user(user_id, what=what)
            self._client.number(
                c.PACKAGES,
                "AddPackage",
                what=what,
                userId=user_id,
                planId=int(plan),
                packageName=hosting_plan.text("PlanName"),
                packageComments="",
                statusId=1,
                purchaseDate=user.text("Created") if user is not None else "2000-01-01T00:00:00",
            )
            return
        package = self._own.space(space_id, user_id=user_id, what=what)
        if package is None:
            raise codes.failure(code=-300, what=what)
        self._client.number(
            c.PACKAGES,
            "UpdatePackageLiteral",
            what=what,
            packageId=space_id,
            statusId=status_of(package),
            planId=int(plan),
            purchaseDate=_zoneless(package.text("PurchaseDate")),
            packageName=package.text("PackageName"),
            packageComments=package.text("PackageComments"),
        )

    def _set_status(self, ref: contract.Ref, status: str, what: str) -> None:
        name = "Active" if status == "active" else "Suspended"
        user_id, space_id = int(ref["user"]), int(ref.get("space") or 0)
        user = self._own.user(user_id, what=what)
        if user is None:
            raise codes.failure(code=-101, what=what)
        alone = [package.int("PackageId") for package in self.packages(user_id, what=what)] in (
            [space_id],
            [],
        )
        number = reseller.USER_ACTIVE if status == "active" else reseller.USER_SUSPENDED
        if (alone or status == "active") and reseller.status_of(user) != number:
            self._client.number(c.USERS, "ChangeUserStatus", what=what, userId=user_id, status=name)
            user = self._own.user(user_id, what=what)
            if user is None or reseller.status_of(user) != number:
                raise contract.TemporaryFailure(
                    f"The platform said done, but {what} still has another status. It is looked at again.",
                    reason="not_shown",
                    retry_after_s=120,
                )
        package = self._own.space(space_id, user_id=user_id, what=what) if space_id else None
        if package is not None and status_of(package) != number:
            self._client.number(c.PACKAGES, "ChangePackageStatus", what=what, packageId=space_id, status=name)

    def _set_addon(self, ref: contract.Ref, change: spec.Change, what: str) -> None:
        space_id = int(ref.get("space") or 0)
        if not space_id:
            raise codes.failure(code=-300, what=what)
        difference = change.fields[0]
        plan, wanted = str(difference.member), int(difference.after or 0)
        have, rows = self._addons(space_id, what).get(plan, (0, []))
        if wanted == have:
            return
        if wanted > have:
            self._plan(plan, what)
            self._client.number(
                c.PACKAGES,
                "AddPackageAddonById",
                what=what,
                packageId=space_id,
                addonPlanId=int(plan),
                quantity=wanted - have,
            )
            return
        for row_id in rows:
            row = self._client.record(c.PACKAGES, "GetPackageAddon", what=what, packageAddonId=row_id)
            if row is None or row.int("PackageId") != space_id:
                continue
            quantity = row.int("Quantity", 1)
            over = have - wanted
            if over <= 0:
                return
            if quantity <= over:
                self._client.number(c.PACKAGES, "DeletePackageAddon", what=what, packageAddonId=row_id)
                have -= quantity
            else:
                self._client.number(
                    c.PACKAGES,
                    "UpdatePackageAddonLiteral",
                    what=what,
                    packageAddonId=row_id,
                    planId=int(plan),
                    quantity=quantity - over,
                    statusId=1,
                    purchaseDate=_zoneless(row.text("PurchaseDate")),
                    comments=row.text("Comments"),
                )
                have = wanted

    # --- quotas -----------------------------------------------------------------------------------------------------

    def _ceilings(self, package: soap.Record, what: str) -> quotas.Ceilings:
        counts = {plan: count for plan, (count, _) in self._addons(package.int("PackageId"), what).items()}
        return quotas.read(client=self._client, package=package, addons=counts, what=what)

    def _set_quotas(self, ref: contract.Ref, wanted: Mapping[str, int], what: str) -> None:
        """Write the whole set of own ceilings; a package without any follows its plan again.

        Raises:
            NeedsOperator: reason `reseller_quota`: our reseller account itself may not give out as much.
        """
        quotas.known(wanted)
        package = self._held(ref, what)
        ceilings = self._ceilings(package, what)
        if package.bool("OverrideQuotas") == bool(wanted) and not ceilings.wrong(wanted):
            return
        below = ceilings.below_addons(wanted)
        if below:
            title = meters.METERS[below].title.lower() if below in meters.METERS else below
            raise contract.NeedsOperator(
                f"The add-ons of {what} on the platform bring more of “{title}” than is sold. Remove add-ons there, or "
                "sell more.",
                reason="ceiling_below_addons",
            )
        interface = self._client.interface(c.PACKAGES)
        assert interface is not None, "it answered before"
        written = ceilings.written(package, wanted, interface.members)
        self._client.number(c.PACKAGES, "UpdatePackage", what=what, package=written)
        after = self._ceilings(self._held(ref, what), what)
        wrong = after.wrong(wanted)
        if any(after.is_capped_above(meter, wanted.get(meter, 0)) for meter in wrong):
            raise codes.failure(code=-305, what=what)
        if wrong:
            raise contract.TemporaryFailure(
                f"The platform said done, but {what} still shows another ceiling of {wrong[0]}. It is looked at again.",
                reason="not_shown",
                retry_after_s=120,
            )

    def _held(self, ref: contract.Ref, what: str) -> soap.Record:
        package = self._own.space(int(ref.get("space") or 0), user_id=int(ref["user"]), what=what)
        if package is None:
            raise codes.failure(code=-300, what=what)
        return package

    # --- ending -----------------------------------------------------------------------------------------------------

    def _delete(self, found: contract.Observation, what: str) -> contract.Observation:
        """Organizations one by one, then the package, then the user when nothing else hangs on it."""
        if not found.is_ours or found.ref is None:
            raise reseller.foreign(what)
        user_id, space_id = int(found.ref["user"]), int(found.ref.get("space") or 0)
        problems = False
        if space_id and self._own.space(space_id, user_id=user_id, what=what) is not None:
            for organization in self._client.records(
                c.ORGANIZATIONS, "GetOrganizations", what=what, packageId=space_id, recursive=False
            ):
                if not delete_organization(client=self._client, item_id=organization.int("Id"), what=what):
                    problems = True
            self._client.number(c.PACKAGES, "DeletePackage", what=what, packageId=space_id)
            self._wait(
                lambda: self._client.record(c.PACKAGES, "GetPackage", what=what, packageId=space_id) is None,
                what,
            )
        gone = contract.Observation(spec=None, ref=None, facts={"problems": PROBLEMS} if problems else {})
        if self.packages(user_id, what=what):
            return gone
        user = self._own.user(user_id, what=what)
        if user is not None:
            self._client.number(c.USERS, "DeleteUser", what=what, userId=user_id)
            self._wait(
                lambda: self._client.record(c.USERS, "GetUserById", what=what, userId=user_id) is None, what
            )
        return gone

    def _wait(self, is_done: Callable[[], bool], what: str) -> None:
        wait(is_done, limit_s=self._client.settings.settle_s, what=what)

    # --- looking around ---------------------------------------------------------------------------------------------

    def find(self, *, username: str, email: str) -> tuple[contract.Candidate, ...]:
        """Candidates with exactly that login name or mail address."""
        what = f"the account {username or email}"
        found: dict[int, soap.Record] = {}
        foreign: list[str] = []
        if username:
            user = self._client.record(c.USERS, "GetUserByUsername", what=what, username=username)
            if user is not None and self._own.is_ours(user):
                found[user.int("UserId")] = user
            elif user is not None or self._client.truth(c.USERS, "UserExists", what=what, username=username):
                foreign.append(username)
        if email:
            me = self._own.me().user_id
            for row in paging.users(client=self._client, owner_id=me, column="Email", value=email, what=what):
                if row.bool("IsPeer"):
                    continue
                if row.int("OwnerID") == me:
                    user = self._own.user(row.int("UserID"), what=what)
                    if user is not None:
                        found[row.int("UserID")] = user
                else:
                    foreign.append(row.text("Username"))
        candidates = [candidate for user in found.values() for candidate in self.candidates(user)]
        candidates += [
            contract.Candidate(
                kind=exchange.ACCOUNT,
                name=name,
                ref={},
                spec=exchange.Account(username=name.lower()),
                is_ours=False,
            )
            for name in foreign
        ]
        return tuple(candidates)

    def candidates(self, user: soap.Record) -> list[contract.Candidate]:
        """One candidate for each package of a user of ours, or one for the bare user."""
        what = f"the account {user.text('Username')}"
        packages: list[soap.Record | None] = list(self.packages(user.int("UserId"), what=what))
        found = []
        for package in packages or [None]:
            addons = self._addons(package.int("PackageId"), what) if package is not None else {}
            found.append(
                contract.Candidate(
                    kind=exchange.ACCOUNT,
                    name=user.text("Username").lower(),
                    ref={
                        "user": user.int("UserId"),
                        "space": package.int("PackageId") if package is not None else 0,
                    },
                    spec=account_of(
                        user=user, package=package, addons={p: n for p, (n, _) in addons.items()}
                    ),
                    is_ours=True,
                    facts=facts_of(user=user, package=package),
                )
            )
        return found

    def set_password(self, *, target: contract.Target, password: contract.Secret) -> soap.Record:
        """The user after his password was changed."""
        what = f"the account {target.name}"
        found = self.observe(target=target)
        if not found.exists or found.ref is None:
            raise codes.failure(code=-101, what=what)
        if not found.is_ours:
            raise reseller.foreign(what)
        user = self._own.user(int(found.ref["user"]), what=what)
        if user is None:
            raise codes.failure(code=-101, what=what)
        self._client.number(
            c.USERS, "ChangeUserPassword", what=what, userId=user.int("UserId"), password=str(password)
        )
        return user


def account_of(
    *, user: soap.Record, package: soap.Record | None, addons: Mapping[str, int]
) -> exchange.Account:
    """User and package as an account; everything the platform holds is stated, also what is empty."""
    statuses = {reseller.status_of(user), status_of(package) if package is not None else reseller.USER_ACTIVE}
    return exchange.Account(
        username=user.text("Username").lower(),
        **{field: user.text(member) for field, member in _PROFILE.items()},
        plan=package.text("PlanId") if package is not None else "",
        addons=dict(addons),
        quotas={},
        status="active" if statuses == {reseller.USER_ACTIVE} else "suspended",
    )


def facts_of(*, user: soap.Record, package: soap.Record | None) -> dict[str, Any]:
    """What the operator's page shows beside the account."""
    facts: dict[str, Any] = {
        "user_status": reseller.status_of(user),
        "created": _zoneless(user.text("Created")),
    }
    if package is not None:
        facts["space_name"] = package.text("PackageName")
        facts["space_status"] = status_of(package)
    if user.int("MfaMode") > 0:
        facts["second_factor"] = True
    return facts


def status_of(package: soap.Record) -> int:
    """The package's status number."""
    return package.int("StatusId") or package.int("StatusID")


def delete_organization(*, client: c.Client, item_id: int, what: str) -> bool:
    """True once the organization is gone without a trace, False when parts of it may remain on the platform's servers.

    Raises:
        TemporaryFailure: it still shows.
    """
    code = client.raw_number(c.ORGANIZATIONS, "DeleteOrganization", what=what, slow=True, itemId=item_id)
    gone = client.record(c.ORGANIZATIONS, "GetOrganization", what=what, itemId=item_id) is None
    if code < 0 and not (gone and code == DELETED_WITH_PROBLEMS):
        raise codes.failure(code=code, what=what)
    if not gone:
        raise contract.TemporaryFailure(
            f"{what[:1].upper()}{what[1:]} is still being deleted. It is looked at again.",
            reason="still_working",
            retry_after_s=60,
        )
    return code >= 0


def wait(is_done: Callable[[], bool], *, limit_s: float, what: str) -> None:
    """Nothing, once it is so.

    Raises:
        TemporaryFailure: reason `still_working`: not within the limit; the work goes on over there.
    """
    end = time.monotonic() + limit_s
    pause = POLL_S
    while not is_done():
        if time.monotonic() + pause > end:
            raise contract.TemporaryFailure(
                f"The platform is still working on {what}. It will be looked at again.",
                reason="still_working",
                retry_after_s=60,
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 3.0)


def must_show(change: spec.Change, after: contract.Observation, what: str) -> None:
    """Nothing, when what was written can be read.

    Raises:
        TemporaryFailure: reason `not_shown`: the platform said done and shows something else.
    """
    if after.spec is None:
        raise codes.failure(code=-1, what=what)
    left = spec.changeset(kind=change.kind, desired=change.spec, observed=after.spec)
    concerned = {(d.field, d.member) for d in change.fields}
    for step in left.changes:
        for d in step.fields:
            if (d.field, d.member) in concerned:
                raise contract.TemporaryFailure(
                    f"The platform said done, but {what} still shows another {d.field.replace('_', ' ')}. It is looked at "
                    "again.",
                    reason="not_shown",
                    retry_after_s=120,
                )


def _absent() -> contract.Observation:
    return contract.Observation(spec=None, ref=None)


def _foreign(name: str) -> contract.Observation:
    return contract.Observation(spec=exchange.Account(username=name.lower()), ref=None, is_ours=False)


def _zoneless(text: str) -> str:
    """The instant as the server means it: some of its tables add an offset that its objects do not have."""
    for position in range(10, len(text)):
        if text[position] in "+Z" or (text[position] == "-" and position > 10):
            return text[:position]
    return text

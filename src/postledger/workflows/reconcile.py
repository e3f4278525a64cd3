"""Make hosted things as they are wished: look, compare, brake, apply step by step, read back, record.

Invariant: what happened before is found, not remembered. Whatever a call answered, and also when it did not, the next
round looks again; a thing is recorded as done only when it was read back from the platform.
"""

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.connectors import contract
from postledger.core.errors import NeedsOperator, Refusal
from postledger.provisioning import operations, queries, zones
from postledger.provisioning.types import Claim, ResourceView
from postledger.resources import dns, exchange, names, spec
from postledger.workflows import (
    _brakes,
    _closing,
    _contents,
    _lease,
    _needs,
    _platform,
    begin_exchange,
    end_exchange,
)

log = logging.getLogger(__name__)

_PASSES = 4  # a creation may need further steps, each of which is read back
_NAMES_TRIED = 20
_NAME_TAKEN = frozenset({"username_taken", "organization_code_taken"})


@dataclass(frozen=True)
class Round:
    """What one round did: numbers of trees worked on and of things settled, left for later, and stopped."""

    trees: int = 0
    settled: int = 0
    later: int = 0
    stopped: int = 0

    def __add__(self, other: "Round") -> "Round":
        return Round(
            *(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True))
        )


class _Unusable(Exception):
    """The connection cannot be used now; the rest of the round is left."""


def reconcile(
    *, now: dt.datetime, most: int = 20, lease_s: float = 60, connection_id: int | None = None
) -> Round:
    """One round over due trees of hosted things; any number of workers may run rounds at the same time.

    Args:
        most: how many trees at most.
        lease_s: after this time the trees of a killed worker go to another.
    """
    done = Round()
    claims = operations.claim_due(now=now, most=most, lease_s=lease_s, connection_id=connection_id)
    by_connection: dict[int, list[Claim]] = {}
    for claim in claims:
        by_connection.setdefault(claim.connection_id, []).append(claim)
    for connection, theirs in by_connection.items():
        cause = _platform.Cause(actor="system", purpose="reconcile", now=now)
        brake = _brakes.mass_brake(connection_id=connection, now=now)
        try:
            with _platform.platform(connection_id=connection, cause=cause) as session:
                while theirs:
                    claim = theirs.pop(0)
                    work = _Tree(session, cause, claim, now=now, lease_s=lease_s, brake=brake)
                    with _lease.held(claim=claim, lease_s=lease_s):
                        done += work.run()
                operations.record_connection_ok(connection_id=connection)
        except (_Unusable, Refusal, NeedsOperator, contract.Failure) as error:
            if not isinstance(error, _Unusable) and not _platform.is_known(error):
                operations.record_connection_failure(
                    connection_id=connection, words=str(error), is_permanent=True, now=now
                )
            for claim in theirs:
                operations.release(claim=claim)
    return done


class _Tree:
    """One claimed tree, worked through once from its removals to its root, branches and leaves."""

    def __init__(
        self,
        session: Any,
        cause: _platform.Cause,
        claim: Claim,
        *,
        now: dt.datetime,
        lease_s: float,
        brake: _brakes.Brake,
    ) -> None:
        self.session = session
        self.cause = cause
        self.claim = claim
        self.now = now
        self.lease_s = lease_s
        self.brake = brake

    def run(self) -> Round:
        """Works on what is due until nothing is, each wish once."""
        done = Round(trees=1)
        worked: set[tuple[int, int]] = set()
        while True:
            by_id = {entry.id: entry for entry in queries.tree(root_id=self.claim.root_id)}
            due = [entry for entry in by_id.values() if self._is_due(entry, worked)]
            if not due:
                return done
            for entry in sorted(due, key=lambda candidate: _turn(candidate, by_id)):
                fresh = _refresh(by_id, entry.id)
                if fresh is None or not self._is_due(fresh, worked):
                    continue
                worked.add((fresh.id, fresh.generation))
                try:
                    done += self._one(fresh, by_id)
                except operations.LostLease:
                    log.warning("tree %s was taken over by another worker", self.claim.root_id)
                    return done
                _refresh(by_id, fresh.id)

    def _is_due(self, entry: ResourceView, worked: set[tuple[int, int]]) -> bool:
        is_due = entry.due_at is not None and entry.due_at <= self.now
        return is_due and (entry.id, entry.generation) not in worked

    def _one(self, entry: ResourceView, by_id: dict[int, ResourceView]) -> Round:
        self.cause.resource_id = entry.id
        self.cause.actor = entry.wished_by
        try:
            if entry.is_wanted:
                return self._make(entry, by_id)
            return self._remove(entry, by_id)
        except operations.LostLease:
            raise
        except contract.TemporaryFailure as error:
            self._retry(entry, str(error), error.retry_after_s, error.reason)
            if _platform.note_failure(connection_id=entry.connection_id, error=error, now=self.now):
                raise _Unusable from error
            return Round(later=1)
        except Refusal as error:
            return self._stop(entry, "refused", str(error), error.reason)
        except (contract.PermanentFailure, NeedsOperator) as error:
            if _platform.note_failure(connection_id=entry.connection_id, error=error, now=self.now):
                self._retry(entry, str(error), 0, error.reason)
                raise _Unusable from error
            return self._stop(entry, "needs_operator", str(error), error.reason)
        except _platform.CallInTransaction:
            raise
        except Exception:
            log.exception("%s %s could not be worked on", entry.kind, entry.key)
            self._retry(entry, "Something went wrong on our side. It is tried again by itself.", 300)
            return Round(later=1)

    # --- wanted -----------------------------------------------------------------------------------------------------

    def _make(self, entry: ResourceView, by_id: dict[int, ResourceView]) -> Round:
        parent = by_id.get(entry.parent_id) if entry.parent_id is not None else None
        if entry.parent_id is not None and (parent is None or not parent.reference):
            words = "Waits for what contains it." if parent is None else f"Waits for {queries.title(parent)}."
            operations.record_waiting(claim=self.claim, resource_id=entry.id, words=words)
            return Round(later=1)
        wish = spec.load(kind=entry.kind, data=entry.desired)
        needs = _needs.of(entry=entry, wish=wish, tree=by_id.values())
        if needs.first:
            words = f"Waits for {queries.title(needs.first[0])}."
            operations.record_waiting(claim=self.claim, resource_id=entry.id, words=words)
            return Round(later=1)
        if needs.later:
            wish = dataclasses.replace(wish, members=wish.members - {other.key for other in needs.later})
        target = _target(entry, parent)
        found = self.session.observe(target=target)
        if not found.exists and entry.reference and entry.observed is not None and not entry.may_adopt:
            return self._missing(entry)
        if not entry.reference:
            renamed = self._named(entry, found, parent)
            if renamed is not None:
                return renamed
        is_nightly = entry.generation == entry.observed_generation
        was_created = False
        for _ in range(_PASSES):
            if found.exists and not found.is_ours:
                raise contract.ForeignObject(
                    f"{queries.title(entry)} exists on the platform and belongs to somebody else."
                )
            if found.exists:
                target = dataclasses.replace(target, ref=found.ref)
                if dict(found.ref or {}) != dict(entry.reference):
                    operations.record_reference(
                        claim=self.claim, resource_id=entry.id, reference=found.ref or {}
                    )
            planned = spec.changeset(kind=entry.kind, desired=wish, observed=found.spec)
            if planned.is_empty:
                break
            if is_nightly and not entry.may_adopt:
                words = "; ".join(change.words() for change in planned.changes)
                words = f"It was changed on the platform. To put right: {words}."
                return self._stop(entry, "drifted", words, "changed_there")
            if planned.takes_away and not entry.is_confirmed:
                self.brake.require_passed(self.claim.root_id)
            for change in planned.changes:
                if change.action == "create":
                    was_created = True
                    operations.mark_creating(claim=self.claim, resource_id=entry.id, now=self.now)
                else:
                    operations.renew(claim=self.claim, lease_s=self.lease_s)
                try:
                    found = self.session.apply(target=target, change=change)
                except contract.PlatformRefusal as refusal:
                    if change.action == "create" and refusal.reason in _NAME_TAKEN:
                        return self._renamed(entry)
                    raise
                if found.exists:
                    target = dataclasses.replace(target, ref=found.ref)
        else:
            raise contract.TemporaryFailure(
                f"{queries.title(entry)} does not show on the platform as it was ordered. It is looked at again.",
                reason="not_settled",
                retry_after_s=120,
            )
        is_taken_over = entry.observed is None and entry.creating_since is None and not was_created
        if entry.kind == exchange.ORGANIZATION and is_taken_over and parent is not None:
            self._take_over_contents(entry, parent)
        if entry.kind == exchange.ORGANIZATION and entry.observed is None:
            self._bill(begin_exchange.begin_exchange, entry)
        if needs.later:
            words = f"Waits for {queries.title(needs.later[0])}; the other members are in it."
            operations.record_waiting(claim=self.claim, resource_id=entry.id, words=words)
            return Round(later=1)
        operations.record_found(
            claim=self.claim,
            resource_id=entry.id,
            generation=entry.generation,
            observed=found.spec,
            reference=found.ref or {},
            now=self.now,
        )
        if entry.kind == exchange.DOMAIN:
            _plan_mail(entry.key, self.now)
        for other in _needs.waiting_for(entry=entry, tree=by_id.values()):
            operations.wake(claim=self.claim, resource_id=other.id, now=self.now)
        return Round(settled=1)

    def _missing(self, entry: ResourceView) -> Round:
        raise NeedsOperator(
            f"{queries.title(entry)} is no longer on the platform. It was not removed here. Find out why, then confirm "
            "that it is to be made anew, or cancel it.",
            reason="vanished",
        )

    def _named(
        self, entry: ResourceView, found: contract.Observation, parent: ResourceView | None
    ) -> Round | None:
        """None when the thing may be made or taken over under its name; else what was done instead."""
        if found.exists and found.is_ours:
            self._require_adoptable(entry, found)
            return None
        if found.exists:
            return self._renamed(entry)
        if entry.creating_since is None and not entry.may_adopt:
            if entry.kind == exchange.ACCOUNT:
                return self._linked(entry)
            if entry.kind == exchange.ORGANIZATION and parent is not None and parent.is_linked:
                return self._linked_organization(entry, parent)
        return None

    def _require_adoptable(self, entry: ResourceView, found: contract.Observation) -> None:
        """Nothing, when what was found under the name is this customer's: we set out to make it, an operator said so,
        it lies in what is his, or his proved e-mail address stands in it.

        Raises:
            NeedsOperator: nothing of this speaks for it.
        """
        holder = queries.by_reference(
            connection_id=entry.connection_id,
            kind=entry.kind,
            reference=dict(found.ref or {}),
            but_not=entry.id,
        )
        if holder is not None:
            raise NeedsOperator(
                f"{queries.title(entry)} on the platform is linked to another account here. Choose another name.",
                reason="held_by_another",
            )
        if entry.may_adopt or entry.creating_since is not None or entry.kind != exchange.ACCOUNT:
            return
        proved = _proved_email(entry.account_id)
        if proved and str(found.spec.email or "").casefold() == proved:
            return
        raise NeedsOperator(
            f"An account {entry.key} exists on the platform already, with another e-mail address. Confirm that it "
            "belongs to this customer, or choose another user name.",
            reason="confirm_adoption",
        )

    def _linked(self, entry: ResourceView) -> Round | None:
        """What was done to link an account that exists under another name with the customer's e-mail; else None."""
        proved = _proved_email(entry.account_id)
        if not proved:
            return None
        ours = [
            candidate
            for candidate in self.session.find_accounts(email=proved)
            if candidate.is_ours
            and queries.by_reference(
                connection_id=entry.connection_id,
                kind=entry.kind,
                reference=dict(candidate.ref),
                but_not=entry.id,
            )
            is None
        ]
        if not ours:
            return None
        if len(ours) > 1:
            listed = ", ".join(sorted(candidate.name for candidate in ours))
            raise NeedsOperator(
                f"Several accounts on the platform have the e-mail address {proved}: {listed}. Say which one belongs to "
                "this customer.",
                reason="several_accounts",
            )
        wish = spec.load(kind=entry.kind, data=entry.desired)
        kept = ours[0].spec.plan if ours[0].spec.plan in _offered(entry) else wish.plan
        operations.link_existing(
            resource_id=entry.id,
            key=ours[0].name.lower(),
            desired=exchange.Account(
                username=ours[0].name.lower(), plan=kept, quotas=wish.quotas, status=wish.status
            ),
            now=self.now,
            actor=entry.wished_by,
        )
        return Round()

    def _linked_organization(self, entry: ResourceView, account: ResourceView) -> Round | None:
        """What was done to take over the organization a linked account has already; None when it has none."""
        held = self.session.inside(target=_target(account, None))
        organizations = [found for found in held if found.kind == exchange.ORGANIZATION]
        wish = spec.load(kind=entry.kind, data=entry.desired)
        with_domain = {
            found.parent_name for found in held if found.kind == exchange.DOMAIN and found.name == wish.domain
        }
        chosen = [found for found in organizations if found.name in with_domain] or organizations
        if not chosen:
            return None
        if len(chosen) > 1:
            listed = ", ".join(sorted(found.name for found in chosen))
            raise NeedsOperator(
                f"The account {account.key} has several organizations on the platform: {listed}. Say which one is meant.",
                reason="several_organizations",
            )
        operations.link_existing(
            resource_id=entry.id,
            key=chosen[0].name,
            desired=exchange.Organization(code=chosen[0].name),
            now=self.now,
            actor=entry.wished_by,
        )
        return Round()

    def _take_over_contents(self, entry: ResourceView, account: ResourceView) -> None:
        """Everything in a linked organization is held here too, as it is, and not changed there."""
        found = self.session.inside(target=_target(account, None))
        _contents.hold(organization=entry, found=found, now=self.now, actor=entry.wished_by)

    def _renamed(self, entry: ResourceView) -> Round:
        """Another name for a thing whose name somebody else has on the platform.

        Raises:
            ForeignObject: the name cannot be chosen by us.
        """
        wish = spec.load(kind=entry.kind, data=entry.desired)
        if entry.kind == exchange.ACCOUNT:
            name = f"{wish.username[:38]}-{entry.account_id}"
            changed = dataclasses.replace(wish, username=name)
            is_new = wish.username != name and not wish.username.endswith(f"-{entry.account_id}")
        elif entry.kind == exchange.ORGANIZATION:
            tried = frozenset({wish.code}) | queries.taken_keys(
                connection_id=entry.connection_id, kind=entry.kind
            )
            name = names.suggest_organization_code(text=wish.code, taken=tried)
            changed = dataclasses.replace(wish, code=name)
            is_new = entry.generation < _NAMES_TRIED
        else:
            is_new = False
        if not is_new:
            raise contract.ForeignObject(
                f"{queries.title(entry)} exists on the platform and belongs to somebody else."
            )
        operations.link_existing(
            resource_id=entry.id,
            key=name,
            desired=changed,
            now=self.now,
            actor=entry.wished_by,
            may_adopt=False,
        )
        return Round()

    # --- not wanted -------------------------------------------------------------------------------------------------

    def _remove(self, entry: ResourceView, by_id: dict[int, ResourceView]) -> Round:
        parent = by_id.get(entry.parent_id) if entry.parent_id is not None else None
        inside = [child for child in by_id.values() if child.parent_id == entry.id]
        if entry.kind == exchange.ACCOUNT and inside:
            operations.record_waiting(
                claim=self.claim,
                resource_id=entry.id,
                words=f"Waits until {queries.title(inside[0])} is removed.",
            )
            return Round(later=1)
        if parent is not None and parent.kind == exchange.ORGANIZATION and not parent.is_wanted:
            operations.record_waiting(
                claim=self.claim,
                resource_id=entry.id,
                words=f"Is removed with {queries.title(parent)}.",
            )
            return Round(later=1)
        was_never_made = not entry.reference and entry.creating_since is None
        if was_never_made or (entry.parent_id is not None and (parent is None or not parent.reference)):
            return self._gone(entry, inside)
        target = _target(entry, parent)
        found = self.session.observe(target=target)
        if found.exists and not found.is_ours:
            if entry.reference:
                raise contract.ForeignObject(
                    f"{queries.title(entry)} belongs to somebody else on the platform now."
                )
            return self._gone(entry, inside)
        planned = spec.changeset(kind=entry.kind, desired=None, observed=found.spec)
        if found.has_rest:
            rest = spec.Change(action="delete", kind=entry.kind, name=entry.key)
            planned = dataclasses.replace(planned, changes=(rest,))
        spec.brake_deletion(changeset=planned, is_cancelled=bool(entry.removal_reason) or entry.is_confirmed)
        if not planned.is_empty and not entry.is_confirmed:
            self.brake.require_passed(self.claim.root_id)
        if not planned.is_empty and entry.kind == exchange.ACCOUNT and not entry.is_confirmed:
            self._require_empty(entry, found)
        is_whole = entry.kind == exchange.ORGANIZATION and entry.last_read_at is None
        if not planned.is_empty and is_whole:
            _closing.take(session=self.session, account=by_id[entry.root_id], now=self.now)
            operations.record_last_reading(claim=self.claim, resource_id=entry.id, now=self.now)
        for change in planned.changes:
            operations.renew(claim=self.claim, lease_s=self.lease_s)
            found = self.session.apply(
                target=dataclasses.replace(target, ref=found.ref or target.ref), change=change
            )
        if found.exists:
            raise contract.TemporaryFailure(
                f"{queries.title(entry)} is being removed on the platform.",
                reason="not_settled",
                retry_after_s=60,
            )
        if entry.kind == exchange.ORGANIZATION:
            self._bill(end_exchange.end_exchange, entry)
        return self._gone(entry, inside)

    def _require_empty(self, entry: ResourceView, found: contract.Observation) -> None:
        """Nothing, when the account holds no organization we do not know of.

        Raises:
            NeedsOperator: it does, and all of it would be deleted with the account.
        """
        target = contract.Target(kind=entry.kind, name=entry.key, ref=found.ref)
        left = [
            item.name for item in self.session.inside(target=target) if item.kind == exchange.ORGANIZATION
        ]
        if left:
            raise NeedsOperator(
                f"The account {entry.key} holds more on the platform than is kept here: {', '.join(sorted(left))}. Confirm "
                "that all of it is to be deleted, or move it to another account there.",
                reason="holds_more",
            )

    def _gone(self, entry: ResourceView, inside: list[ResourceView]) -> Round:
        for child in inside:
            operations.record_gone(claim=self.claim, resource_id=child.id, now=self.now)
        operations.record_gone(claim=self.claim, resource_id=entry.id, now=self.now)
        if entry.parent_id is not None:
            operations.wake(claim=self.claim, resource_id=entry.parent_id, now=self.now)
        return Round(settled=1 + len(inside))

    def _bill(self, step: Callable[..., object], entry: ResourceView) -> None:
        """The subscription knows that the organization is there, or is gone; twice is once.

        Raises:
            contract.TemporaryFailure: its account waits for an operator; the thing waits with it.
        """
        if entry.subscription_id is None:
            return
        try:
            step(Viewer.system(), buyer_id=entry.account_id, now=self.now)
        except Refusal as refusal:
            raise contract.TemporaryFailure(
                f"{queries.title(entry)} waits for billing: {refusal}", reason="billing", retry_after_s=3600
            ) from refusal

    # --- how it ends ------------------------------------------------------------------------------------------------

    def _retry(self, entry: ResourceView, words: str, after_s: float, reason: str = "") -> None:
        operations.record_retry(
            claim=self.claim,
            resource_id=entry.id,
            words=words,
            now=self.now,
            retry_after_s=after_s,
            reason=reason,
        )

    def _stop(self, entry: ResourceView, condition: str, words: str, reason: str) -> Round:
        operations.record_stop(
            claim=self.claim,
            resource_id=entry.id,
            condition=condition,
            words=words,
            generation=entry.generation,
            now=self.now,
            reason=reason,
        )
        return Round(stopped=1)


def _refresh(by_id: dict[int, ResourceView], resource_id: int) -> ResourceView | None:
    """The thing as it stands now, in `by_id` as well; None, and out of it with all below it, when it is gone."""
    found = queries.one(resource_id)
    if found is not None:
        by_id[resource_id] = found
        return found
    by_id.pop(resource_id, None)
    for below in [entry.id for entry in by_id.values() if entry.parent_id == resource_id]:
        _refresh(by_id, below)
    return None


def _turn(entry: ResourceView, by_id: dict[int, ResourceView]) -> tuple[int, int, int]:
    """When a thing's turn comes: removals from the leaves up, then the rest from the root down, then whole
    organizations and accounts that go."""
    depth = queries.DEPTH.get(entry.kind, 3)
    if entry.kind == exchange.PUBLIC_FOLDER:
        depth += entry.key.count("\\")  # a folder comes after the one it lies in, and goes before it
    if entry.is_wanted:
        return (1, depth, entry.id)
    if depth >= 2:
        parent = by_id.get(entry.parent_id or 0)
        with_parent = parent is not None and not parent.is_wanted
        return (3 if with_parent else 0, -depth, entry.id)
    return (2, -depth, entry.id)


def _target(entry: ResourceView, parent: ResourceView | None) -> contract.Target:
    return contract.Target(
        kind=entry.kind,
        name=entry.key,
        ref=entry.reference or None,
        parent=parent.reference if parent is not None else None,
    )


def _proved_email(account_id: int) -> str:
    found = accounts.account(Viewer.system(), account_id)
    return found.email.casefold() if found.email_confirmed_at is not None else ""


def _offered(entry: ResourceView) -> frozenset[str]:
    """The platform plans this customer's seller has switched on, by the platform's id."""
    plans = queries.platform_plans(Viewer.system(), entry.connection_id)
    return frozenset(plan.reference for plan in plans if plan.offered_with and plan.scope == "account")


def _plan_mail(domain: str, now: dt.datetime) -> None:
    zone = queries.zone_for(domain=domain)
    if zone is None:
        return
    try:
        zones.plan_mail(zone_id=zone.id, now=now)
    except (dns.SpfTooManyLookups, dns.SpfAmbiguous) as error:
        zones.record_dns_check(zone_id=zone.id, found={}, words=str(error), now=now)

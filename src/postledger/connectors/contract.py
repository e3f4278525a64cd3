"""What a connector promises, whatever platform it talks to.

Invariant: a connector touches the network and nothing else. It keeps no state between sessions, reads no clock, and
after a write believes only what it has read back. Everything it hands out is a frozen value that can be stored as JSON.

A connector is a module-level object named in the entry-point group `postledger.connectors`. `open` gives a session:
a `Platform` (hosted Exchange) or a `DnsHost` (zones). Sessions may be used from several threads and are closed with
`close`, or as context managers.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Any, Literal, Protocol, Self, runtime_checkable

from postledger.core.errors import NeedsOperator, Refusal
from postledger.resources import dns, meters, spec

__all__ = [
    "CONTRACT_VERSION",
    "Addition",
    "Audit",
    "AuditEntry",
    "Candidate",
    "CheckLine",
    "CheckReport",
    "Connector",
    "DnsConnector",
    "DnsHost",
    "EstatePage",
    "ForeignObject",
    "Holding",
    "InventoryPage",
    "NeedsOperator",
    "Observation",
    "PermanentFailure",
    "Platform",
    "PlatformConnector",
    "PlatformPlan",
    "PlatformRefusal",
    "Reading",
    "Ref",
    "Secret",
    "SettingField",
    "SignOn",
    "Target",
    "TemporaryFailure",
    "UsageOutcome",
    "no_audit",
    "setting",
    "setting_fields",
]

CONTRACT_VERSION = 1

Ref = Mapping[str, Any]
"""A platform's own ids of a thing: opaque outside the connector, JSON-able, stored beside the resource."""


# --- failures -------------------------------------------------------------------------------------------------------


class Failure(Exception):
    """The outside did not do what was asked; see the three kinds below.

    Args:
        message: for the operator, in words; holds no secret.
        reason: stable lower-case code.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message


class TemporaryFailure(Failure):
    """It may work later without anybody doing anything; nothing is known about whether the work was done."""

    def __init__(self, message: str, *, retry_after_s: int = 60, reason: str = "temporary") -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class PermanentFailure(Failure):
    """It will not work before the wish or the connection's settings have changed."""

    def __init__(self, message: str, *, reason: str = "permanent") -> None:
        super().__init__(message, reason=reason)


class PlatformRefusal(Refusal):
    """The platform understood and refuses, for a reason the customer can do something about (name taken, limit)."""

    reason = "platform_refused"


class ForeignObject(NeedsOperator):
    """The thing exists on the platform and belongs to somebody else; it is never touched."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="belongs_to_someone_else")


# --- settings -------------------------------------------------------------------------------------------------------


class Secret(str):
    """Text that must not be shown: its `repr` hides it, so that it does not reach logs and tracebacks by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"


@dataclass(frozen=True, kw_only=True)
class SettingField:
    """One line of a connection form.

    Args:
        name: the settings dataclass' field.
        type: the field's Python type: `str`, `int`, `bool` or `Secret`.
        default: what to fill in; `None` when the field is required.
    """

    name: str
    label: str
    help: str
    type: type
    is_secret: bool
    is_required: bool
    default: Any


def setting(label: str, *, help: str = "", default: Any = dataclasses.MISSING) -> Any:
    """A dataclass field that says how it is shown in the connection form. Secrets are fields of type `Secret`."""
    return field(default=default, metadata={"label": label, "help": help})


def setting_fields(*, settings_class: type[Any]) -> tuple[SettingField, ...]:
    """The lines of the form for a connector's settings, in their order."""
    lines = []
    for entry in dataclasses.fields(settings_class):
        required = entry.default is dataclasses.MISSING
        kind = entry.type if isinstance(entry.type, type) else str
        lines.append(
            SettingField(
                name=entry.name,
                label=str(entry.metadata.get("label", entry.name)),
                help=str(entry.metadata.get("help", "")),
                type=kind,
                is_secret=kind is Secret,
                is_required=required,
                default=None if required else entry.default,
            )
        )
    return tuple(lines)


# --- audit ----------------------------------------------------------------------------------------------------------

Outcome = Literal["sent", "done", "refused", "failed", "unknown"]
"""`sent`: it is about to be made; stays when the process dies before the answer. `unknown`: the call ended without an
answer, so the work may or may not have been done."""


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One call that changes something on a platform, told twice: before it is made, as `sent`, and when it has ended.

    Args:
        number: the same both times, and of no other call of the session.
        operation: service and operation in the platform's words.
        request: what was sent, every secret replaced by `•••`.
        answer: what came back, in the same way.
        duration_s: from the first byte sent to the last received.
        detail: code or fault text of the platform when not done.
    """

    number: int
    operation: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    duration_s: float
    outcome: Outcome
    detail: str = ""


class Audit(Protocol):
    """Receives every changing call twice, also failed ones, in the thread that makes it.

    When it raises at the first of the two, the call is not made: nothing is changed without a trace.
    """

    def __call__(self, entry: AuditEntry, /) -> None: ...


def no_audit(entry: AuditEntry, /) -> None:
    """An audit that forgets; for reading sessions and tests."""


# --- hosted Exchange ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which thing is meant.

    Args:
        kind: a key of `resources.spec.KINDS`.
        name: its identity, as `resources.spec.name_of` gives it.
        ref: what the platform calls it, once known; without it the connector looks by name.
        parent: reference of the thing that contains it (`resources.exchange.PARENTS`); required unless that is `None`.
    """

    kind: str
    name: str
    ref: Ref | None = None
    parent: Ref | None = None


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What was found.

    Args:
        spec: `None` when the thing is not there.
        ref: the platform's ids; `None` exactly when `spec` is.
        is_ours: it lies under our reseller account on the platform. A thing that is not ours has no usable `ref`.
        has_rest: it is not there, but something that was made for it is; applying its deletion takes that away.
        facts: further figures in words, for the operator's page; JSON-able.
    """

    spec: Any
    ref: Ref | None
    is_ours: bool = True
    has_rest: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """True when the thing is there."""
        return self.spec is not None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A thing found on the platform that could be linked to one of ours.

    Args:
        kind, name, ref, spec, is_ours: as in `Target` and `Observation`.
        parent: reference of the containing thing.
        parent_name: its name, for showing.
    """

    kind: str
    name: str
    ref: Ref
    spec: Any
    is_ours: bool
    parent: Ref | None = None
    parent_name: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class InventoryPage:
    """Part of everything that lies under our reseller account.

    Args:
        cursor: hand it back to go on; `None` when this was the last page. JSON-able, good for days.
    """

    items: tuple[Candidate, ...]
    cursor: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Holding:
    """An account under our reseller account and what it holds, as far as lists tell; nothing was observed on its own.

    Args:
        account: its spec has names, e-mail, company, plan and status; no address, add-ons or quotas.
        organizations: in it, with their spec.
        domains: names of all domains of the account, mail or not, lower case.
        mailboxes: primary addresses of all its mailboxes, lower case.
        others: kind and name of each contact, distribution list and public folder.
    """

    account: Candidate
    organizations: tuple[Candidate, ...] = ()
    domains: tuple[str, ...] = ()
    mailboxes: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class EstatePage:
    """Part of the accounts under our reseller account.

    Args:
        cursor: hand it back to go on, also in another session; `None` when this was the last page.
        seen, total: how many users of the platform were gone over, and how many there are.
    """

    holdings: tuple[Holding, ...]
    cursor: Mapping[str, Any] | None
    seen: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What an add-on or plan holds of one thing: meter code and amount, `UNLIMITED` for no ceiling."""

    meter: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class PlatformPlan:
    """A plan the platform offers for accounts (or add-ons, or mailboxes).

    Args:
        id: goes into `Account.plan`, a key of `Account.addons`, or `Mailbox.plan`.
        scope: what it is for.
        is_available: the platform lets it be used for new accounts.
        limits: what it grants, as far as it could be read.
    """

    id: str
    name: str
    scope: Literal["account", "addon", "mailbox"]
    description: str = ""
    is_available: bool = True
    limits: tuple[Addition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One measurement.

    Args:
        meter: a key of `resources.meters.METERS`.
        value: in the meter's unit, never negative.
        taken_at: when the platform took the figure; aware, UTC. Older than the call where the platform keeps figures.
        how: measured, allocated or counted.
        source: operation it was read with, in the platform's words.
        is_stale: the platform could not be made to take a fresh figure within the limit.
    """

    meter: str
    value: Decimal
    unit: str
    taken_at: dt.datetime
    how: meters.How
    source: str
    is_stale: bool = False


@dataclass(frozen=True, kw_only=True)
class UsageOutcome:
    """The readings of one account, or why there are none.

    Args:
        target: the account or organization that was asked for.
        readings: one per meter that could be measured. A meter the platform cannot measure is not in it: no figure is
            not zero.
        unmeasurable: meter → why, in words.
        failure: set when the account could not be read at all; then there are no readings.
    """

    target: Target
    readings: tuple[Reading, ...] = ()
    unmeasurable: Mapping[str, str] = field(default_factory=dict)
    failure: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class CheckLine:
    """One finding of a connection check.

    Args:
        code: stable, such as `reachable`, `credentials`, `dialect`, `rights`, `plans`.
        state: `warning` works but wants attention, `failed` has to be repaired before the connection can be used.
        text: in words, with what to do.
    """

    code: str
    state: Literal["ok", "warning", "failed"]
    text: str


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """How a connection stands, in words.

    Args:
        product: the platform and its generation as found out, empty when not reached.
        lines: in the order they were looked at; looking stops after a line nothing can follow.
    """

    product: str
    lines: tuple[CheckLine, ...]

    @property
    def is_usable(self) -> bool:
        """True when nothing failed."""
        return all(line.state != "failed" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class SignOn:
    """A form that signs a customer on when a browser posts it at once. Its `repr` hides the values.

    Args:
        action: URL of the platform's portal, https unless the operator runs it otherwise.
        fields: form field → value, one of them a fresh password; never store, log or put into a URL.
        notice: what may stand in the way, in words (second factor), or empty.
    """

    action: str
    fields: Mapping[str, str] = field(repr=False)
    notice: str = ""


class Session(Protocol):
    """What every session can do."""

    def check(self) -> CheckReport:
        """How the connection stands; never raises for what the outside does."""
        ...

    def close(self) -> None:
        """Release sockets and threads; may be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


@runtime_checkable
class Platform(Session, Protocol):
    """A session with a platform that hosts Exchange.

    Every method may raise TemporaryFailure, PermanentFailure or NeedsOperator; changing ones also PlatformRefusal and
    ForeignObject.
    """

    def observe(self, *, target: Target) -> Observation:
        """What is there now: by `ref`, or by name when there is none (then it may be adopted if `is_ours`)."""
        ...

    def apply(self, *, target: Target, change: spec.Change, password: Secret | None = None) -> Observation:
        """What is there after one step of a changeset, read back.

        Before it creates it looks whether the thing exists, and takes it if it is ours. A step that is already done
        changes nothing.

        Args:
            password: for the creation of an account or mailbox; without one a random one is set and forgotten.
        Raises:
            TemporaryFailure: also when the platform answered *done* but it does not show yet.
        """
        ...

    def set_password(self, *, target: Target, password: Secret) -> None:
        """Give an account or mailbox a new password."""
        ...

    def find_accounts(self, *, username: str = "", email: str = "") -> tuple[Candidate, ...]:
        """Accounts with exactly this login name or mail address (case aside), ours and others', for linking."""
        ...

    def inventory(self, *, cursor: Mapping[str, Any] | None = None) -> InventoryPage:
        """One page of everything under our reseller account; ask again with the page's cursor until it is `None`."""
        ...

    def estate(self, *, cursor: Mapping[str, Any] | None = None) -> EstatePage:
        """One page of all accounts under our reseller account with what they hold, from few calls; goes on as `inventory`."""
        ...

    def inside(self, *, target: Target) -> tuple[Candidate, ...]:
        """Everything one account of ours contains: each organization, its domains, mailboxes, contacts, lists and folders.

        Args:
            target: the account, with its reference.
        """
        ...

    def list_plans(self) -> tuple[PlatformPlan, ...]:
        """Plans and add-ons our reseller account can give to accounts."""
        ...

    def list_mailbox_plans(self, *, target: Target) -> tuple[PlatformPlan, ...]:
        """Mailbox plans of an organization; empty where the platform has none."""
        ...

    def refresh_usage(self, *, targets: Sequence[Target]) -> tuple[UsageOutcome, ...]:
        """Ask the platform to take fresh disk figures, without waiting; outcomes hold failures only."""
        ...

    def read_usage(
        self,
        *,
        targets: Sequence[Target],
        now: dt.datetime,
        wait_s: float = 0,
        meters: frozenset[str] | None = None,
    ) -> Iterator[UsageOutcome]:
        """One outcome per target, as they come in, not in order; one that fails does not stop the others.

        Args:
            targets: accounts (their organizations are added up) or single organizations.
            now: the present instant.
            wait_s: ask for fresh disk figures first and wait at most that long for each to move.
            meters: read these only; without it all that cost no further calls. `exchange.activesync`, `space.disk` and
                `space.traffic` (of the current calendar month) are only read when named.
        """
        ...

    def prepare_sign_on(self, *, target: Target) -> SignOn:
        """A form that signs the customer on; sets a fresh random password on the account."""
        ...

    def dns_host(self, *, target: Target) -> "DnsHost":
        """The zones the platform itself hosts for an account."""
        ...


@runtime_checkable
class DnsHost(Session, Protocol):
    """A session with whatever publishes zones."""

    def zones(self) -> tuple[str, ...]:
        """Names of the zones it hosts for us, lower case, no trailing dot, sorted."""
        ...

    def read(self, *, zone: str, names: Sequence[str] = ()) -> tuple[dns.RecordSet, ...]:
        """The record sets of a zone, or of the given owner names only, in canonical form.

        Raises:
            PermanentFailure: reason `no_zone`; an answer without the zone is never an empty zone.
        """
        ...

    def ensure_zone(self, *, zone: str, name_servers: Sequence[str]) -> bool:
        """True when the zone was made, False when it was there already; what it holds is not looked at.

        Args:
            name_servers: host names for its NS records, at least one; used only when it is made.
        Raises:
            PermanentFailure: reason `not_supported`: zones are made by hand on this host.
        """
        ...

    def change(self, *, zone: str, changes: Sequence[dns.RecordChange]) -> tuple[dns.RecordSet, ...]:
        """The sets concerned as they stand afterwards, read back.

        Touches exactly the names and types of `changes`, and only while each still is as `before` says.

        Raises:
            TemporaryFailure: reason `zone_changed`: somebody else changed a set; read and plan again.
        """
        ...


class Connector(Protocol):
    """The object an entry point names.

    Attributes:
        code: stable; stored with each connection.
        title: words for the operator.
        contract_version: the version of this contract it was written for.
        kinds: resource kinds it serves.
        settings_class: frozen dataclass of `setting` fields.
    """

    code: str
    title: str
    contract_version: int
    kinds: frozenset[str]
    settings_class: type[Any]


class PlatformConnector(Connector, Protocol):
    """A connector for hosted Exchange."""

    def open(self, *, settings: Any, audit: Audit = no_audit) -> Platform:
        """A session; opens no socket yet."""
        ...


class DnsConnector(Connector, Protocol):
    """A connector for zones."""

    def open(self, *, settings: Any, audit: Audit = no_audit) -> DnsHost:
        """A session; opens no socket yet."""
        ...

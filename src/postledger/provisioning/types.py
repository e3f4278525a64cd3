"""What the other floors know about provisioning: frozen values, no rows and no secrets."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A seller's access to a platform, without its secrets.

    Attributes:
        condition: untested, ok, failing, blocked.
        words: how it stands, for the operator.
        mail: the records its mail domains need: `mx` [[preference, host]], `autodiscover` host, `spf` [mechanism]; of a
            connection to a DNS host, `name_servers` [host] for zones that are made there.
        report: the last check: `product` and `lines` of code, state, text.
    """

    id: int
    seller_id: int
    connector: str
    name: str
    settings: Mapping[str, Any]
    mail: Mapping[str, Any]
    is_enabled: bool
    condition: str
    words: str
    failures: int
    retry_at: dt.datetime | None
    checked_at: dt.datetime | None
    report: Mapping[str, Any]
    created_at: dt.datetime


Worth = tuple[tuple[str, int], ...]
"""Amounts by currency, in minor units."""


@dataclass(frozen=True, slots=True)
class DriftShare:
    """How many differences of a code there are, and what they are worth a month."""

    code: str
    count: int
    worth: Worth


@dataclass(frozen=True, slots=True)
class DriftSummary:
    """What the last walk over a platform found to be otherwise, counted, and when that was; `by_code`: dearest first."""

    at: dt.datetime | None
    count: int
    ignored: int
    worth: Worth
    by_code: tuple[DriftShare, ...]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens a session: all settings of a connection, secrets among them, and whether it may be used now.

    Its `repr` hides the settings.
    """

    connection_id: int
    seller_id: int
    connector: str
    name: str
    values: Mapping[str, Any] = field(repr=False)
    condition: str
    words: str
    retry_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PlatformPlanView:
    """A plan seen on a platform.

    Attributes:
        reference: the platform's own id.
        scope: account, addon or mailbox.
        limits: meter code → ceiling, -1 for none.
        offered_with: ids of our plans it is switched on for.
    """

    id: int
    connection_id: int
    reference: str
    name: str
    scope: str
    limits: Mapping[str, int]
    is_available: bool
    seen_at: dt.datetime
    gone_at: dt.datetime | None
    offered_with: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A platform plan switched on for one of a seller's plans."""

    id: int
    seller_id: int
    plan_id: int
    platform_plan_id: int
    connection_id: int
    reference: str
    name: str
    limits: Mapping[str, int]
    is_default: bool


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A hosted thing: wished, found, and how it stands.

    Attributes:
        desired: as `resources.spec.dump` writes it.
        observed: the same, or None when it was not there or not looked for yet.
        reference: the platform's ids; empty before it is known there.
        condition: waiting, working, ready, drifted, retrying, refused, needs_operator, removing, gone.
        words: why, when there is something to say.
        reason: the stable code of what stopped or delayed it; empty when nothing does.
        due_at: when a worker looks at it next; None when nothing is to be done by itself.
        last_read_at: when its usage was read before its removal began; None while it is wanted.
    """

    id: int
    seller_id: int
    account_id: int
    subscription_id: int | None
    connection_id: int
    parent_id: int | None
    root_id: int
    kind: str
    key: str
    desired: Mapping[str, Any]
    is_wanted: bool
    removal_reason: str
    is_confirmed: bool
    wished_by: str
    generation: int
    observed: Mapping[str, Any] | None
    observed_generation: int
    observed_at: dt.datetime | None
    reference: Mapping[str, Any]
    creating_since: dt.datetime | None
    is_linked: bool
    may_adopt: bool
    last_read_at: dt.datetime | None
    condition: str
    words: str
    reason: str
    due_at: dt.datetime | None
    attempts: int
    created_at: dt.datetime
    gone_at: dt.datetime | None

    @property
    def is_settled(self) -> bool:
        """True when the platform was seen to be as wished."""
        return self.generation == self.observed_generation and self.condition in ("ready", "gone")

    @property
    def shown(self) -> dict[str, Any]:
        """What is to be told of it: as it is wished, and as it was found where the wish has no opinion."""
        return {**(self.observed or {}), **self.desired}


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """A wanted account on a platform that belongs to a subscription, and the status it is wished to have."""

    resource_id: int
    account_id: int
    subscription_id: int
    status: str


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How one hosted thing stands, in words a customer reads."""

    resource_id: int
    kind: str
    title: str  # "Mailbox ann@acme.example"
    condition: str
    words: str
    is_settled: bool
    is_waiting_for_us: bool  # a worker will go on by itself


@dataclass(frozen=True, slots=True)
class Progress:
    """How all that an account holds on a platform stands."""

    lines: tuple[ProgressLine, ...]

    @property
    def is_settled(self) -> bool:
        return all(line.is_settled for line in self.lines)

    @property
    def words(self) -> str:
        """One sentence over everything."""
        open_lines = [line for line in self.lines if not line.is_settled]
        if not self.lines:
            return "Nothing is set up yet."
        if not open_lines:
            return "Everything is set up."
        stuck = [line for line in open_lines if not line.is_waiting_for_us]
        if stuck:
            return f"{stuck[0].title}: {stuck[0].words}"
        done = len(self.lines) - len(open_lines)
        return f"{done} of {len(self.lines)} done. {open_lines[0].title}: {open_lines[0].words}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to work on one tree of resources, as long as the lease is his."""

    root_id: int
    seller_id: int
    connection_id: int
    lease: uuid.UUID


@dataclass(frozen=True, slots=True)
class CallView:
    """One changing call to a platform, secrets masked."""

    id: int
    connection_id: int
    resource_id: int | None
    actor: str
    purpose: str
    operation: str
    request: str
    answer: str
    outcome: str
    at: dt.datetime
    duration_ms: int


@dataclass(frozen=True, slots=True)
class RecordSetView:
    """All records of one name and type, and whether the live DNS shows them.

    Attributes:
        is_seen: True or False by the last check, None before one.
        seen_authoritative, seen_resolver: what each answered; None when not asked or without an answer.
    """

    id: int
    name: str
    type: str
    ttl: int
    data: tuple[str, ...]
    owner: str
    is_hidden: bool
    is_seen: bool | None
    seen_authoritative: tuple[str, ...] | None
    seen_resolver: tuple[str, ...] | None
    checked_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A DNS zone with its record sets, hidden ones among them."""

    id: int
    seller_id: int
    account_id: int
    name: str
    hosting: str
    connection_id: int | None
    serial: int
    generation: int
    published_generation: int
    publish_words: str
    checked_at: dt.datetime | None
    check_words: str
    marks: tuple[Mapping[str, Any], ...]
    published: tuple[Mapping[str, Any], ...]
    records: tuple[RecordSetView, ...]

    @property
    def is_published(self) -> bool:
        return self.generation == self.published_generation


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a walk over a platform came; `cursor` is the connector's own."""

    id: int
    connection_id: int
    cursor: Mapping[str, Any] | None
    seen: int
    total: int
    started_at: dt.datetime
    finished_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """An account found on a platform that is nobody's here.

    Attributes:
        reference: the platform's ids.
        plan: the platform's own id of its plan.
        organizations: code, name and reference of each.
        account_id: the customer it may belong to; None when nothing speaks for anybody.
        score: 1 to 100, above `resources.matching.HINTS_AT_MOST` only with a proof; 0 without a customer.
        reasons: why, a sentence part each.
        is_proved: his confirmed e-mail address stands in it.
        is_unique: no other customer fits as well.
        is_further: one of several subscriptions of a login that is linked, or has its Exchange in another one.
        state: open, linked, rejected.
    """

    id: int
    seller_id: int
    connection_id: int
    name: str
    reference: Mapping[str, Any]
    email: str
    company: str
    person: str
    plan: str
    status: str
    organizations: tuple[Mapping[str, Any], ...]
    domains: tuple[str, ...]
    mailboxes: int
    account_id: int | None
    score: int
    reasons: tuple[str, ...]
    is_proved: bool
    is_unique: bool
    is_further: bool
    state: str
    decided_by: str
    decided_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ProposalCounts:
    """How many proposals of a connection there are: open, of these with a customer, without one, and further subscriptions
    of a login; linked, rejected."""

    open: int
    matched: int
    unmatched: int
    further: int
    linked: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDifference:
    """A difference as a walk finds it; the attributes are those of `DifferenceView`."""

    code: str
    kind: str
    name: str
    words: str
    meter: str = ""
    there: str = ""
    here: str = ""
    billed: str = ""
    worth: int | None = None
    currency: str = ""
    action: str = ""
    account_id: int | None = None
    resource_id: int | None = None


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """Something that is otherwise on a platform than here or on the last invoice.

    Attributes:
        code: see `workflows.find_drift`.
        meter: what is counted, empty where nothing is.
        there, here, billed: on the platform, in our records, on the last invoice; in words, empty where there is none.
        worth: what it is worth a month in minor units of `currency`; None where no price is known.
        action: what is proposed: adopt, bill, credit, correct; empty when a person has to find out first.
        ignored_at: somebody said, with a reason, that it is right so.
        settled_at: somebody acted; the next walk looks whether it helped.
    """

    id: int
    seller_id: int
    connection_id: int
    code: str
    kind: str
    name: str
    meter: str
    words: str
    there: str
    here: str
    billed: str
    worth: int | None
    currency: str
    action: str
    account_id: int | None
    resource_id: int | None
    first_seen_at: dt.datetime
    seen_at: dt.datetime
    ignored_at: dt.datetime | None
    ignored_by: str
    ignored_because: str
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class UnsubscribedAccount:
    """A wanted account on a platform that belongs to no subscription, and whether an organization was seen in it."""

    resource_id: int
    account_id: int
    has_organization: bool

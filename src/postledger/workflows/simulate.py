"""Play a story in dates through the real operations, database, billing run and ledger, on a clock of its own.

The story comes as plain values (`cli.simulate` reads them from a file). It is played in whatever database Django is
connected to, inside a transaction that is rolled back, so nothing of it stays.
"""

import contextlib
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from postledger.accounts import operations as accounts
from postledger.accounts import queries as account_queries
from postledger.accounts.types import AccountView, Viewer
from postledger.billing import as_json
from postledger.billing import operations as billing
from postledger.billing import queries as billing_queries
from postledger.catalog import operations as catalog
from postledger.catalog import queries as catalog_queries
from postledger.core import money
from postledger.core.errors import Refusal
from postledger.events import queries as events
from postledger.ledger import queries as ledger
from postledger.payments import operations as payments
from postledger.payments import queries as payment_queries
from postledger.subscriptions import queries as subscriptions
from postledger.subscriptions.types import SubscriptionView
from postledger.usage import operations as usage
from postledger.usage.types import NewReading
from postledger.workflows import (
    activate,
    begin_exchange,
    buy_package,
    cancel,
    change_period,
    change_plan,
    change_quantities,
    change_start,
    convert_trial,
    daily_jobs,
    end_exchange,
    enter_credit,
    enter_debit,
    receive_payment,
    resume,
    subscribe,
    suspend,
    switch_charge,
)

_CODE = re.compile(r"[^a-z0-9]+")  # what the code of an account cannot have
_EARLY = ("reading", "daily", "platform", "price")  # events that happen before a close of the same day
_TOLD = ("no_charge", "card_declined", "waiting", "activated", *payment_queries.STEPS)


class StoryError(Refusal):
    """The story cannot be played; `path` leads to the place in it."""

    reason = "story"

    def __init__(self, message: str, *, path: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


@dataclass
class _Played:
    """The state of a story while it is played."""

    story: Mapping[str, Any]
    viewer: Viewer = field(default_factory=Viewer.system)
    accounts: dict[str, AccountView] = field(default_factory=dict)
    plans: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, Fraction]] = field(default_factory=dict)  # account → meter → what it shows
    left: dict[str, dict[str, Fraction]] = field(default_factory=dict)  # the same, of who quit
    summed: dict[tuple[str, str], dt.date] = field(
        default_factory=dict
    )  # the last amount given of a sum meter
    down: set[str] = field(default_factory=set)  # sellers whose platform does not answer
    jobs_stopped: set[str] = field(default_factory=set)
    refused: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    book: catalog_queries.PlanBook = field(default_factory=catalog_queries.PlanBook)
    held: dict[int, SubscriptionView] | None = None
    readings: list[NewReading] = field(default_factory=list)  # collected, not on file yet
    zones: dict[int, ZoneInfo] = field(default_factory=dict)  # by subscription
    taken: int = 0  # instants of the day already used


def simulate(
    story: Mapping[str, Any], *, look: Callable[[Mapping[str, AccountView]], None] | None = None
) -> dict[str, Any]:
    """The statements that come out of a story, in the documented JSON form.

    Args:
        story: accounts, sellers, plans, customers, timeline and until, as plain values with exact numbers.
        look: called with the accounts by name at the end, before everything is forgotten.
    Raises:
        StoryError: what cannot be played, with the path to it.
    """
    with transaction.atomic():
        played = _Played(story)
        _found(played)
        _run(played)
        result = _told(played)
        if look is not None:
            look(played.accounts)
        transaction.set_rollback(True)
    return result


# --- the founding ---------------------------------------------------------------------------------------------------


def _found(played: _Played) -> None:
    """Accounts, settings and plans, as they are before the first event."""
    story = played.story
    first = _first_day(story)
    start = dt.datetime.combine(first, dt.time(), dt.UTC) - dt.timedelta(days=1)
    for number, (name, given) in enumerate(_sellers_first(story["accounts"])):
        details = {
            "code": f"{_CODE.sub('-', name.lower()).strip('-')[:50]}-{number}".lstrip("-"),
            "name": name,
            "currency": given.get("currency", "USD"),
            "time_zone": given.get("time_zone", "UTC"),
            "now": start,
        }
        kind = given.get("kind", "customer")
        if kind == "provider":
            with _told_of("accounts", name):
                played.accounts[name] = accounts.create_provider(**details)
            continue
        seller = played.accounts.get(given.get("seller"))
        if seller is None:
            raise StoryError(
                f"account {name} needs a seller that is an account of this story", path=("accounts", name)
            )
        if kind == "customer":
            details["currency"] = given.get("currency", seller.currency)
            details["time_zone"] = given.get("time_zone", seller.time_zone)
        exempt = bool(story.get("customers", {}).get(name, {}).get("tax_exempt", False))
        create = accounts.create_reseller if kind == "reseller" else accounts.create_customer
        with _told_of("accounts", name):
            played.accounts[name] = create(
                played.viewer, seller_id=seller.id, is_tax_exempt=exempt, **details
            )
    _found_sellers(played)
    for name, given in story.get("plans", {}).items():
        seller = _account(played, given.get("seller", "provider"), ("plans", name, "seller"))
        with _told_of("plans", name):
            played.plans[name] = catalog.publish_plan(
                played.viewer,
                seller_id=seller.id,
                code=name,
                name=name,
                terms=_plan_document(given),
                effective_from=first - dt.timedelta(days=3660),
                now=start,
            )
    played.book.load(played.plans.values())
    _found_buyers(played, first, start)


@contextlib.contextmanager
def _told_of(*path: Any) -> Iterator[None]:
    """What is refused here is told of the place in the story that `path` leads to."""
    try:
        yield
    except StoryError:
        raise
    except (Refusal, ValueError) as error:
        raise StoryError(str(error), path=path) from error


def _sellers_first(accounts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    """The accounts, each after the one that sells to it, otherwise as listed."""
    rungs = {"provider": 0, "reseller": 1}
    return sorted(accounts.items(), key=lambda named: rungs.get(named[1].get("kind", "customer"), 2))


def _found_sellers(played: _Played) -> None:
    for name, given in played.story.get("sellers", {}).items():
        seller = _account(played, name, ("sellers", name))
        dunning = given.get("dunning") or {}
        with _told_of("sellers", name):
            billing.set_seller_settings(
                played.viewer,
                seller_id=seller.id,
                taxes=[(str(tax["name"]), str(tax["rate"])) for tax in given.get("taxes", ())],
                sends_no_charge_notice=given.get("no_charge_notice", False),
            )
            payments.set_policy(
                played.viewer,
                seller_id=seller.id,
                mode=given.get("collection", "anniversary"),
                dunning=[
                    (step, int(dunning[step] or 0))
                    for step in payment_queries.STEPS
                    if dunning != "off" and step in dunning and dunning[step] not in ("off", False)
                ],
            )


def _found_buyers(played: _Played, first: dt.date, now: dt.datetime) -> None:
    customers = played.story.get("customers", {})
    for name in customers:
        _account(played, name, ("customers", name))
    for name, account in played.accounts.items():
        if account.seller_id is None:
            continue
        given = {**played.story["accounts"][name], **customers.get(name, {})}
        currency = account_queries.currency_of(account.seller_id)
        limit, opening = given.get("credit_limit"), given.get("opening_balance")
        with _told_of("customers" if name in customers else "accounts", name):
            payments.set_terms(
                played.viewer,
                buyer_id=account.id,
                method=given.get("payment", "check"),
                credit_limit=None if limit is None else money.parse(limit, currency),
            )
            if opening:
                billing.opening_balance(
                    played.viewer,
                    buyer_id=account.id,
                    balance=money.parse(opening, currency),
                    day=first - dt.timedelta(days=1),
                    now=now,
                )


def _plan_document(given: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form of a plan's terms from a story's or a plan file's."""
    return {
        **{key: value for key, value in given.items() if key not in ("seller", "charges", "packages")},
        "periods": {
            months: (off or {}).get("discount", {}) for months, off in given.get("periods", {1: {}}).items()
        },
        "charges": [{"name": name, **charge} for name, charge in given.get("charges", {}).items()],
        "packages": [{"name": name, **package} for name, package in given.get("packages", {}).items()],
    }


# --- the days -------------------------------------------------------------------------------------------------------


def _run(played: _Played) -> None:
    """Each day: what happens before closes, the day's jobs, what happens after them, and what that made due."""
    timeline = _dated(played)
    day, until = _first_day(played.story), played.story["until"]
    days: dict[dt.date, list[tuple[int, Mapping[str, Any]]]] = {}
    for index, event in timeline:
        days.setdefault(_local_day(played, event), []).append((index, event))
    idle_until = day
    while day <= until:
        played.taken = 0
        today = days.get(day, [])
        if not today and day < idle_until:
            _collect(played, day)
            day += dt.timedelta(days=1)
            continue
        _keep_readings(played)
        played.held = None
        closing = _closing_on(played, day) if today else set()
        late = []
        for index, event in today:
            if closing and not _is_early(event) and _meets(played, event, closing):
                late.append((index, event))
            else:
                _happen(played, index, event, day)
        _jobs(played, day)
        for index, event in late:
            _happen(played, index, event, day)
        if late:
            _jobs(played, day)
        played.held = None
        idle_until = _next_due(played, day, is_quiet=not today)
        day += dt.timedelta(days=1)


def _next_due(played: _Played, day: dt.date, *, is_quiet: bool) -> dt.date:
    """The next day on which the jobs can have anything to do but read the platform, if nothing happens until then.

    On a quiet day the platform answered what it will answer on all those days, so usage in advance was corrected for good.
    Usage that waits goes on waiting where nobody can be read.
    """
    if all(_stands_still(played, name, played.jobs_stopped) for name in played.accounts):
        return dt.date.max  # until the event that lets them run again
    sellers = [account.id for account in played.accounts.values() if account.is_seller]
    if not is_quiet and catalog_queries.plans_metered_in_advance(seller_ids=sellers):
        return day
    held = _held(played).values()
    is_unread = all(_is_down(played, name) for name in played.accounts) and not any(
        view.status == "closed" for view in held
    )
    if billing_queries.is_usage_pending(seller_ids=sellers) and not (is_quiet and is_unread):
        return day
    due = [view.next_close for view in held] + [view.trial_ends_on for view in held if view.status == "trial"]
    for seller_id in payment_queries.sellers_with_debtor_steps():
        due += [row.next_step_on for row in payment_queries.debtors(played.viewer, seller_id=seller_id)]
    return min([found for found in due if found is not None], default=dt.date.max)


def _held(played: _Played) -> dict[int, SubscriptionView]:
    """What everybody subscribes to; nothing but events and jobs changes it."""
    if played.held is None:
        played.held = subscriptions.of_accounts(
            played.viewer, [account.id for account in played.accounts.values()]
        )
    return played.held


def _closing_on(played: _Played, day: dt.date) -> set[int]:
    """The accounts whose month closes on this day."""
    found = subscriptions.of_accounts(played.viewer, [account.id for account in played.accounts.values()])
    return {
        view.buyer_id for view in found.values() if view.next_close is not None and view.next_close <= day
    }


def _meets(played: _Played, event: Mapping[str, Any], closing: set[int]) -> bool:
    """Whether an event touches an account that closes today: itself, its seller, or one it sells to."""
    account = played.accounts[event["account"]]
    if account.id in closing or account.seller_id in closing:
        return True
    return any(other.id in closing and other.seller_id == account.id for other in played.accounts.values())


def _is_early(event: Mapping[str, Any]) -> bool:
    return any(key in event for key in _EARLY)


def _jobs(played: _Played, day: dt.date) -> None:
    """The daily jobs, seller by seller on his own clock: the platform is asked, then everything due is done."""
    if all(_stands_still(played, name, played.jobs_stopped) for name in played.accounts):
        return
    played.held = None
    _collect(played, day)
    _keep_readings(played)
    zones: dict[str, list[int]] = {}
    for name, account in played.accounts.items():
        if account.is_seller and not _stands_still(played, name, played.jobs_stopped):
            zones.setdefault(account.time_zone, []).append(account.id)
    evening = {
        zone: dt.datetime.combine(day, dt.time(20), ZoneInfo(zone)).astimezone(dt.UTC) for zone in zones
    }
    for zone in sorted(zones, key=evening.__getitem__):  # the day comes to the east first
        daily_jobs.daily_jobs(now=evening[zone], sellers=zones[zone])


def _collect(played: _Played, day: dt.date) -> None:
    """Ask what every meter shows today, for everybody whose platform answers."""
    for name, account in played.accounts.items():
        view = _held(played).get(account.id)
        if view is None or view.status in ("waiting", "deleted"):
            continue
        if _is_down(played, name) or _stands_still(played, _seller_of(played, name), played.jobs_stopped):
            continue
        now = _instant(played, day, account, hour=19)
        played.zones[view.id] = _zone(played, account)
        if view.status == "closed":
            played.readings += _last_answers(played, name, view, now)
        else:
            played.readings += _answers(played, name, view, day, now)


def _keep_readings(played: _Played) -> None:
    """Put what was collected on file; days on which nothing happens are kept together."""
    if played.readings:
        latest = max(reading.taken_at for reading in played.readings)
        usage.record_readings(readings=played.readings, now=latest, zones=played.zones)
        played.readings = []


def _answers(
    played: _Played, name: str, view: SubscriptionView, day: dt.date, now: dt.datetime
) -> Iterator[NewReading]:
    """What the platform says of one account: 0 for a meter never given, nothing of an organization that does not exist."""
    answers = played.answers.setdefault(name, {})
    charges = dict(played.book.terms_at(view.plan_id)(day).charges)
    sold_by = _held(played).get(view.seller_id)
    if sold_by is not None:  # a reseller pays for it whether or not he charges for it (U11)
        charges = {**played.book.terms_at(sold_by.plan_id)(day).charges, **charges}
    for charge in charges.values():
        if charge.measure != "metered" or (charge.is_exchange and view.exchange_since is None):
            continue
        value = answers.get(charge.name, Fraction(0))
        if charge.aggregate == "sum":
            if played.summed.get((name, charge.name)) == day:
                continue  # the amount of this one day is on file already
            value = Fraction(0)
        yield NewReading(view.id, charge.name, now, _decimal(value), source="platform")


def _last_answers(
    played: _Played, name: str, view: SubscriptionView, now: dt.datetime
) -> Iterator[NewReading]:
    """The closing reading of a buyer who quit while his platform did not answer: taken before anything is removed (U5)."""
    answers = played.left.get(name, {})
    for waiting in billing_queries.pending(played.viewer, buyer_id=view.buyer_id):
        if waiting.item in answers:
            yield NewReading(view.id, waiting.item, now, _decimal(answers[waiting.item]), source="platform")


def _seller_of(played: _Played, name: str) -> str:
    """The seller of an account; the provider is his own."""
    given = played.story["accounts"][name]
    return given.get("seller") or name


def _is_down(played: _Played, name: str) -> bool:
    """Whether the platform does not answer for an account."""
    return _stands_still(played, _seller_of(played, name), played.down)


def _stands_still(played: _Played, name: str, stopped: set[str]) -> bool:
    """Whether a seller, or the provider above him, whose house he lives in, is among those stopped."""
    return name in stopped or _seller_of(played, name) in stopped


# --- the events -----------------------------------------------------------------------------------------------------


def _happen(played: _Played, index: int, event: Mapping[str, Any], day: dt.date) -> None:
    """One event. What is refused is part of the story; what cannot be understood ends it."""
    name = event["account"]
    account = played.accounts[name]
    now = _instant(played, day, account)
    kind = next((key for key in event if key in _EVENTS), None)
    if kind is None:
        raise StoryError(
            f"nothing known happens here; known events are {', '.join(sorted(_EVENTS))}",
            path=("timeline", index),
        )
    try:
        if account.seller_id is None and kind not in _OF_SELLERS:
            raise StoryError(f"{name} is sold to by nobody; {kind} is for those who buy")
        with transaction.atomic():
            _EVENTS[kind](played, account, event, now)
    except payments.CardDeclined as refusal:
        payments.note_declined(buyer_id=account.id, day=day, now=now)
        _refuse(played, name, day, kind, refusal)
    except StoryError as error:
        raise StoryError(str(error), path=error.path or ("timeline", index, kind)) from error
    except Refusal as refusal:
        if refusal.reason not in _REFUSALS:
            raise StoryError(str(refusal), path=("timeline", index, kind)) from refusal
        _refuse(played, name, day, kind, refusal)
    except ValueError as error:
        raise StoryError(
            f"{event[kind]!s} cannot be understood: {error}", path=("timeline", index, kind)
        ) from error


_OF_SELLERS = ("price", "platform", "jobs")
_REFUSALS = ("max", "credit_limit", "card_declined", "exchange_exists", "negative_credit")


def _refuse(played: _Played, name: str, day: dt.date, kind: str, refusal: Refusal) -> None:
    played.refused.setdefault(name, []).append(
        {"on": day.isoformat(), "event": kind, "reason": refusal.reason, "message": str(refusal)}
    )


def _subscribe(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    given = played.story.get("customers", {}).get(account.name, {})
    promotions = [*given.get("promotions", ()), *event.get("promotions", ())]
    subscribe.subscribe(
        played.viewer,
        buyer_id=account.id,
        plan_id=_plan(played, event["subscribe"]),
        months=int(event.get("period", 1)),
        quantities={name: money.exact(units) for name, units in event.get("quantities", {}).items()},
        promotions=[money.exact(promotion["percent"]) for promotion in promotions],
        is_trial=event.get("trial", False),
        now=now,
    )
    if any(meter.startswith("exchange.") for meter in played.answers.get(account.name, {})):
        begin_exchange.begin_exchange(played.viewer, buyer_id=account.id, now=now)


def _set(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    change_quantities.change_quantities(
        played.viewer,
        buyer_id=account.id,
        quantities={name: money.exact(units) for name, units in event["set"].items()},
        now=now,
    )


def _switch(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    is_on = "switch_on" in event
    if not is_on:
        _closing_reading(played, account, now)
    switch_charge.switch_charge(
        played.viewer,
        buyer_id=account.id,
        charge=event["switch_on" if is_on else "switch_off"],
        is_on=is_on,
        now=now,
    )


def _reading(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    view = subscriptions.of_accounts(played.viewer, [account.id]).get(account.id)
    zone = _zone(played, account)
    day = now.astimezone(zone).date()
    answers = played.answers.setdefault(account.name, {})
    shown = dict(event.get("reading") or {})
    if view is None:  # the platform may know him before he signs up
        daily = shown.pop("daily", None) or event.get("daily")
        if daily:
            raise StoryError(f"{account.name} has no subscription on that day")
        answers.update({meter: _kept(played, account, meter, text) for meter, text in shown.items()})
        return
    daily = {**(shown.pop("daily", None) or {}), **(event.get("daily") or {})}
    named = {**shown, **daily}
    if any(meter.startswith("exchange.") for meter in named):
        told = [_as_date(on) for meter in daily if meter.startswith("exchange.") for on, _ in daily[meter]]
        first = min([day, *told])
        begin_exchange.begin_exchange(
            played.viewer, buyer_id=account.id, now=now - dt.timedelta(days=(day - first).days)
        )
    readings = []
    for meter, text in shown.items():
        value = _kept(played, account, meter, text)
        played.summed[account.name, meter] = day
        readings.append(NewReading(view.id, meter, now, _decimal(value), source="platform"))
        answers[meter] = value
    if not _is_down(played, account.name):
        usage.record_readings(readings=readings, now=now, zones={view.id: zone})
    for meter, history in daily.items():
        for on, text in history:
            value = _kept(played, account, meter, text)
            usage.replace_day(
                subscription_id=view.id,
                meter=meter,
                day=_as_date(on),
                value=_decimal(value),
                taken_at=dt.datetime.combine(_as_date(on), dt.time(12), zone),
                source="history",
            )
            if _as_date(on) == day:
                played.summed[account.name, meter] = day
                answers[meter] = value


def _platform(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _toggle(played.down, account.name, event["platform"], on="down", off="up")


def _jobs_event(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _toggle(played.jobs_stopped, account.name, event["jobs"], on="stopped", off="running")


def _toggle(names: set[str], name: str, word: str, *, on: str, off: str) -> None:
    if word not in (on, off):
        raise StoryError(f"{word!r} is neither {on} nor {off}")
    names.add(name) if word == on else names.discard(name)


def _pay(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    amount = money.parse(event["pay"], account_queries.currency_of(account.seller_id))
    count = len(payment_queries.payments(played.viewer, buyer_id=account.id))
    receive_payment.receive_payment(
        played.viewer,
        buyer_id=account.id,
        amount=amount,
        method=event.get("method", "check"),
        key=f"story-{account.id}-{count}",
        now=now,
    )


def _card(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    word = event["card"]
    if word not in ("declines", "valid"):
        raise StoryError(f"a card declines or is valid; it is not {word!r}")
    payments.set_test_card(
        buyer_id=account.id, is_declining=word == "declines", day=_day_of(played, account, now), now=now
    )


def _credit(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    text = str(event.get("text", "credit"))
    enter_credit.enter_credit(
        played.viewer,
        buyer_id=account.id,
        amount=money.parse(event["credit"], account_queries.currency_of(account.seller_id)),
        reason=text,
        text=text,
        now=now,
    )


def _debit(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    enter_debit.enter_debit(
        played.viewer,
        buyer_id=account.id,
        amount=money.parse(event["debit"], account_queries.currency_of(account.seller_id)),
        text=str(event.get("text", "debit")),
        is_taxed=bool(event.get("taxed", False)),
        every=event.get("every", "once"),
        now=now,
    )


def _price(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    given = event["price"]
    plan_id = _plan(played, given["plan"])
    day = _day_of(played, account, now)
    latest = catalog_queries.versions(played.viewer, plan_id, today=day)[0]
    document = dict(latest.document)
    charges = [dict(charge) for charge in document["charges"]]
    found = [charge for charge in charges if charge["name"] == given["charge"]]
    if not found:
        raise StoryError(f"plan {given['plan']} has no charge {given['charge']!r}")
    for key, value in given.items():
        if key in ("plan", "charge"):
            continue
        if key not in ("setup", "recurring", "usage", "free", "max", "cadence"):
            raise StoryError(f"a price event cannot change {key!r}")
        if key == "recurring" and "reserved" in found[0]:
            found[0]["reserved"] = {"recurring": value}
        found[0][key] = value
    document["charges"] = charges
    catalog.change_terms(played.viewer, plan_id=plan_id, terms=document, effective_from=day, now=now)
    played.book.load([plan_id])


def _simple(call: Any, **fixed: Any) -> Any:
    def happen(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
        call(played.viewer, buyer_id=account.id, now=now, **fixed)

    return happen


def _end_exchange(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _closing_reading(played, account, now)
    end_exchange.end_exchange(played.viewer, buyer_id=account.id, now=now)
    _forget_exchange(played, account)


def _forget_exchange(played: _Played, account: AccountView) -> None:
    answers = played.answers.get(account.name, {})
    for meter in [meter for meter in answers if meter.startswith("exchange.")]:
        del answers[meter]


def _cancel(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _closing_reading(played, account, now)
    cancel.cancel(played.viewer, buyer_id=account.id, now=now)
    played.left[account.name] = dict(played.answers.get(account.name, {}))
    _forget_exchange(played, account)


def _change_period(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _closing_reading(played, account, now)
    months = int(event.get("change_period", 1))
    change_period.change_period(played.viewer, buyer_id=account.id, months=months, now=now)


def _change_start(played: _Played, account: AccountView, event: Mapping[str, Any], now: dt.datetime) -> None:
    _closing_reading(played, account, now)
    start = _as_date(event["change_start"])
    change_start.change_start(played.viewer, buyer_id=account.id, start=start, now=now)


def _closing_reading(played: _Played, account: AccountView, now: dt.datetime) -> None:
    """The platform is asked before Exchange, the account or a billing month ends (U5, C6)."""
    if account.kind == "reseller":  # he pays for the sum over his customers (U11)
        for customer in played.accounts.values():
            view = _held(played).get(customer.id) if customer.seller_id == account.id else None
            if view is not None and view.status in ("active", "suspended"):
                _closing_reading(played, customer, now)
    if _is_down(played, account.name):
        return
    view = subscriptions.subscription_of(played.viewer, account.id)
    zone = _zone(played, account)
    usage.record_readings(
        readings=[
            reading for reading in _answers(played, account.name, view, now.astimezone(zone).date(), now)
        ],
        now=now,
        zones={view.id: zone},
    )


_EVENTS: dict[str, Any] = {
    "subscribe": _subscribe,
    "activate": _simple(activate.activate),
    "convert": _simple(convert_trial.convert_trial),
    "set": _set,
    "switch_on": _switch,
    "switch_off": _switch,
    "buy_package": lambda played, account, event, now: buy_package.buy_package(
        played.viewer, buyer_id=account.id, package=event["buy_package"], now=now
    ),
    "reading": _reading,
    "daily": _reading,
    "platform": _platform,
    "jobs": _jobs_event,
    "delete_exchange": _end_exchange,
    "change_plan": lambda played, account, event, now: change_plan.change_plan(
        played.viewer, buyer_id=account.id, plan_id=_plan(played, event["change_plan"]), now=now
    ),
    "change_period": _change_period,
    "change_start": _change_start,
    "move_to_monthly": _change_period,
    "cancel": _cancel,
    "suspend": lambda played, account, event, now: suspend.suspend(
        played.viewer, buyer_id=account.id, reason=str(event["suspend"]), now=now
    ),
    "resume": _simple(resume.resume),
    "pay": _pay,
    "card": _card,
    "credit": _credit,
    "debit": _debit,
    "price": _price,
}
EVENTS = tuple(_EVENTS)


# --- the statements -------------------------------------------------------------------------------------------------


def _told(played: _Played) -> dict[str, Any]:
    told: dict[str, Any] = {}
    numbers: list[dict[str, Any]] = []
    names = {account.id: name for name, account in played.accounts.items()}
    held = subscriptions.of_accounts(played.viewer, list(names))
    parked = {row.buyer_id: row.reason for row in billing_queries.parked(played.viewer)}
    for name, account in played.accounts.items():
        if account.seller_id is None:
            continue
        currency = account_queries.currency_of(account.seller_id)
        view = held.get(account.id)
        told[name] = {
            "lines": [
                as_json.statement_line(line) for line in billing_queries.statement(played.viewer, account.id)
            ],
            "balance": money.text(ledger.balance(played.viewer, account.id), currency),
            "state": None if view is None else view.status,
            "next_close": view.next_close.isoformat() if view and view.next_close else None,
            "parked": parked.get(account.id),
            "refused": played.refused.get(name, []),
            "notices": [
                {"on": event.data["on"], "kind": event.kind.removeprefix("notice.")}
                for event in reversed(events.events_of(account_id=account.id, most=10_000))
                if event.kind.removeprefix("notice.") in _TOLD and event.kind.startswith("notice.")
            ],
            "pending": [
                {"item": row.item, "from": row.start.isoformat(), "to": row.end.isoformat()}
                for row in billing_queries.pending(played.viewer, buyer_id=account.id)
            ],
        }
        for invoice in reversed(billing_queries.invoices(played.viewer, buyer_id=account.id, most=10_000)):
            whole = billing_queries.invoice(played.viewer, invoice.id)
            numbers.append(
                {
                    "number": whole.number,
                    "kind": whole.kind,
                    "seller": names[whole.seller_id],
                    "buyer": name,
                    "date": whole.on.isoformat(),
                    "lines": [as_json.line(line) for line in whole.lines],
                    "subtotal": money.text(whole.subtotal, currency),
                    "tax": money.text(whole.tax, currency),
                    "total": money.text(whole.total, currency),
                }
            )
    return {"accounts": told, "invoices": numbers}


# --- small things ---------------------------------------------------------------------------------------------------


def _dated(played: _Played) -> list[tuple[int, Mapping[str, Any]]]:
    for index, event in enumerate(played.story["timeline"]):
        _account(played, event.get("account"), ("timeline", index, "account"))
    return list(enumerate(played.story["timeline"]))


def _local_day(played: _Played, event: Mapping[str, Any]) -> dt.date:
    """The day an event falls on: given, or that of its instant for the seller."""
    if "on" in event:
        return _as_date(event["on"])
    at = event["at"]
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return _day_of(played, played.accounts[event["account"]], at)


def _first_day(story: Mapping[str, Any]) -> dt.date:
    days = [_as_date(event["on"]) for event in story["timeline"] if "on" in event]
    days += [event["at"].date() - dt.timedelta(days=1) for event in story["timeline"] if "at" in event]
    return min([*days, story["until"]])


def _instant(played: _Played, day: dt.date, account: AccountView, *, hour: int = 1) -> dt.datetime:
    """A moment of the day on the seller's clock, each later than the one before."""
    played.taken += 1
    local = dt.datetime.combine(day, dt.time(hour), _zone(played, account))
    return local.astimezone(dt.UTC) + dt.timedelta(seconds=played.taken)


def _zone(played: _Played, account: AccountView) -> ZoneInfo:
    """The billing time zone of whoever sells to an account; the provider's own for himself."""
    for seller in played.accounts.values():
        if seller.id == account.seller_id:
            return seller.zone
    return account.zone


def _day_of(played: _Played, account: AccountView, now: dt.datetime) -> dt.date:
    return now.astimezone(_zone(played, account)).date()


def _account(played: _Played, name: Any, path: Sequence[Any]) -> AccountView:
    found = played.accounts.get(name)
    if found is None:
        raise StoryError(f"there is no account {name!r}", path=tuple(path))
    return found


def _plan(played: _Played, name: str) -> int:
    if name not in played.plans:
        raise StoryError(f"there is no plan {name!r}; the plans are {', '.join(played.plans)}")
    return played.plans[name]


def _kept(played: _Played, account: AccountView, meter: str, shown: Any) -> Fraction:
    """What a meter shows, in the unit of its charge: a number, or one with its unit such as `12595 MB` (U6)."""
    number, _, unit = str(shown).partition(" ")
    charges = [
        plan["charges"][meter]
        for plan in played.story.get("plans", {}).values()
        if plan.get("seller", "provider") == _seller_of(played, account.name)
        and meter in plan.get("charges", {})
    ]
    is_in_megabytes = bool(charges) and all(charge.get("unit") == "MB" for charge in charges)
    value = money.exact(number)
    if is_in_megabytes:
        return value * 1024 if unit.strip() == "GB" else value
    return usage.kept_value(_decimal(value), unit.strip())


def _as_date(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)

"""A platform, our records and the last invoices beside each other, and what each difference is worth a month."""

import collections
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.billing import last_billed
from postledger.catalog import queries as catalog
from postledger.catalog.queries import PlanBook
from postledger.connectors import contract
from postledger.core import facts as core_facts
from postledger.core import fees, money, quantity, worth
from postledger.core.terms import Charge, Terms
from postledger.provisioning import adoption, differences, queries
from postledger.provisioning.types import NewDifference, ResourceView
from postledger.resources import exchange, meters
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage
from postledger.workflows import _drift_contents, _limits

_IN_FORCE = frozenset({"active", "trial", "waiting"})
_MAILBOXES = "exchange.mailboxes"
_READINGS_COUNT_FOR = dt.timedelta(days=62)
_NEW_FOR = dt.timedelta(days=2)
_TOLERANCE = Fraction(1, 10)


@dataclass
class Facts:
    """What we know of the accounts of one connection."""

    day: dt.date
    book: PlanBook
    subscriptions: Mapping[int, core_facts.Subscription]  # by number
    billed: Mapping[int, last_billed.LastBilled]  # by subscription
    tree: _limits.Tree
    readings: Mapping[
        int, Mapping[str, tuple[dt.date, Fraction]]
    ]  # the last ones kept, by subscription, then meter
    names: Mapping[int, dict[str, dict[str, bool]]]  # by platform account, kind and name: was it seen there
    moving: frozenset[int]  # platform accounts in which a worker has something to do
    plan_names: Mapping[str, str]  # the platform's id of a plan → its name there
    plan_limits: Mapping[str, Mapping[str, int]]  # the same → meter → ceiling
    our_plans: Mapping[str, int]  # the same → the plan of ours it is offered with

    @property
    def held(self) -> Mapping[int, Mapping[str, int]]:
        """Platform account of ours → meter → how many things of it we hold and want."""
        return self.tree.held

    def subscription(self, entry: ResourceView) -> core_facts.Subscription | None:
        return self.subscriptions.get(entry.subscription_id or 0)

    def terms(self, entry: ResourceView) -> Terms | None:
        found = self.subscription(entry)
        return None if found is None else found.terms_at(self.day)

    def terms_for(self, platform_plan: str) -> Terms | None:
        """The terms of our plan with which a platform plan is offered."""
        plan_id = self.our_plans.get(platform_plan)
        return None if plan_id is None else self.book.terms_at(plan_id)(self.day)

    def sold_ceilings(self, entry: ResourceView) -> Mapping[str, int]:
        """What the account may have at most by what is sold: meter → units, or megabytes."""
        found = self.subscription(entry)
        return {} if found is None else self.tree.sold(found, account_id=entry.id, day=self.day)


def facts_of(*, connection_id: int, accounts: Sequence[ResourceView], now: dt.datetime) -> Facts:
    """What we know of these accounts, from a handful of queries."""
    viewer = Viewer.system()
    day = _day(connection_id, now)
    plans = queries.platform_plans(viewer, connection_id)
    book = catalog.book_of({ours for plan in plans for ours in plan.offered_with})
    ids = sorted({entry.subscription_id for entry in accounts if entry.subscription_id is not None})
    return Facts(
        day=day,
        book=book,
        subscriptions=subscriptions.load(ids, book),
        billed=last_billed.last_billed(ids),
        tree=_limits.tree_of(seller_id=queries.connection(viewer, connection_id).seller_id, now=now),
        readings=usage.latest(ids, since=day - _READINGS_COUNT_FOR),
        names=differences.held_names(connection_id=connection_id),
        moving=differences.unsettled_roots(connection_id=connection_id),
        plan_names={plan.reference: plan.name for plan in plans},
        plan_limits={plan.reference: plan.limits for plan in plans if plan.scope == "account"},
        our_plans={plan.reference: min(plan.offered_with) for plan in plans if plan.offered_with},
    )


def unlinked(
    facts: Facts, strangers: Sequence[contract.Holding], ours: Iterable[contract.Holding]
) -> list[NewDifference]:
    """Accounts on the platform that are nobody's here.

    Of a login with several subscriptions those without Exchange are left out: they have nothing we sell.
    """
    linked = {holding.account.name for holding in ours}
    logins = collections.Counter(holding.account.name for holding in strangers)
    with_exchange = {holding.account.name for holding in strangers if holding.organizations}
    lines = []
    for holding in strangers:
        name = holding.account.name
        has_others = logins[name] > 1 or name in linked
        if has_others and not holding.organizations and name in with_exchange | linked:
            continue
        lines.append(_unlinked(facts, holding, has_others=has_others, is_linked=name in linked))
    return lines


def _unlinked(facts: Facts, holding: contract.Holding, *, has_others: bool, is_linked: bool) -> NewDifference:
    found = holding.account
    company = found.spec.company or found.spec.email or ""
    terms = facts.terms_for(found.spec.plan or "")
    amount = None
    if terms is not None:
        amount = worth.fixed_per_month(terms=terms, months=1) + _usage(
            terms, {_MAILBOXES: len(holding.mailboxes)}
        )
    by_plan = f" On your plan {terms.plan} it would bring this much." if terms is not None else ""
    who = f" ({company})" if company else ""
    if is_linked:
        words = (
            f"A further subscription with Exchange of the login {found.name}{who}, which is linked already. Nobody is billed "
            f"for it. Give it a login of its own on the platform, or move its organization.{by_plan}"
        )
    else:
        words = f"It is on the platform{who} and linked to no customer here. Link it, or find out who pays for it.{by_plan}"
    which = ", ".join(held.name for held in holding.organizations) or adoption.reference_key(found.ref)
    return NewDifference(
        code="unlinked",
        kind=exchange.ACCOUNT,
        name=f"{found.name} ({which})" if has_others else found.name,
        words=words,
        there=_shown(facts, holding),
        worth=amount,
        currency=terms.currency if terms is not None else "",
        action="" if is_linked else "adopt",
    )


def missing(facts: Facts, entry: ResourceView) -> NewDifference:
    """An account we hold that is no longer on the platform."""
    billed = facts.billed.get(entry.subscription_id or 0)
    terms = facts.terms(entry)
    amount = sum(found.amount for found in billed.usage.values()) if billed is not None else None
    return NewDifference(
        code="missing",
        kind=exchange.ACCOUNT,
        name=entry.key,
        words="It is kept and billed here but is no longer on the platform.",
        here=_things(facts.held.get(entry.id, {})),
        billed=_billed_words(billed),
        worth=amount if terms is not None else None,
        currency=terms.currency if terms is not None else "",
        action="credit" if amount else "",
        account_id=entry.account_id,
        resource_id=entry.id,
    )


def compared(
    facts: Facts,
    entry: ResourceView,
    holding: contract.Holding,
    counts: Mapping[str, int],
    ceilings: Mapping[str, int] | None,
    untold: Mapping[str, str],
) -> list[NewDifference]:
    """An account of ours as the platform has it; `untold`: meter → why the platform cannot tell it."""
    found: list[NewDifference] = []
    found += _unsubscribed(facts, entry, holding)
    if entry.id not in facts.moving:
        found += _wrong_status(facts, entry, holding)
        found += _wrong_plan(facts, entry, holding)
        found += _counted(facts, entry, counts)
        found += _measured(facts, entry, counts, untold)
        found += _organizations(facts, entry, holding)
        found += _above(facts, entry, holding, counts, ceilings)
        found += _by_name(facts, entry, holding)
    return found


def _unsubscribed(facts: Facts, entry: ResourceView, holding: contract.Holding) -> list[NewDifference]:
    sub = facts.subscription(entry)
    if sub is not None and sub.status not in ("closed", "deleted"):
        return []
    if holding.account.spec.status != "active":
        return []
    terms = facts.terms_for(holding.account.spec.plan or "")
    amount = None
    if terms is not None:
        amount = worth.fixed_per_month(terms=terms, months=1) + _usage(
            terms, {_MAILBOXES: len(holding.mailboxes)}
        )
    return [
        _line(
            entry,
            "unsubscribed",
            "It works on the platform and its customer has no plan, so nobody pays for it. Subscribe him to one, or end it.",
            there=_shown(facts, holding),
            here="no plan",
            worth=amount,
            currency=terms.currency if terms else "",
        )
    ]


def _wrong_status(facts: Facts, entry: ResourceView, holding: contract.Holding) -> list[NewDifference]:
    there, sub, terms = holding.account.spec.status, facts.subscription(entry), facts.terms(entry)
    wanted = entry.desired.get("status")
    if wanted is None and sub is not None:
        wanted = "active" if sub.status in _IN_FORCE else "suspended"
    if not wanted or not there or wanted == there:
        return []
    # what is there beyond our records is worth something on its own line
    amount = None if terms is None or sub is None else _usage(terms, facts.held.get(entry.id, {}), sub)
    return [
        _line(
            entry,
            "wrong_status",
            f"Its status is {there} on the platform and {wanted} here."
            + (" What is used while suspended is not billed." if there == "active" else ""),
            there=there,
            here=wanted,
            worth=amount,
            currency=terms.currency if terms else "",
            action="correct",
        )
    ]


def _wrong_plan(facts: Facts, entry: ResourceView, holding: contract.Holding) -> list[NewDifference]:
    there, wanted = holding.account.spec.plan, entry.desired.get("plan")
    if not wanted or not there or wanted == there:
        return []
    terms, theirs = facts.terms(entry), facts.terms_for(there)
    sub = facts.subscription(entry)
    amount = None
    if terms is not None and theirs is not None and theirs.currency == terms.currency and sub is not None:
        ours = worth.fixed_per_month(terms=terms, months=sub.months)
        amount = abs(worth.fixed_per_month(terms=theirs, months=1) - ours)
    return [
        _line(
            entry,
            "wrong_plan",
            f"Its plan is {_plan(facts, there)} on the platform and {_plan(facts, wanted)} here.",
            there=_plan(facts, there),
            here=_plan(facts, wanted),
            worth=amount,
            currency=terms.currency if terms and amount is not None else "",
            action="correct",
        )
    ]


def _counted(facts: Facts, entry: ResourceView, counts: Mapping[str, int]) -> list[NewDifference]:
    """Units of each meter the plan charges for: there are more than we know of, or fewer than we hold."""
    sub, terms = facts.subscription(entry), facts.terms(entry)
    if sub is None or terms is None:
        return []
    held, billed = facts.held.get(entry.id, {}), facts.billed.get(sub.id)
    lines = []
    for charge in terms.charges.values():
        meter = meters.METERS.get(charge.name)
        if meter is None or not _is_held_here(charge.name) or charge.name not in counts:
            continue
        there, here = counts[charge.name], held.get(charge.name, 0)
        if charge.name == "exchange.domains" and there in (here, here + 1):
            continue  # platforms count a technical domain of their own
        if there == here:
            continue
        free = sub.free_units(terms, charge.name)
        was = _was(billed, charge.name, Fraction(here), free)
        before = worth.per_month(terms=terms, charge=charge.name, months=sub.months, units=was, free=free)
        after = worth.per_month(
            terms=terms, charge=charge.name, months=sub.months, units=Fraction(there), free=free
        )
        title = meter.title.lower()
        is_more, is_paid = there > here, after == before
        if is_more and is_paid:
            code, words, action = (
                _drift_contents.UNLINKED,
                "They cost no more than is billed. Link them to have them in the panel.",
                "adopt",
            )
        elif is_more:
            code, words, action = "unbilled", _comes_by_itself(charge), "bill"
        else:
            code, words, action = "billed_ghost", "Somebody removed them there.", "" if is_paid else "credit"
        lines.append(
            _line(
                entry,
                code,
                f"There are {there} {title} on the platform and {here} here. {words}",
                meter=charge.name,
                there=str(there),
                here=str(here),
                billed=_billed_count(billed, charge.name),
                worth=abs(after - before),
                currency=terms.currency,
                action=action,
            )
        )
    return lines


def _measured(
    facts: Facts, entry: ResourceView, counts: Mapping[str, int], untold: Mapping[str, str]
) -> list[NewDifference]:
    """What is only known from readings, such as storage: other figures than the last reading kept, or than was ordered.

    It changes from hour to hour, so only more than a tenth and more than one unit counts as a difference.
    """
    sub, terms = facts.subscription(entry), facts.terms(entry)
    if sub is None or terms is None or sub.status not in _IN_FORCE:
        return []
    billed, lines = facts.billed.get(sub.id), []
    for charge in terms.charges.values():
        meter = meters.METERS.get(charge.name)
        if meter is None or _is_held_here(charge.name) or charge.name == "exchange.organizations":
            continue
        if charge.name in _drift_contents.METERS and charge.measure == "metered":
            continue  # compared by name
        free = sub.free_units(terms, charge.name)
        if charge.measure == "reserved":
            day, here = None, max(fees.held(sub, charge), free)
        else:
            day, here = facts.readings.get(sub.id, {}).get(charge.name, (None, Fraction(0)))
            if facts.day - (day or entry.created_at.date()) >= _NEW_FOR and charge.name in untold:
                lines.append(_cannot_tell(entry, meter, untold[charge.name], _billed_units(billed, meter)))
            if day is None and facts.day - entry.created_at.date() < _NEW_FOR:
                continue
        if charge.name in counts:
            there = _units(meter, counts[charge.name])
            is_more = there > max(here, free if day is None else here)
            is_less = there < here and charge.measure == "metered"  # nobody need fill what he ordered
            if (is_more or is_less) and abs(there - here) > max(Fraction(1), here * _TOLERANCE):
                was = here if charge.measure == "reserved" else _was(billed, charge.name, here, free)
                before, after = (
                    worth.per_month(
                        terms=terms, charge=charge.name, months=sub.months, units=units, free=free
                    )
                    for units in (was, there)
                )
                lines.append(
                    _line(
                        entry,
                        "unbilled" if is_more else "billed_ghost",
                        _measured_words(meter, charge, there, here, day),
                        meter=charge.name,
                        there=_text(meter, there),
                        here=_kept(meter, charge, here, day),
                        billed=_billed_units(billed, meter),
                        worth=abs(after - before),
                        currency=terms.currency,
                        action="bill" if charge.measure == "metered" or after != before else "",
                    )
                )
    return lines


def _measured_words(
    meter: meters.Meter, charge: Charge, there: Fraction, here: Fraction, day: dt.date | None
) -> str:
    if charge.measure == "reserved":
        then = "What is ordered is billed, not what is there."
    elif day is None:
        then = "Take a reading now, or nothing is billed for it."
    else:
        then = "Take a reading now, so that it is billed as it is."
    kept = _kept(meter, charge, here, day)
    return f"“{meter.title}” is {_text(meter, there)} on the platform and {kept} here. {then}"


def _kept(meter: meters.Meter, charge: Charge, here: Fraction, day: dt.date | None) -> str:
    if charge.measure == "reserved":
        return f"{_text(meter, here)} sold"
    return "no reading" if day is None else f"{_text(meter, here)}, read on {day:%d %b}"


def _cannot_tell(entry: ResourceView, meter: meters.Meter, why: str, billed: str) -> NewDifference:
    return _line(
        entry,
        "unbilled",
        f"“{meter.title}” is charged for, and the platform cannot tell it, so nothing is billed: {why}",
        meter=meter.code,
        there="not known",
        billed=billed,
    )


def _was(billed: last_billed.LastBilled | None, meter: str, here: Fraction, free: Fraction) -> Fraction:
    """The units that were paid for: those on the last invoice, else those we know of."""
    if billed is None:
        return here
    return Fraction(billed.usage[meter].units) if meter in billed.usage else min(free, here)


def _units(meter: meters.Meter, value: int) -> Fraction:
    """What a platform answered, in the unit it is charged in."""
    return quantity.megabytes_to_gigabytes(Fraction(value)) if meter.unit == meters.MIB else Fraction(value)


def _text(meter: meters.Meter, units: Fraction) -> str:
    return money.decimal_text(units, most=2) + (" GB" if meter.unit == meters.MIB else "")


def _billed_units(billed: last_billed.LastBilled | None, meter: meters.Meter) -> str:
    words = _billed_count(billed, meter.code)
    return words + (" GB" if meter.unit == meters.MIB and words[:1].isdigit() else "")


def _comes_by_itself(charge: Charge) -> str:
    if charge.measure == "metered":
        return "Take a reading now to have them on the next invoice."
    return "They are not on any invoice: what is ordered is billed, not what is there."


def _is_held_here(meter: str) -> bool:
    """True for what we hold one by one; the rest is only known from readings."""
    return meter in (
        _MAILBOXES,
        "exchange.shared_mailboxes",
        "exchange.resource_mailboxes",
        "exchange.domains",
    )


def _organizations(facts: Facts, entry: ResourceView, holding: contract.Holding) -> list[NewDifference]:
    known = facts.held.get(entry.id, {}).get("exchange.organizations", 0)
    if len(holding.organizations) <= known:
        return []
    codes = {found.name for found in holding.organizations}
    ours = queries.taken_keys(connection_id=entry.connection_id, kind=exchange.ORGANIZATION, keys=codes)
    terms = facts.terms(entry)
    return [
        _line(
            entry,
            "unlinked_organization",
            f"The organization {code} in the account {entry.key} is linked to nothing here.",
            name=code,
            there=code,
            worth=0 if terms else None,
            currency=terms.currency if terms else "",
            action="adopt",
        )
        for code in sorted(codes - ours)
    ]


def _by_name(facts: Facts, entry: ResourceView, holding: contract.Holding) -> list[NewDifference]:
    """Contacts, lists and folders made or removed on the platform, worth what the plan charges for them."""
    sub, terms = facts.subscription(entry), facts.terms(entry)

    def price(meter: str, units: int) -> int | None:
        if sub is None or terms is None or meter not in terms.charges:
            return None
        free = sub.free_units(terms, meter)
        return worth.per_month(terms=terms, charge=meter, months=sub.months, units=Fraction(units), free=free)

    known = facts.held.get(entry.id, {}).get("exchange.organizations", 0)
    return _drift_contents.lines(
        entry=entry,
        held=facts.names.get(entry.id, {}),
        found=holding.others,
        price=price,
        currency=terms.currency if terms is not None else "",
        knows_all=len(holding.organizations) <= known,
    )


def _above(
    facts: Facts,
    entry: ResourceView,
    holding: contract.Holding,
    counts: Mapping[str, int],
    ceilings: Mapping[str, int] | None,
) -> list[NewDifference]:
    """Ceilings on the platform above what is sold."""
    sub, terms = facts.subscription(entry), facts.terms(entry)
    if ceilings is None or sub is None or terms is None:
        return []
    by_plan = facts.plan_limits.get(holding.account.spec.plan or "", {})
    lines = []
    for meter, sold in facts.sold_ceilings(entry).items():
        there = ceilings.get(meter, by_plan.get(meter))
        if there is None or (there != exchange.UNLIMITED and there <= sold):
            continue
        used = max(_units(meters.METERS[meter], units) for units in (counts.get(meter, 0), sold))
        amount = 0
        if meter in terms.charges:
            at, top = (
                worth.per_month(terms=terms, charge=meter, months=sub.months, units=units, free=Fraction(0))
                for units in (used, _units(meters.METERS[meter], sold))
            )
            amount = at - top
        shown = "unlimited" if there == exchange.UNLIMITED else str(there)
        unit = " MB" if meters.METERS[meter].unit == meters.MIB else ""
        lines.append(
            _line(
                entry,
                "quota_above",
                f"The platform allows {shown}{unit} of “{meters.METERS[meter].title.lower()}” and {sold}{unit} are sold.",
                meter=meter,
                there=shown + unit,
                here=f"{sold}{unit}",
                worth=amount,
                currency=terms.currency,
                action="correct",
            )
        )
    return lines


def tree_above(
    facts: Facts, *, seller_id: int, counts: Mapping[int, Mapping[str, int]], now: dt.datetime
) -> list[NewDifference]:
    """All customers of a reseller together beyond what he buys; `counts`: what the platform counts in each account."""
    own = subscriptions.of_buyers([seller_id]).get(seller_id)
    if own is None or not facts.tree.together:
        return []
    above, _ = subscriptions.buyer_of(own)
    terms = _limits.terms_of(subscription_id=own, seller_id=above, now=now)
    sub = subscriptions.load([own], catalog.book_of([]))[own]
    reseller = accounts.account(Viewer.system(), seller_id)
    lines = []
    for code, top in facts.tree.together.items():
        meter = meters.METERS[code]
        elsewhere = sum(held.get(code, 0) for root, held in facts.held.items() if root not in counts)
        there = _units(meter, sum(found.get(code, 0) for found in counts.values()) + elsewhere)
        most = _units(meter, top)
        if code == "exchange.domains":  # platforms count a technical one in each account
            there, most = Fraction(facts.tree.total.get(code, 0)), most - 1
        if there <= most:
            continue
        at, bought = (
            worth.per_month(terms=terms, charge=code, months=sub.months, units=units, free=Fraction(0))
            for units in (there, most)
        )
        lines.append(
            NewDifference(
                code="tree_above",
                kind=exchange.ACCOUNT,
                name=f"{reseller.name}: all customers",
                meter=code,
                words=f"All customers together have {_text(meter, there)} of “{meter.title.lower()}”, and the plan "
                f"{terms.plan} allows {_text(meter, most)}. Buy more, or have customers give some up.",
                there=_text(meter, there),
                here=_text(meter, most),
                worth=at - bought,
                currency=terms.currency,
            )
        )
    return lines


def _usage(terms: Terms, counts: Mapping[str, int], sub: core_facts.Subscription | None = None) -> int:
    """What these units cost a month by the metered charges of a plan."""
    return sum(
        worth.per_month(
            terms=terms,
            charge=name,
            months=1 if sub is None else sub.months,
            units=Fraction(count),
            free=None if sub is None else sub.free_units(terms, name),
        )
        for name, count in counts.items()
        if name in terms.charges and terms.charges[name].measure == "metered"
    )


def _line(entry: ResourceView, code: str, words: str, *, name: str = "", **fields) -> NewDifference:
    return NewDifference(
        code=code,
        kind=exchange.ACCOUNT,
        name=name or entry.key,
        words=words,
        account_id=entry.account_id,
        resource_id=entry.id,
        **fields,
    )


def _shown(facts: Facts, holding: contract.Holding) -> str:
    parts = [_plan(facts, holding.account.spec.plan or "")]
    parts += [f"{len(holding.mailboxes)} mailboxes"] if holding.organizations else ["no organization"]
    return ", ".join(part for part in parts if part)


def _plan(facts: Facts, reference: str) -> str:
    return facts.plan_names.get(reference, f"plan {reference}" if reference else "")


def _things(held: Mapping[str, int]) -> str:
    count = held.get(_MAILBOXES, 0)
    return f"{count} mailboxes" if held else ""


def _billed_words(billed: last_billed.LastBilled | None) -> str:
    if billed is None:
        return "not billed yet"
    return _billed_count(billed, _MAILBOXES) + " mailboxes"


def _billed_count(billed: last_billed.LastBilled | None, meter: str) -> str:
    if billed is None:
        return "not billed yet"
    if meter not in billed.usage:
        return "only free ones"
    return money.decimal_text(Fraction(billed.usage[meter].units), most=2)


def _day(connection_id: int, now: dt.datetime) -> dt.date:
    seller_id = queries.connection(Viewer.system(), connection_id).seller_id
    return now.astimezone(accounts.time_zone_of(seller_id)).date()

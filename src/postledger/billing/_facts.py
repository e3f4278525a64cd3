"""The facts of many subscriptions in a handful of queries. Private to billing."""

import datetime as dt
import json
from collections.abc import Sequence
from fractions import Fraction

from django.db import connection

from postledger.accounts import queries as accounts
from postledger.catalog.queries import PlanBook
from postledger.core import facts, literals, lots
from postledger.core.period import Period
from postledger.core.quantity import Reading
from postledger.core.tax import Rates
from postledger.subscriptions import queries as subscriptions
from postledger.usage import queries as usage

_ZERO = Fraction(0)


def load(
    ids: Sequence[int],
    book: PlanBook,
    *,
    lock: bool = False,
    day: dt.date | None = None,
    prepaid_since: dt.date | None = None,
) -> dict[int, facts.Subscription]:
    """Everything billing needs to know of these subscriptions.

    Args:
        day: for a change on that day: what is prepaid is loaded too, and readings up to that day. Without it the facts
            are those of each one's next close.
        prepaid_since: what was prepaid for days from then on is loaded as well, as `past_lots`.
    """
    subs = subscriptions.load(ids, book, lock=lock)
    _add_pending(subs, book)
    _add_debits(subs)
    if day is not None:
        _add_lots(subs, day, since=prepaid_since)
    else:
        for sub in subs.values():
            if sub.months > 1 and _was_prepaid_by_the_period(sub):
                _add_lots({sub.id: sub}, sub.next_close)
    resellers = _add_wholesale(subs, book, day)
    _add_readings(subs, resellers, day)
    return subs


def taxes(pairs: set[tuple[int, int]]) -> dict[tuple[int, int], Rates]:
    """The taxes on what a seller invoices to a buyer; none where the buyer is exempt (M3)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.s, p.b, b.is_tax_exempt, t.taxes::text FROM unnest(%s::bigint[], %s::bigint[]) AS p(s, b) "
            "JOIN accounts_account b ON b.id = p.b LEFT JOIN billing_sellersettings t ON t.seller_id = p.s",
            [literals.array(pair[0] for pair in pairs), literals.array(pair[1] for pair in pairs)],
        )
        return {
            (seller_id, buyer_id): () if exempt else _rates(text)
            for seller_id, buyer_id, exempt, text in cursor.fetchall()
        }


_known_rates: dict[str, Rates] = {}


def _rates(text: str | None) -> Rates:
    if not text:
        return ()
    found = _known_rates.get(text)
    if found is None:
        found = _known_rates[text] = tuple((name, Fraction(rate)) for name, rate in json.loads(text))
    return found


def _add_pending(subs: dict[int, facts.Subscription], book: PlanBook) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT w.id, w.subscription_id, w.item, w.start, w."end", w.closes_on, w.plan_version_id, w.months, '
            "w.price, w.threshold, v.plan_id FROM billing_pendingusage w "
            "JOIN catalog_planversion v ON v.id = w.plan_version_id "
            "WHERE w.subscription_id = ANY(%s::bigint[]) ORDER BY w.closes_on, w.id",
            [literals.array(subs)],
        )
        rows = cursor.fetchall()
    book.load({row[10] for row in rows})
    for id, subscription_id, item, start, end, closes_on, version_id, months, price, threshold, _ in rows:
        subs[subscription_id].pending.append(
            facts.Pending(
                item=item,
                period=Period(start, end),
                closes_on=closes_on,
                terms=book.terms(version_id),
                months=months,
                price=Fraction(price),
                threshold=Fraction(threshold),
                id=id,
            )
        )


def _add_debits(subs: dict[int, facts.Subscription]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, subscription_id, amount, is_taxed, every, text FROM billing_repeatingdebit "
            "WHERE subscription_id = ANY(%s::bigint[]) AND until IS NULL ORDER BY id",
            [literals.array(subs)],
        )
        for id, subscription_id, amount, is_taxed, every, text in cursor.fetchall():
            sub = subs[subscription_id]
            sub.debits = (*sub.debits, facts.Debit(id, amount, is_taxed, every, text))


def _add_lots(subs: dict[int, facts.Subscription], day: dt.date, *, since: dt.date | None = None) -> None:
    """What is prepaid, replayed from the booked lines: a fee adds a lot, a refund takes units off the latest."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT l.subscription_id, i.for_subscription_id IS NOT NULL, l.kind, l.item, l.start, l."end", '
            "l.full_start, l.full_end, l.amount, l.why, "
            "(SELECT p.amount FROM billing_invoiceline p WHERE p.invoice_id = l.invoice_id "
            "AND p.position = l.position + 1 AND p.kind = 'promotion') "
            "FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id "
            "JOIN unnest(%s::bigint[], %s::date[]) AS w(id, since) ON w.id = l.subscription_id AND l.full_end > w.since "
            "WHERE l.kind IN ('recurring', 'package', 'refund') ORDER BY l.id",
            [list(subs), [min(since or day, _lots_since(sub, day)) for sub in subs.values()]],
        )
        rows = cursor.fetchall()
    for id, is_wholesale, kind, item, start, end, full_start, full_end, amount, why, promoted in rows:
        why = json.loads(why) if isinstance(why, str) else why
        sub = subs[id]
        held = sub.lots
        if is_wholesale:
            if sub.wholesale is None:
                sub.wholesale = _no_wholesale(sub)
            held = sub.wholesale.lots
        units = Fraction(why["units"])
        if kind == "refund":
            _take(held.get(item, []), units, is_package="package" in why)
            continue
        line = facts.Line(
            kind=kind,
            item=item,
            amount=amount,
            why=why,
            start=start,
            end=end,
            quantity=units,
            unit_price=Fraction(why["price"]),
            full=Period(full_start, full_end),
            promotions=tuple(Fraction(percent) for percent in why.get("promotions", ())),
        )
        held.setdefault(item, []).append(lots.lot_of(line, promoted or 0))
    for sub in subs.values():
        for owed in (sub.lots, sub.wholesale.lots if sub.wholesale else {}):
            for item, bought in owed.items():
                if owed is sub.lots:
                    sub.past_lots[item] = [lot for lot in bought if lot.full.end <= day]
                owed[item] = [lot for lot in bought if lot.full.end > day]


def _was_prepaid_by_the_period(sub: facts.Subscription) -> bool:
    """Whether a fee that is due by the month now was due by the period when the open one opened (U12)."""
    if sub.next_close is None:
        return False
    opened, now = sub.terms_at(sub.period.start), sub.terms_at(sub.next_close)
    return opened is not now and any(
        charge.cadence == "month"
        and charge.measure != "metered"
        and name in opened.charges
        and opened.charges[name].cadence == "period"
        for name, charge in now.charges.items()
    )


def _lots_since(sub: facts.Subscription, day: dt.date) -> dt.date:
    """Money-back days bring back the month fees of the period's earlier months too (F3)."""
    return min(day, sub.period.start) if sub.terms_at(day).money_back_days else day


def _take(held: list[facts.Lot], units: Fraction, *, is_package: bool) -> None:
    for lot in reversed(held):
        if lot.is_package == is_package:
            part = min(lot.units, units)
            lot.units -= part
            units -= part


def _no_wholesale(sub: facts.Subscription) -> facts.Wholesale:
    return facts.Wholesale(0, sub.terms_at, facts.Pool(), (), sub.currency)


def _add_wholesale(
    subs: dict[int, facts.Subscription], book: PlanBook, day: dt.date | None
) -> dict[int, facts.Subscription]:
    """Give customers of resellers their wholesale side, and resellers the pool their customers use (M10).

    Returns the subscriptions in `subs` that are resellers' own.
    """
    kinds = accounts.kinds({sub.seller_id for sub in subs.values()} | {sub.buyer_id for sub in subs.values()})
    sellers = {sub.seller_id for sub in subs.values() if kinds[sub.seller_id] == "reseller"}
    own = {sub.id: sub for sub in subs.values() if kinds[sub.buyer_id] == "reseller"}
    pools: dict[int, facts.Pool] = {}
    if sellers or own:
        used = subscriptions.pool_used(sorted(sellers | {sub.buyer_id for sub in own.values()}))
        pools = {seller_id: facts.Pool(charges) for seller_id, charges in used.items()}
    if sellers:
        lock_pools(sellers)
        owed = subscriptions.of_buyers(sellers)
        bought = subscriptions.load(sorted(owed.values()), book)
        for sub in subs.values():
            if sub.seller_id not in owed:
                continue
            reseller = bought[owed[sub.seller_id]]
            pool = pools.setdefault(sub.seller_id, facts.Pool())
            old = sub.wholesale
            sub.wholesale = facts.Wholesale(
                subscription_id=reseller.id,
                terms_at=reseller.terms_at,
                pool=pool,
                promotions=reseller.promotions,
                currency=reseller.currency,
                lots=old.lots if old else {},
            )
        for reseller in bought.values():
            _own_units_use_the_pool(reseller, pools)
    for sub in subs.values():
        if sub.wholesale is not None and not sub.wholesale.subscription_id:
            sub.wholesale = None  # the reseller has no subscription any more
    for sub in own.values():
        sub.pool = pools.setdefault(sub.buyer_id, facts.Pool())
    return own


def _own_units_use_the_pool(reseller: facts.Subscription, pools: dict[int, facts.Pool]) -> None:
    pools.setdefault(reseller.buyer_id, facts.Pool()).own = {
        name: item.pool_units for name, item in reseller.items.items() if item.pool_units and item.is_on
    }


def lock_pools(seller_ids: set[int]) -> None:
    """Hold the free pools of these resellers until the transaction ends, always in the same order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(7001, s::int) FROM (SELECT unnest(%s::bigint[]) AS s ORDER BY 1) AS ordered",
            [sorted(seller_ids)],
        )


def _add_readings(
    subs: dict[int, facts.Subscription], resellers: dict[int, facts.Subscription], day: dt.date | None
) -> None:
    closing: list[tuple[int, dt.date]] = []
    spans: list[tuple[int, dt.date, dt.date]] = []
    for sub in subs.values():
        last = day or sub.next_close
        if last is None or sub.id in resellers:
            continue
        if _needs_history(sub, last) or sub.pending:
            spans.append((sub.id, first_day(sub, last) - dt.timedelta(days=400 if sub.pending else 62), last))
        else:
            closing.append((sub.id, last))
    read = usage.on_days(closing) | usage.between(spans)
    for subscription_id, meters in read.items():
        subs[subscription_id].readings = meters
    for sub in resellers.values():
        last = day or sub.next_close
        if last is not None:
            _add_resold_readings(sub, last)


def _needs_history(sub: facts.Subscription, day: dt.date) -> bool:
    """Whether any charge is billed from more than the closing reading."""
    return any(
        charge.measure == "metered" and charge.aggregate != "last"
        for charge in sub.terms_at(day).charges.values()
    )


def first_day(sub: facts.Subscription, last: dt.date) -> dt.date:
    """The first day whose readings are billed: of the month, of the whole period where usage is due by it, or of what waits."""
    is_by_period = any(
        charge.measure == "metered" and charge.cadence == "period"
        for charge in sub.terms_at(last).charges.values()
    )
    opened = sub.period.start if is_by_period else sub.month.start
    return min([opened, *(pending.closes_on for pending in sub.pending)])


def _add_resold_readings(sub: facts.Subscription, last: dt.date) -> None:
    """A reseller's readings: the sum over his customers and himself, day by day (U11)."""
    parts = subscriptions.sold_by(sub.buyer_id)
    held = {
        id: part.exchange_since
        for id, part in parts.items()
        if not part.is_over and part.exchange_since is not None
    }
    sub.resold_since = min(held.values(), default=None)
    first = first_day(sub, last) - dt.timedelta(days=62)
    spans = [(id, max(first, part.activated_on), last) for id, part in parts.items()]
    read = usage.between([*spans, (sub.id, first, last)])
    meters = {meter for series in read.values() for meter in series}
    terms = sub.terms_at(last)
    sub.readings = {}
    for meter in meters:
        is_exchange = meter.startswith("exchange.")
        ended = {
            id for id, part in parts.items() if part.is_over or (is_exchange and part.exchange_since is None)
        }
        charge = terms.charges.get(meter)
        sub.readings[meter] = _sum(
            {id: series[meter] for id, series in read.items() if meter in series},
            expected=len(held) if is_exchange else 0,
            ended=ended,
            aggregate=charge.aggregate if charge is not None else "last",
        )
        if is_exchange and not held and sub.exchange_since is None:
            this_month = [r.day for r in sub.readings[meter] if sub.month.start <= r.day < last]
            if this_month:  # what was before counts, and the closing sum is known to be nothing
                sub.resold_since = this_month[0]
                sub.readings[meter].append(Reading(last, _ZERO, last.isoformat(), "sum of 0 accounts"))


def _sum(
    series: dict[int, list[Reading]], *, expected: int, ended: set[int], aggregate: str
) -> list[Reading]:
    """One series from several: each day's sum of the last known values; a day one did not answer is marked as carried.

    What has ended counts up to its last reading, which an average does not weigh any more: the day of a removal is free
    (C3). The amount of a day is never carried to the next.
    """
    by_day: dict[int, dict[dt.date, Reading]] = {
        id: {reading.day: reading for reading in one} for id, one in series.items()
    }
    summed: list[Reading] = []
    known: dict[int, Fraction | None] = dict.fromkeys(by_day)
    is_missing = len(by_day.keys() - ended) < expected
    for day in sorted({day for one in by_day.values() for day in one}):
        is_carried = is_missing
        for id, one in by_day.items():
            if aggregate == "average" and id in ended and day >= max(one):
                known[id] = None
            elif day in one:
                known[id] = one[day].value
            elif aggregate == "sum" or (id in ended and day > max(one)):
                known[id] = None
            elif known[id] is not None:
                is_carried = True
        total = sum((value for value in known.values() if value is not None), _ZERO)
        answered = sum(value is not None for value in known.values())
        summed.append(Reading(day, total, day.isoformat(), f"sum of {answered} accounts", is_carried))
    return summed

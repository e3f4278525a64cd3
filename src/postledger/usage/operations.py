"""stub"""
import datetime as dt
from collections.abc import Iterable
from postledger.usage.models import Reading
from postledger.subscriptions.models import Subscription


def record_readings(*, readings: Iterable[tuple]) -> int:
    n = 0
    for subscription_id, meter, taken_at, value, unit, source in readings:
        sub = Subscription.objects.get(pk=subscription_id)
        _, made = Reading.objects.get_or_create(subscription_id=subscription_id, day=taken_at.date(), meter=meter, taken_at=taken_at, defaults=dict(value=value, source=source, seller_id=sub.seller_id))
        n += made
    return n

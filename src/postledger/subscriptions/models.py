"""Agreements: what a buyer holds of a plan and where he stands in its calendar.

Invariant: one row says how a subscription stands now, `Change` how it came there.
"""

from django.db import models


class Subscription(models.Model):
    """An agreement between a seller and a buyer about one plan.

    The calendar follows from `anchor`, `offset` (months from the anchor to the open period), `months` (its length) and
    `month_index` (its closed months); `next_close` is what follows, stored to be searched.
    """

    STATUSES = [
        ("waiting", "Waiting for review"),
        ("trial", "On trial"),
        ("active", "Active"),
        ("suspended", "Suspended"),
        ("closed", "Closed"),
        ("deleted", "Deleted"),
    ]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    plan = models.ForeignKey("catalog.Plan", models.PROTECT, related_name="+", db_index=False)
    kept_version = models.ForeignKey(
        "catalog.PlanVersion", models.PROTECT, null=True, related_name="+", db_index=False
    )
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=16, choices=STATUSES)
    months = models.PositiveSmallIntegerField()
    anchor = models.DateField()
    offset = models.PositiveIntegerField(default=0)
    month_index = models.PositiveSmallIntegerField(default=0)
    next_close = models.DateField(null=True)
    is_parked = models.BooleanField(default=False)  # left out of billing runs until released
    is_period_over = models.BooleanField(default=False)
    activated_on = models.DateField(null=True)
    trial_ends_on = models.DateField(null=True)
    suspended_on = models.DateField(null=True)
    suspended_from = models.CharField(max_length=16, blank=True)  # the status to resume to
    suspended_reason = models.CharField(max_length=64, blank=True)
    exchange_since = models.DateField(null=True)
    promotions = models.JSONField(default=list)  # percentages as texts
    packages = models.JSONField(default=dict)  # name → count, as text
    recorded = models.JSONField(default=list)  # lines recorded on trial (M9)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                "next_close",
                "id",
                name="closes_to_come",
                condition=models.Q(next_close__isnull=False, is_parked=False),
            ),
            models.Index("seller", "status", name="subscriptions_of_a_seller"),
        ]
        constraints = [
            models.UniqueConstraint(
                "buyer",
                name="one_open_subscription_per_buyer",
                condition=~models.Q(status__in=["closed", "deleted"]),
            ),
            models.CheckConstraint(
                condition=models.Q(next_close=None) | models.Q(status__in=["active", "suspended"]),
                name="only_open_subscriptions_close",
            ),
        ]

    def __str__(self):
        return f"subscription {self.pk}"


class Item(models.Model):
    """One charge as a subscription holds it, where that is more than the plan says by itself."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="+")
    seller_id = models.BigIntegerField()
    charge = models.CharField(max_length=100)
    quantity = models.DecimalField(max_digits=18, decimal_places=6, default=0)
    is_on = models.BooleanField(default=True)
    usage_from = models.DateField(null=True)
    pool_units = models.DecimalField(max_digits=18, decimal_places=6, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint("subscription", "charge", name="one_item_per_charge"),
            models.CheckConstraint(condition=models.Q(quantity__gte=0), name="quantities_are_not_negative"),
        ]

    def __str__(self):
        return f"{self.charge} of subscription {self.subscription_id}"


class Change(models.Model):
    """A dated change of a subscription, as it was asked for."""

    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="+")
    seller_id = models.BigIntegerField()
    on = models.DateField()
    kind = models.CharField(max_length=32)
    data = models.JSONField(default=dict)
    actor = models.CharField(max_length=100)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index("subscription", "id", name="changes_of_a_subscription")]

    def __str__(self):
        return f"{self.kind} on {self.on}"

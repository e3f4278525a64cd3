"""Billing runs, invoices and what waits to be billed.

Invariants, kept by the database: an invoice and its lines are never changed; numbers are gapless per seller; one close of a
subscription makes at most one invoice; no usage of one charge and month is on two lines.
"""

from django.db import models


class SellerSettings(models.Model):
    """How a seller bills: his taxes in the order listed, and what he sends."""

    seller = models.OneToOneField("accounts.Account", models.PROTECT, related_name="+", primary_key=True)
    taxes = models.JSONField(default=list)  # [[name, percentage as text], …] (M3)
    sends_no_charge_notice = models.BooleanField(default=False)
    number_prefix = models.CharField(max_length=20, blank=True)
    next_number = models.BigIntegerField(default=1)

    def __str__(self):
        return f"billing settings of {self.seller_id}"


class Invoice(models.Model):
    """What one event or one close books, final from the start: an invoice, or a credit note where its total is negative."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    subscription = models.ForeignKey(
        "subscriptions.Subscription", models.PROTECT, null=True, related_name="+"
    )
    for_subscription_id = models.BigIntegerField(null=True)  # wholesale: the customer's it arose from (M10)
    entry = models.ForeignKey("ledger.Entry", models.PROTECT, related_name="+", db_index=False)
    number = models.BigIntegerField()
    kind = models.CharField(max_length=16)  # invoice, credit_note
    on = models.DateField()
    posted_on = models.DateField()
    closes_on = models.DateField(null=True)
    currency = models.CharField(max_length=3)
    subtotal = models.BigIntegerField()
    tax = models.BigIntegerField()
    total = models.BigIntegerField()
    is_silent = models.BooleanField(default=False)  # only zero lines: kept on the statement, not sent (R10)
    parties = models.JSONField()  # names, addresses and number prefix as they were

    class Meta:
        constraints = [
            models.UniqueConstraint("seller", "number", name="invoice_numbers_are_unique_per_seller"),
            models.UniqueConstraint(
                "subscription",
                "closes_on",
                name="one_invoice_per_close",
                condition=models.Q(closes_on__isnull=False, for_subscription_id=None),
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.number}"


class InvoiceLine(models.Model):
    """One line; `why` holds the exact numbers it was made from, so that it explains itself for ever."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="+")
    seller_id = models.BigIntegerField()
    subscription_id = models.BigIntegerField(
        null=True
    )  # whose holding it is about: wholesale, the customer's
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16)
    item = models.CharField(max_length=200)
    start = models.DateField(null=True)
    end = models.DateField(null=True)
    full_start = models.DateField(null=True)
    full_end = models.DateField(null=True)
    quantity = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    unit_price = models.DecimalField(max_digits=24, decimal_places=10, null=True)
    amount = models.BigIntegerField()
    is_taxed = models.BooleanField(default=True)
    why = models.JSONField()

    class Meta:
        indexes = [models.Index("subscription_id", "kind", "full_end", name="prepaid_lines")]

    def __str__(self):
        return f"{self.kind} {self.item}"


class PendingUsage(models.Model):
    """Usage of a closed month that waits for a reading (U4)."""

    subscription = models.ForeignKey("subscriptions.Subscription", models.CASCADE, related_name="+")
    seller_id = models.BigIntegerField()
    item = models.CharField(max_length=100)
    start = models.DateField()
    end = models.DateField()
    closes_on = models.DateField()
    plan_version = models.ForeignKey("catalog.PlanVersion", models.PROTECT, related_name="+")
    months = models.PositiveSmallIntegerField()
    price = models.CharField(max_length=100)  # exact, as text
    threshold = models.CharField(max_length=100)

    class Meta:
        constraints = [
            models.UniqueConstraint("subscription", "item", "closes_on", name="usage_waits_once_per_close")
        ]

    def __str__(self):
        return f"{self.item} of {self.start}"


class Credit(models.Model):
    """A credit entered by the seller (M4)."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    buyer = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    entry = models.ForeignKey("ledger.Entry", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    on = models.DateField()
    reason = models.CharField(max_length=200)
    text = models.CharField(max_length=200)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="credits_are_positive")]

    def __str__(self):
        return f"credit {self.amount}"


class RepeatingDebit(models.Model):
    """A debit that falls due at each close of a month or period, the first at the first close (M4)."""

    subscription = models.ForeignKey("subscriptions.Subscription", models.CASCADE, related_name="+")
    seller_id = models.BigIntegerField()
    amount = models.BigIntegerField()
    is_taxed = models.BooleanField()
    every = models.CharField(max_length=8)  # month, period
    text = models.CharField(max_length=200)
    since = models.DateField()
    until = models.DateField(null=True)

    def __str__(self):
        return f"debit {self.amount} every {self.every}"


class Parked(models.Model):
    """A subscription that a run could not bill, with the reason in words; released by an operator or by a change."""

    subscription = models.OneToOneField(
        "subscriptions.Subscription", models.CASCADE, related_name="+", primary_key=True
    )
    seller_id = models.BigIntegerField()
    closes_on = models.DateField()
    reason = models.TextField()
    at = models.DateTimeField()

    def __str__(self):
        return f"parked {self.subscription_id}"


class BillingRun(models.Model):
    """One pass over everything due, as it went."""

    seller_id = models.BigIntegerField(null=True)  # null: all sellers
    as_of = models.DateField(null=True)  # null: each seller's own today
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    closes = models.BigIntegerField(default=0)
    lines = models.BigIntegerField(default=0)
    parked = models.BigIntegerField(default=0)
    totals = models.JSONField(default=dict)  # currency → minor units
    started_by = models.CharField(max_length=100)

    def __str__(self):
        return f"billing run {self.pk}"

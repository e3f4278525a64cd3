"""Money received, who may owe how much, and what happens to debtors."""

from django.db import models


class CollectionPolicy(models.Model):
    """When a seller charges cards and what he does about debts (M5, M7)."""

    seller = models.OneToOneField("accounts.Account", models.PROTECT, related_name="+", primary_key=True)
    mode = models.CharField(max_length=16, default="anniversary")  # or credit_limit
    dunning = models.JSONField(default=list)  # [[step, days], …] in order; a step that is off is not listed

    def __str__(self):
        return f"collection policy of {self.seller_id}"


class PaymentTerms(models.Model):
    """How a buyer pays and how much he may owe."""

    buyer = models.OneToOneField("accounts.Account", models.PROTECT, related_name="+", primary_key=True)
    seller_id = models.BigIntegerField()
    method = models.CharField(max_length=16, default="check")  # or card
    credit_limit = models.BigIntegerField(null=True)  # minor units; null: none set (M5)
    is_card_declining = models.BooleanField(default=False)  # what the test gateway's card will do
    is_card_declined = models.BooleanField(default=False)  # a charge failed; tried again when valid (M6)
    is_close_due = models.BooleanField(default=False)  # a close was booked, the card not charged yet (M5)
    ceiling = models.BigIntegerField(null=True)  # minor units a month that a buyer approves in advance
    ceiling_approved_until = models.DateField(null=True)
    ceiling_warned_for = models.DateField(null=True)  # the start of the month he was warned in

    def __str__(self):
        return f"payment terms of {self.buyer_id}"


class Payment(models.Model):
    """Money received."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    buyer = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    entry = models.ForeignKey("ledger.Entry", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=16)
    on = models.DateField()
    key = models.CharField(max_length=100)  # chosen by the caller; the same key is the same payment

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payments_are_positive"),
            models.UniqueConstraint("seller", "key", name="one_payment_per_key"),
        ]

    def __str__(self):
        return f"payment {self.amount}"


class Allocation(models.Model):
    """Which invoice a payment pays, and how much of it."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="+")
    seller_id = models.BigIntegerField()
    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="+")
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint("payment", "invoice", name="one_allocation_per_payment_and_invoice")
        ]

    def __str__(self):
        return f"{self.amount} of payment {self.payment_id}"


class Debtor(models.Model):
    """A buyer whose debt goes beyond his credit limit, and how far the steps have come (M7)."""

    buyer = models.OneToOneField("accounts.Account", models.PROTECT, related_name="+", primary_key=True)
    seller_id = models.BigIntegerField()
    since = models.DateField()
    steps_done = models.PositiveSmallIntegerField(default=0)
    last_step_on = models.DateField()
    next_step_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index("next_step_on", name="debtors_due", condition=models.Q(next_step_on__isnull=False))
        ]

    def __str__(self):
        return f"debtor {self.buyer_id}"

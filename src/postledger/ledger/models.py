"""The books. Invariants, kept by the database: entries balance, and nothing posted is ever changed.

Sign: a posting is positive on the debit side and negative on the credit side. A buyer's balance is the negative sum of
the postings on his receivable account: positive is credit he has, negative is debt.
"""

from django.db import models


class LedgerAccount(models.Model):
    """A column of a seller's books; a receivable belongs to one buyer."""

    KINDS = [
        ("receivable", "Owed by a buyer"),
        ("revenue", "Revenue"),
        ("tax", "Tax owed"),
        ("cash", "Money received"),
        ("credits", "Credits granted"),
        ("opening", "Opening balances"),
    ]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    buyer = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=16, choices=KINDS)
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "seller",
                "kind",
                "currency",
                "buyer",
                nulls_distinct=False,
                name="one_ledger_account_per_purpose",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.currency} of {self.seller_id}"


class Entry(models.Model):
    """One balanced booking; `on` is the day it belongs to, `posted_on` the day it was written (C4)."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+", db_index=False)
    buyer_id = models.BigIntegerField()
    kind = models.CharField(max_length=16)  # invoice, payment, credit, opening
    on = models.DateField()
    posted_on = models.DateField()
    posted_at = models.DateTimeField()
    text = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index("buyer_id", "on", name="entries_of_a_buyer")]

    def __str__(self):
        return f"{self.kind} {self.pk}"


class Posting(models.Model):
    """One leg of an entry, in whole minor units; debit positive."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    seller_id = models.BigIntegerField()
    ledger_account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()

    def __str__(self):
        return f"{self.amount} on {self.ledger_account_id}"

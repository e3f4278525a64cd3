"""What happened, append-only, and what must still be told to the outside.

Events stand below accounts, so parties are kept by number and not by foreign key.
"""

from django.db import models


class Event(models.Model):
    """Something that happened to an account; never changed, never deleted, never holding a secret."""

    seller_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=64)  # "subscription.started"
    subject = models.CharField(max_length=300, blank=True)  # what it happened to, in words: "acme.example"
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    actor = models.CharField(max_length=64)  # "user 12", "system"

    class Meta:
        indexes = [
            models.Index(fields=["seller_id", "-at"], name="event_by_seller"),
            models.Index(fields=["account_id", "-at"], name="event_by_account"),
        ]

    def __str__(self):
        return f"{self.kind} {self.subject}"


class OutboxMail(models.Model):
    """A mail to be sent: written in the transaction of what it tells about, delivered by a worker afterwards."""

    seller_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True)
    key = models.CharField(max_length=200)  # the same key is never sent twice: "invoice 2026-0007"
    to = models.EmailField()
    sender = models.EmailField(blank=True)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    attachment = models.JSONField(default=dict)  # {"invoice_id": 7}: rendered when it is sent
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    last_error = models.TextField(blank=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("seller_id", "key", name="a_mail_key_is_sent_once")]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="mail_due",
                condition=models.Q(delivered_at=None, due_at__isnull=False),
            )
        ]

    def __str__(self):
        return f"{self.to}: {self.subject}"

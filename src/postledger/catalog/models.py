"""What is sold. Invariant: a plan version is never changed; a new price is a new version (F6, U7)."""

from django.db import models
from django.db.models.functions import Lower


class Plan(models.Model):
    """A named offer of a seller."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    code = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    is_offered = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("seller", Lower("code"), name="plan_codes_are_unique_per_seller")
        ]

    def __str__(self):
        return self.code


class PlanVersion(models.Model):
    """The frozen terms of a plan from a day on; `terms` is the stored form of `core.terms`."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+")
    seller_id = models.BigIntegerField()
    number = models.PositiveIntegerField()
    effective_from = models.DateField()
    terms = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("plan", "number", name="plan_version_numbers_are_unique")]

    def __str__(self):
        return f"{self.plan_id} version {self.number}"

"""What was read from the platforms. Invariant: a reading is kept as it was answered, once per instant."""

from django.db import models


class Reading(models.Model):
    """What a meter of a subscription showed; `day` is that instant's date in the seller's time zone."""

    subscription = models.ForeignKey(
        "subscriptions.Subscription", models.CASCADE, related_name="+", db_index=False
    )
    seller_id = models.BigIntegerField()
    day = models.DateField()
    meter = models.CharField(max_length=100)
    taken_at = models.DateTimeField()
    value = models.DecimalField(max_digits=20, decimal_places=6)
    source = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "subscription", "day", "meter", "taken_at", name="one_reading_per_instant"
            ),
            # NaN sorts above every number, so an upper bound keeps it out
            models.CheckConstraint(
                condition=models.Q(value__gte=0, value__lte=10**13), name="readings_are_real_quantities"
            ),
        ]

    def __str__(self):
        return f"{self.meter} {self.value} on {self.day}"


class RefusedReading(models.Model):
    """An answer that cannot be a reading; its subscription is not billed until somebody has looked at it."""

    subscription = models.ForeignKey("subscriptions.Subscription", models.CASCADE, related_name="+")
    seller_id = models.BigIntegerField()
    meter = models.CharField(max_length=100)
    taken_at = models.DateTimeField()
    value = models.CharField(max_length=100)
    reason = models.CharField(max_length=300)
    source = models.CharField(max_length=100, blank=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("subscription", name="refused_readings_open", condition=models.Q(cleared_at=None))
        ]

    def __str__(self):
        return f"{self.meter} {self.value}: {self.reason}"

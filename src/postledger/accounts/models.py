"""Who sells to whom and who may sign in. An account's `seller` is its parent in the tree; the provider has none."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class Account(models.Model):
    """A party: the provider, a reseller, or a customer; what it buys is sold to it by `seller`."""

    KINDS = [("provider", "Provider"), ("reseller", "Reseller"), ("customer", "Customer")]

    seller = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=16, choices=KINDS)
    code = models.CharField(max_length=64)  # short name: "acme"
    name = models.CharField(max_length=200)  # as printed: "Acme Ltd"
    email = models.EmailField(blank=True)
    # When its seller entered the address, or its owner proved it: an unproved one never links an existing account.
    email_confirmed_at = models.DateTimeField(null=True)
    address = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3)  # the one it sells in (a customer: the one it is billed in)
    time_zone = models.CharField(max_length=64, default="UTC")  # billing time zone of a seller (C3)
    is_tax_exempt = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("seller", Lower("code"), name="account_codes_are_unique_per_seller"),
            models.CheckConstraint(
                condition=models.Q(kind="provider", seller=None)
                | (~models.Q(kind="provider") & models.Q(seller__isnull=False)),
                name="only_a_provider_has_no_seller",
            ),
        ]

    def __str__(self):
        return self.code


class User(AbstractBaseUser):
    """A person who signs in for one account."""

    ROLES = [("owner", "Owner"), ("staff", "Staff"), ("viewer", "Viewer")]

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    email = models.EmailField(unique=True)  # Django wants it; the constraint below is the stronger one
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=16, choices=ROLES, default="owner")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "email"
    objects = BaseUserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_emails_are_unique")]

    def __str__(self):
        return self.email


class ApiToken(models.Model):
    """A key a program signs in with for one user; only its digest is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint("digest", name="token_digests_are_unique")]

    def __str__(self):
        return f"{self.prefix}…"


class AnsweredRequest(models.Model):
    """What a program was answered under an idempotency key of its user; kept two days, so that asking again is harmless."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # of what was asked, keyed: a body may hold a password
    status = models.PositiveSmallIntegerField(null=True)  # null: still at work, or killed at it
    body = models.TextField(blank=True)
    begun_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("user", "key", name="a_key_is_answered_once_per_user")]

    def __str__(self):
        return f"{self.key} of {self.user_id}"

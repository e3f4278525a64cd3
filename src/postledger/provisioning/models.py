"""Connections to platforms, what each hosted thing should be and was found to be, the calls made for it, and DNS zones.

Invariant: `generation` says how often the wish was changed, `observed_generation` which wish the platform was last seen
to meet; they are equal exactly when there is nothing left to do. Nothing is assumed about a platform: what stands in
`observed` was read from it.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower


class Connection(models.Model):
    """A seller's access to a platform. Secrets are stored encrypted and leave this context only to open a session."""

    CONDITIONS = [
        ("untested", "Not tested yet"),
        ("ok", "Working"),
        ("failing", "Failing, tried again by itself"),
        ("blocked", "Failing until somebody changes it"),
    ]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    connector = models.CharField(max_length=32)  # "wsp", "powerdns"
    name = models.CharField(max_length=100)
    settings = models.JSONField(default=dict)
    secrets = models.TextField(blank=True)  # Fernet token over JSON
    mail = models.JSONField(
        default=dict
    )  # the records its domains need: {"mx": [[10, host]], "autodiscover": …}
    is_enabled = models.BooleanField(default=True)
    condition = models.CharField(max_length=16, choices=CONDITIONS, default="untested")
    words = models.TextField(blank=True)
    failures = models.IntegerField(default=0)  # in a row
    retry_at = models.DateTimeField(null=True)  # the circuit is open until then
    checked_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict)  # what the last check found
    drift_at = models.DateTimeField(null=True)  # when a walk over the platform last came to its end
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("seller", Lower("name"), name="connection_names_are_unique_per_seller")
        ]

    def __str__(self):
        return self.name


class PlatformPlan(models.Model):
    """A plan seen on a platform, which a seller may switch on for plans of his."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    reference = models.CharField(max_length=64)  # the platform's own id
    name = models.CharField(max_length=300)
    details = models.JSONField(default=dict)  # limits and features, as the connector told
    scope = models.CharField(max_length=16, default="account")  # account, addon, mailbox
    is_available = models.BooleanField(default=True)
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)  # no longer there at the last look

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "scope", "reference"], name="a_platform_plan_is_listed_once"
            )
        ]

    def __str__(self):
        return self.name


class PlanOffer(models.Model):
    """A platform plan switched on for a plan we sell. `plan_id` is the catalog's."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    plan_id = models.BigIntegerField()
    platform_plan = models.ForeignKey(PlatformPlan, models.PROTECT, related_name="+")
    is_default = models.BooleanField(default=False)
    switched_on_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "plan_id", "platform_plan"], name="a_platform_plan_is_offered_once_per_plan"
            ),
            models.UniqueConstraint(
                fields=["seller", "plan_id"],
                condition=Q(is_default=True),
                name="a_plan_has_one_default_platform_plan",
            ),
        ]

    def __str__(self):
        return f"plan {self.plan_id}: {self.platform_plan_id}"


class Resource(models.Model):
    """A hosted thing of one account on one connection: what is wanted and what was found.

    Resources form trees (account → organization → domains, mailboxes …). A tree is worked by one worker at a time, who
    holds the lease on its root.
    """

    CONDITIONS = [
        ("waiting", "Waiting"),
        ("working", "Being set up"),
        ("ready", "Ready"),
        ("drifted", "Changed on the platform"),
        ("retrying", "Tried again by itself"),
        ("refused", "Refused by the platform"),
        ("needs_operator", "Needs an operator"),
        ("removing", "Being removed"),
        ("gone", "Removed"),
    ]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    subscription_id = models.BigIntegerField(null=True)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    root = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")  # None: this is the root
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=300)

    desired = models.JSONField(default=dict)
    is_wanted = models.BooleanField(default=True)
    removal_reason = models.CharField(max_length=64, blank=True)  # why it may be deleted on the platform
    is_confirmed = models.BooleanField(
        default=False
    )  # an operator let this wish pass the brake on mass changes
    wished_by = models.CharField(max_length=64, default="system")
    generation = models.IntegerField(default=1)
    observed = models.JSONField(null=True)
    observed_generation = models.IntegerField(default=0)
    observed_at = models.DateTimeField(null=True)
    reference = models.JSONField(default=dict)  # the platform's ids
    creating_since = models.DateTimeField(null=True)  # we found nothing under this key and set out to make it
    is_linked = models.BooleanField(default=False)  # it was there before us and was taken over
    may_adopt = models.BooleanField(default=False)  # an operator said: what is found under this key is his
    last_read_at = models.DateTimeField(
        null=True
    )  # its usage was read for the last time, before its removal began

    condition = models.CharField(max_length=16, choices=CONDITIONS, default="waiting")
    words = models.TextField(blank=True)
    reason = models.CharField(
        max_length=64, blank=True, db_default=""
    )  # the code of what stopped or delayed it
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "kind", "key"],
                condition=Q(gone_at=None) & ~Q(kind__in=("exchange_contact", "exchange_folder")),
                name="a_thing_on_a_platform_has_one_holder",
            ),
            models.UniqueConstraint(
                fields=["seller", "parent", "kind", "key"],
                condition=Q(gone_at=None, kind__in=("exchange_contact", "exchange_folder")),
                name="an_organization_has_a_contact_or_folder_once",
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(gone_at=None, kind="exchange_domain"),
                name="a_mail_domain_serves_one_organization",
            ),
            models.CheckConstraint(
                condition=Q(observed_generation__lte=F("generation")),
                name="nothing_is_observed_before_it_is_wanted",
            ),
            models.CheckConstraint(
                condition=Q(parent=None, root=None) | Q(parent__isnull=False, root__isnull=False),
                name="every_branch_knows_its_root",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="resource_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["account", "kind"], name="resource_by_account"),
            models.Index(fields=["root"], name="resource_by_root"),
        ]

    def __str__(self):
        return f"{self.kind} {self.key}"


class PlatformCall(models.Model):
    """One call to a platform: who caused it, what was asked and answered (secrets masked), how it ended."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    resource_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=64)
    purpose = models.CharField(max_length=64)  # the workflow: "reconcile", "collect_usage"
    operation = models.CharField(max_length=128)
    request = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    outcome = models.CharField(max_length=32)
    at = models.DateTimeField()
    duration_ms = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["connection", "-at"], name="call_by_connection")]

    def __str__(self):
        return self.operation


class Zone(models.Model):
    """A DNS zone of an account: hosted by us, or elsewhere (then we only say what it needs and check it)."""

    HOSTINGS = [("here", "Hosted here"), ("elsewhere", "Hosted elsewhere")]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)  # no trailing dot, punycode
    hosting = models.CharField(max_length=16, choices=HOSTINGS, default="here")
    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, related_name="+"
    )  # where it is published
    serial = models.BigIntegerField(default=1)
    generation = models.IntegerField(default=1)
    published_generation = models.IntegerField(default=0)
    publish_due_at = models.DateTimeField(null=True)
    publish_attempts = models.IntegerField(default=0)
    publish_words = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    check_words = models.TextField(blank=True)
    marks = models.JSONField(
        default=list
    )  # our notes about sets we made and what they hide or were merged into
    published = models.JSONField(default=list)  # what was last published, to know what must go
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="a_zone_has_one_holder")]

    def __str__(self):
        return self.name


class RecordSet(models.Model):
    """All records of one name and type that one owner put into a zone.

    Of the sets of one name and type at most one is not hidden. A hidden one stays in the table and is not published;
    it comes back when what hid it goes.
    """

    zone = models.ForeignKey(Zone, models.CASCADE, related_name="+")
    name = models.CharField(max_length=255)  # full name, no trailing dot
    type = models.CharField(max_length=10)
    ttl = models.IntegerField(default=3600)
    data = models.JSONField()  # list of texts in presentation form
    owner = models.CharField(max_length=16)  # builtin, customer, exchange
    is_hidden = models.BooleanField(default=False)
    seen_authoritative = models.JSONField(null=True)
    seen_resolver = models.JSONField(null=True)
    is_seen = models.BooleanField(null=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["zone", "name", "type", "owner"], name="an_owner_has_one_set_per_name_and_type"
            ),
            models.UniqueConstraint(
                fields=["zone", "name", "type"],
                condition=Q(is_hidden=False),
                name="one_set_per_name_and_type_shows",
            ),
        ]

    def __str__(self):
        return f"{self.name} {self.type}"


class EstateWalk(models.Model):
    """A walk over everything our reseller account holds on a platform, and how far it came."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    cursor = models.JSONField(null=True)  # the connector's own; None before the first page
    seen = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "connection"],
                condition=Q(finished_at=None),
                name="one_open_walk_per_connection",
            )
        ]

    def __str__(self):
        return f"{self.seen} of {self.total}"


class Proposal(models.Model):
    """An account found on a platform that is nobody's here, and the customer it may belong to."""

    STATES = [("open", "To decide"), ("linked", "Linked"), ("rejected", "Not his")]

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    walk = models.ForeignKey(EstateWalk, models.SET_NULL, null=True, related_name="+")  # that saw it last
    reference_key = models.CharField(max_length=200)  # the reference as text, to find it again
    reference = models.JSONField()
    name = models.CharField(max_length=300)  # login name on the platform
    email = models.CharField(max_length=320, blank=True)
    company = models.CharField(max_length=300, blank=True)
    person = models.CharField(max_length=300, blank=True)
    plan = models.CharField(max_length=64, blank=True)  # the platform's own id
    status = models.CharField(max_length=16, blank=True)
    organizations = models.JSONField(default=list)  # [{"code", "name", "reference"}]
    domains = models.JSONField(default=list)
    mailboxes = models.IntegerField(default=0)
    account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    score = models.IntegerField(default=0)
    reasons = models.JSONField(default=list)
    is_proved = models.BooleanField(default=False)
    is_unique = models.BooleanField(default=False)  # no other customer fits as well
    is_further = models.BooleanField(
        default=False, db_default=False
    )  # its login is linked, or has its Exchange in another subscription
    state = models.CharField(max_length=16, choices=STATES, default="open")
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    unlinked_from = models.ForeignKey(
        "accounts.Account", models.PROTECT, null=True, related_name="+"
    )  # was his by mistake, and is not proposed to be his again

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "connection", "reference_key"], name="an_account_is_proposed_once"
            )
        ]
        indexes = [
            models.Index(fields=["connection", "state", "-score"], name="proposal_by_score"),
            models.Index(fields=["connection", "name"], name="proposal_by_name"),
        ]

    def __str__(self):
        return self.name


class Difference(models.Model):
    """Something that is otherwise on a platform than here or on the last invoice, and what it is worth a month."""

    seller = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    code = models.CharField(max_length=32)
    kind = models.CharField(max_length=32)
    name = models.CharField(max_length=300)
    meter = models.CharField(max_length=64, blank=True)
    words = models.TextField()
    there = models.CharField(max_length=200, blank=True)
    here = models.CharField(max_length=200, blank=True)
    billed = models.CharField(max_length=200, blank=True)
    worth = models.BigIntegerField(null=True)  # a month, minor units; None where no price is known
    currency = models.CharField(max_length=3, blank=True)
    action = models.CharField(max_length=16, blank=True)  # what is proposed
    account_id = models.BigIntegerField(null=True)
    resource_id = models.BigIntegerField(null=True)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    ignored_at = models.DateTimeField(null=True)
    ignored_by = models.CharField(max_length=64, blank=True)
    ignored_because = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True)  # somebody acted; the next walk looks whether it helped

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "connection", "code", "name", "meter"], name="a_difference_is_listed_once"
            )
        ]

    def __str__(self):
        return f"{self.code} {self.name}"

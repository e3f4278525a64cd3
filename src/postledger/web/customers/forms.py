"""What a seller enters about his customers."""

from decimal import Decimal, InvalidOperation

from django import forms

from postledger.web.forms import AmountField, Form


class Customer(Form):
    """A new customer, and the person who signs in for him first."""

    name = forms.CharField(label="Name", max_length=200, help_text="As printed on invoices.")
    code = forms.CharField(
        label="Code",
        max_length=63,
        help_text="A short name of your own: small letters, digits, hyphens. It becomes his login on the mail platform.",
    )
    email = forms.EmailField(label="E-mail", help_text="Invoices are sent here.")
    address = forms.CharField(label="Address", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.CharField(
        label="Country", required=False, max_length=2, help_text="Two letters, as in DE."
    )
    is_tax_exempt = forms.BooleanField(label="Pays no tax", required=False)
    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            ("customer", "Customer: uses what you sell"),
            ("reseller", "Reseller: sells to customers of his own"),
        ],
        widget=forms.RadioSelect,
        initial="customer",
    )
    password = forms.CharField(
        label="First password",
        required=False,
        min_length=8,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For signing in with the e-mail address above. Empty: he is sent nothing and cannot sign in yet.",
    )


class Details(Form):
    name = forms.CharField(label="Name", max_length=200)
    email = forms.EmailField(label="E-mail", required=False)
    address = forms.CharField(label="Address", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.CharField(label="Country", required=False, max_length=2)
    is_tax_exempt = forms.BooleanField(label="Pays no tax", required=False)


class User(Form):
    email = forms.EmailField(label="E-mail")
    name = forms.CharField(label="Name", max_length=200, required=False)
    role = forms.ChoiceField(
        label="May",
        choices=[
            ("owner", "do everything"),
            ("staff", "do everything but manage people"),
            ("viewer", "only look"),
        ],
        widget=forms.RadioSelect,
        initial="owner",
    )
    password = forms.CharField(
        label="First password",
        min_length=8,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class Payment(Form):
    method = forms.ChoiceField(
        label="How",
        choices=[("transfer", "Bank transfer"), ("check", "Check"), ("cash", "Cash"), ("other", "Other")],
    )
    key = forms.CharField(
        label="Reference",
        max_length=80,
        help_text="The bank's reference or the check's number. The same reference is the same payment: it is booked once.",
    )

    def __init__(self, currency: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields = {"amount": AmountField(currency=currency, label=f"Amount ({currency})"), **self.fields}


class Credit(Form):
    reason = forms.ChoiceField(
        label="Reason",
        choices=[
            ("goodwill", "Goodwill"),
            ("correction", "Correction"),
            ("outage", "Outage"),
            ("other", "Other"),
        ],
    )
    text = forms.CharField(label="Text on the statement", max_length=200)

    def __init__(self, currency: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields = {"amount": AmountField(currency=currency, label=f"Amount ({currency})"), **self.fields}


class Debit(Form):
    text = forms.CharField(label="Text on the invoice", max_length=200)
    is_taxed = forms.BooleanField(label="Add tax", required=False, initial=True)
    every = forms.ChoiceField(
        label="When",
        choices=[
            ("once", "Once, today"),
            ("month", "At every month close, from the next on"),
            ("period", "At every period close, from the next on"),
        ],
        widget=forms.RadioSelect,
        initial="once",
    )

    def __init__(self, currency: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields = {"amount": AmountField(currency=currency, label=f"Amount ({currency})"), **self.fields}


class Terms(Form):
    """How much a buyer may owe, and how much he may order in a month."""

    ceiling_approved_until = forms.DateField(
        label="More than that is approved until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, currency: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        limit = AmountField(
            currency=currency,
            label=f"Credit limit ({currency})",
            required=False,
            min_value=0,
            help_text="A purchase that would leave more debt than this is refused. Empty: there is no limit.",
        )
        ceiling = AmountField(
            currency=currency,
            label=f"Ceiling on Exchange usage in a month ({currency})",
            required=False,
            min_value=0,
            help_text="What would bring the month above it is not ordered without you. Empty: there is none.",
        )
        self.fields = {"credit_limit": limit, "ceiling": ceiling, **self.fields}


class Selling(Form):
    """How a seller appears on his invoices, and how he bills and collects."""

    name = forms.CharField(label="Name", max_length=200, help_text="As printed on invoices.")
    email = forms.EmailField(label="E-mail", required=False)
    address = forms.CharField(label="Address", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.CharField(label="Country", required=False, max_length=2)
    number_prefix = forms.CharField(
        label="Prefix of invoice numbers", required=False, max_length=16, help_text="Such as 2027- or INV-."
    )
    taxes = forms.CharField(
        label="Taxes",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "VAT 19"}),
        help_text="A name and a percentage, one a line. They apply to what is billed from now on.",
    )
    sends_no_charge_notice = forms.BooleanField(
        label="Tell customers when a month closes without a charge", required=False
    )
    notice = forms.IntegerField(
        label="Reminder",
        required=False,
        min_value=0,
        help_text="Days after a debt began. Empty: no reminder.",
    )
    pre_suspension = forms.IntegerField(
        label="Warning before suspension",
        required=False,
        min_value=0,
        help_text="Days after the step before.",
    )
    suspension = forms.IntegerField(
        label="Suspension", required=False, min_value=0, help_text="Days after the step before."
    )
    deletion = forms.IntegerField(
        label="Deletion",
        required=False,
        min_value=0,
        help_text="Days after the step before. Exchange is only suspended until you confirm.",
    )

    def clean_taxes(self) -> list[tuple[str, str]]:
        found = []
        for line in self.cleaned_data["taxes"].splitlines():
            if not line.strip():
                continue
            name, _, rate = line.strip().removesuffix("%").strip().rpartition(" ")
            try:
                is_rate = bool(name) and 0 <= Decimal(rate) <= 100
            except InvalidOperation:
                is_rate = False
            if not is_rate:
                raise forms.ValidationError(
                    f"“{line.strip()}” is no tax. Write a name and a percentage: VAT 19"
                )
            found.append((name.strip(), rate))
        return found


class Suspension(Form):
    reason = forms.CharField(label="Reason", max_length=100, help_text="Your customer sees it.")

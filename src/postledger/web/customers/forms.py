"""What a seller enters about his customers."""

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
    """How a buyer pays, how much he may owe, and how much he may order in a month."""

    method = forms.ChoiceField(
        label="Pays by",
        choices=[
            ("check", "Check or transfer: you enter his payments"),
            ("card", "Card: for trying out. No payment service is connected, so no real card is charged"),
        ],
        widget=forms.RadioSelect,
        required=False,
    )
    ceiling_approved_until = forms.DateField(
        label="Approve more until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Up to this day, itself included, he may order beyond the ceiling. Empty: not at all.",
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
            help_text="Before tax. From four fifths of it on he is warned. What he orders beyond it is refused until you "
            "approve it; you yourself may order it for him. Disk space that fills up is billed all the same. Empty: none.",
        )
        self.fields = {
            "method": self.fields["method"],
            "credit_limit": limit,
            "ceiling": ceiling,
            "ceiling_approved_until": self.fields["ceiling_approved_until"],
        }


class Suspension(Form):
    reason = forms.CharField(label="Reason", max_length=100, help_text="Your customer sees it.")

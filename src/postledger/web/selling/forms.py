"""How a seller bills, as one form: his taxes as rows, and the steps he takes with debtors."""

from typing import Any

from django import forms

from postledger.web.forms import Form

BLANK_ROWS = 2
DETAILS = ("name", "email", "address", "country")
STEPS = {
    "notice": ("Notice", "A mail says that a payment is overdue."),
    "pre_suspension": ("Warning before suspension", "A mail says that services will be suspended."),
    "suspension": ("Suspension", "Services are suspended. Nothing is refunded and the billing period goes on."),
    "deletion": (
        "Deletion",
        "The account is deleted. With Exchange it is only suspended on the platform until you confirm the deletion.",
    ),
}  # fmt: skip


class Settings(Form):
    name = forms.CharField(label="Name", max_length=200, help_text="As printed on invoices.")
    email = forms.EmailField(label="E-mail", required=False)
    address = forms.CharField(label="Address", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    country = forms.CharField(
        label="Country", required=False, max_length=2, help_text="Two letters, as in DE."
    )
    number_prefix = forms.CharField(
        label="Before each invoice number",
        max_length=20,
        required=False,
        help_text="Such as 2027- for 2027-1042. It holds for invoices from now on; numbers already given stay.",
    )
    sends_no_charge_notice = forms.BooleanField(
        label="Tell a customer by mail when a period closed without any charge", required=False
    )
    mode = forms.ChoiceField(
        label="A card is charged",
        choices=[
            ("anniversary", "at each close, and between closes as soon as the debt reaches the credit limit"),
            ("credit_limit", "only as soon as the debt reaches the credit limit"),
        ],
        widget=forms.RadioSelect,
        initial="anniversary",
        required=False,
    )


class Tax(Form):
    """One tax; a row without a name is left out."""

    name = forms.CharField(label="Name", max_length=100, required=False)
    rate = forms.DecimalField(
        label="Per cent", min_value=0, max_value=100, max_digits=9, decimal_places=4, required=False
    )
    remove = forms.BooleanField(label="Remove this tax", required=False)

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("remove"):
            return
        if given.get("name") and given.get("rate") is None and "rate" not in self.errors:
            self.refuse("Say how many per cent.", "rate")
        if given.get("rate") is not None and not given.get("name"):
            self.refuse("Give the tax a name; it is printed on invoices.", "name")

    @property
    def given(self) -> tuple[str, str] | None:
        """Name and percentage as the seller settings keep them."""
        found = self.cleaned_data
        if found.get("remove") or not found.get("name"):
            return None
        text = f"{found['rate']:f}"
        return found["name"], text.rstrip("0").rstrip(".") if "." in text else text


class Step(Form):
    """One step with debtors."""

    is_on = forms.BooleanField(label="Take this step", required=False)
    days = forms.IntegerField(
        label="Days after the step before",
        min_value=0,
        max_value=1000,
        required=False,
        help_text="Empty: the same day.",
    )

    def __init__(self, step: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, prefix=step, **options)
        self.step = step
        self.title, self.words = STEPS[step]
        if step == "notice":
            self.fields["days"].label = "Days after the debt began"

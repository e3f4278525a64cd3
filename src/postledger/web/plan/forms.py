"""What is entered about a subscription."""

from collections.abc import Sequence
from decimal import Decimal

from django import forms

from postledger.catalog.types import PlanView
from postledger.core.terms import Terms
from postledger.documents import words
from postledger.subscriptions.types import SubscriptionView
from postledger.web.forms import AmountField, Form


def months_words(months: int) -> str:
    """A billing period's length as people say it after "every"."""
    if months % 12 == 0:
        return "year" if months == 12 else f"{months // 12} years"
    return "month" if months == 1 else f"{months} months"


class Choose(Form):
    """A plan with the length of its billing period."""

    choice = forms.ChoiceField(label="Plan", widget=forms.RadioSelect)

    def __init__(self, plans: Sequence[PlanView], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["choice"].choices = [
            (f"{plan.id}-{months}", f"{plan.name}, billed every {months_words(months)}")
            for plan in plans
            for months in plan.terms.periods
        ]

    @property
    def chosen(self) -> tuple[int, int]:
        plan_id, _, months = self.cleaned_data["choice"].partition("-")
        return int(plan_id), int(months)


class Change(Form):
    """Another plan of the same seller."""

    plan = forms.ChoiceField(label="New plan", widget=forms.RadioSelect)

    def __init__(self, plans: Sequence[PlanView], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["plan"].choices = [(str(plan.id), plan.name) for plan in plans]


class Period(Form):
    """Another length of the billing period."""

    months = forms.ChoiceField(label="Billed every", widget=forms.RadioSelect)

    def __init__(self, lengths: Sequence[int], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["months"].choices = [(str(months), months_words(months)) for months in lengths]


class Start(Form):
    """Another first day of the billing period."""

    start = forms.DateField(
        label="The billing period starts on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Up to a year before or after today. The open month is closed today with its usage.",
    )


class PaidTwice(Form):
    """The credit for time that is paid a second time."""

    text = forms.CharField(label="Text on the statement", max_length=200)

    def __init__(self, currency: str, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields = {"credit": AmountField(currency=currency, label=f"Credit ({currency})"), **self.fields}


class Quantities(Form):
    """How many units of each charge that is ordered."""

    def __init__(self, terms: Terms, held: SubscriptionView, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.names = ordered(terms)
        for number, name in enumerate(self.names):
            charge = terms.charges[name]
            most = "" if charge.max is None else f" At most {words.number(_decimal(charge.max))}."
            free = f"{words.number(_decimal(charge.free))} included." if charge.free else ""
            self.fields[f"q{number}"] = forms.DecimalField(
                label=words.charge_title(name) + (f" ({charge.unit})" if charge.unit else ""),
                initial=words.number(held.quantities.get(name, Decimal(0))),
                min_value=0,
                max_digits=12,
                decimal_places=4,
                help_text=f"{free}{most}".strip(),
            )

    def given(self) -> dict[str, Decimal]:
        return {name: self.cleaned_data[f"q{number}"] for number, name in enumerate(self.names)}


def ordered(terms: Terms) -> list[str]:
    """The charges whose quantity is ordered: reserved ones, and limits that are prepaid for metered ones."""
    return [
        charge.name
        for charge in terms.charges.values()
        if charge.measure == "reserved" or (charge.measure == "metered" and charge.recurring)
    ]


def _decimal(value) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)

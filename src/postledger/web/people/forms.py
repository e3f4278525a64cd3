"""What is entered about those who sign in, and about the tokens of their programs."""

import datetime as dt
from typing import Any

from django import forms

from postledger.web.forms import Form

ROLES = [
    ("owner", "do everything"),
    ("staff", "do everything but manage people"),
    ("viewer", "only look"),
]


class Person(Form):
    """Somebody who may sign in from now on."""

    email = forms.EmailField(label="E-mail", help_text="He signs in with it.")
    name = forms.CharField(label="Name", max_length=200, required=False)
    role = forms.ChoiceField(label="May", choices=ROLES, widget=forms.RadioSelect, initial="owner")
    password = forms.CharField(
        label="First password",
        required=False,
        min_length=8,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Empty: he is sent a link with which he chooses his own.",
    )


class Role(Form):
    """What somebody may do, and whether he may sign in at all."""

    role = forms.ChoiceField(label="May", choices=ROLES, widget=forms.RadioSelect)
    is_active = forms.BooleanField(
        label="May sign in",
        required=False,
        help_text="Switched off, he is out at once, and so are his programs.",
    )


class Token(Form):
    """A token for a program."""

    name = forms.CharField(
        label="What it is for",
        max_length=100,
        help_text="You recognise it by this: shop, backup, monitoring.",
    )
    until = forms.DateField(
        label="Ends on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: it holds until you revoke it.",
    )

    def __init__(self, today: dt.date, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.today = today

    def clean_until(self) -> dt.date | None:
        until = self.cleaned_data["until"]
        if until is not None and until <= self.today:
            raise forms.ValidationError("Choose a day to come.")
        return until

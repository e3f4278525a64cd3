"""What is entered about Exchange."""

from django import forms

from postledger.provisioning.types import Offer
from postledger.web.forms import Form


class AddExchange(Form):
    """The first domain, the size, and how many mailboxes are expected: the last only for the price."""

    domain = forms.CharField(
        label="Mail domain",
        max_length=253,
        help_text="The part of your addresses after the @, such as acme.com.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "acme.com"}
        ),
    )
    platform_plan = forms.ChoiceField(label="Size", widget=forms.RadioSelect)
    expected = forms.IntegerField(
        label="Mailboxes you expect",
        min_value=0,
        max_value=100000,
        initial=5,
        help_text="Only for the price; you add the mailboxes later.",
    )

    def __init__(self, offers: tuple[Offer, ...], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        field = self.fields["platform_plan"]
        field.choices = [(str(offer.platform_plan_id), _words(offer)) for offer in offers]
        if len(offers) == 1:
            field.widget = forms.HiddenInput()
        field.initial = str(offers[0].platform_plan_id) if offers else None


class Size(Form):
    """Another platform plan."""

    platform_plan = forms.ChoiceField(label="Size", widget=forms.RadioSelect)

    def __init__(self, offers: tuple[Offer, ...], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["platform_plan"].choices = [(str(o.platform_plan_id), _words(o)) for o in offers]


class AddDomain(Form):
    name = forms.CharField(
        label="Mail domain",
        max_length=253,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "acme.org"}
        ),
    )


class AddMailbox(Form):
    name = forms.CharField(
        label="Address",
        max_length=64,
        help_text="The part before the @.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "ann.smith"}
        ),
    )
    domain = forms.ChoiceField(label="Domain")
    display_name = forms.CharField(label="Name", max_length=64, help_text="As colleagues see it: Ann Smith.")

    def __init__(self, domains: list[str], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["domain"].choices = [(name, name) for name in domains]

    @property
    def address(self) -> str:
        return f"{self.cleaned_data['name'].strip()}@{self.cleaned_data['domain']}"


class Retyped(Form):
    """A deletion that cannot be undone: the name has to be typed."""

    confirmation = forms.CharField(
        label="Type the name to confirm", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class Password(Form):
    password = forms.CharField(
        label="New password",
        min_length=8,
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="It goes to the mail platform at once and is not kept here.",
    )
    again = forms.CharField(
        label="Once more",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> None:
        if self.cleaned_data.get("password") != self.cleaned_data.get("again"):
            self.refuse("The two passwords differ.", "again")


class Why(Form):
    why = forms.CharField(
        label="Why do you sign on?",
        max_length=200,
        help_text="Your customer can read this in the history of his account.",
    )


def _words(offer: Offer) -> str:
    parts = []
    for meter, word in (
        ("exchange.mailboxes", "mailboxes"),
        ("exchange.domains", "domains"),
        ("exchange.disk", "storage"),
    ):
        limit = offer.limits.get(meter)
        if limit is None:
            continue
        if word == "storage":
            parts.append("unlimited storage" if limit < 0 else f"{limit / 1024:g} GB storage")
        else:
            parts.append(f"unlimited {word}" if limit < 0 else f"up to {limit} {word}")
    return f"{offer.name} – {', '.join(parts)}" if parts else offer.name

"""What is entered about Exchange."""

from django import forms

from postledger.core import money
from postledger.provisioning.types import Offer
from postledger.web.forms import Form
from postledger.workflows.unlink import Unlinking


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


class _InDomain(Form):
    """A form with an address in one of the customer's domains."""

    def __init__(self, domains: list[str], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["domain"].choices = [(name, name) for name in domains]


class Contact(Form):
    display_name = forms.CharField(label="Name", max_length=64, help_text="As colleagues see it: Bob Jones.")
    address = forms.CharField(
        label="Address",
        max_length=254,
        help_text="His mail address, outside your domains.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "spellcheck": "false",
                "inputmode": "email",
                "placeholder": "bob@partner.com",
            }
        ),
    )
    is_hidden = forms.BooleanField(label="Hide it from the address book", required=False)


class AddressesField(forms.CharField):
    """Addresses one to a line, or with commas or blanks between them; cleaned, they are a list."""

    def __init__(self, **options) -> None:
        attrs = {"rows": 4, "spellcheck": "false", "autocomplete": "off"}
        super().__init__(widget=forms.Textarea(attrs=attrs), required=False, max_length=100_000, **options)

    def clean(self, value):
        return super().clean(value).replace(",", " ").replace(";", " ").split()


class Mailbox(Form):
    """What its owner's company can change about a mailbox."""

    display_name = forms.CharField(label="Name", max_length=64, help_text="As colleagues see it: Ann Smith.")
    aliases = AddressesField(label="Further addresses", help_text="In your domains, one to a line.")
    services = forms.MultipleChoiceField(
        label="Services", required=False, widget=forms.CheckboxSelectMultiple
    )
    is_enabled = forms.BooleanField(
        label="Can be signed on to", required=False, help_text="Switched off, it still receives mail."
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    field_order = ("display_name", "aliases", "services", "is_enabled", "seen")

    def __init__(self, services: list[tuple[str, str]], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        if services:
            self.fields["services"].choices = services
        else:
            del self.fields["services"]

    def show_price_of(self, services: str) -> None:
        """Have the next answer say that the price of these services was shown."""
        self.data = self.data.copy()
        self.data["seen"] = services


_WRITERS = [("", "People in your organization"), ("yes", "Everybody")]


class ChangeList(Form):
    display_name = forms.CharField(label="Name", max_length=64, help_text="As colleagues see it: All staff.")
    manager = forms.ChoiceField(label="Managed by", help_text="One of your mailboxes.")
    is_open = forms.TypedChoiceField(
        label="Who may write to it",
        choices=_WRITERS,
        coerce=bool,
        empty_value=False,
        required=False,
        widget=forms.RadioSelect,
        initial="",
    )
    is_hidden = forms.BooleanField(label="Hide it from the address book", required=False)

    def __init__(self, mailboxes: list[str], *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.fields["manager"].choices = [(address, address) for address in mailboxes]
        self.initial["is_open"] = "yes" if self.initial.get("is_open") else ""


class AddList(ChangeList):
    name = forms.CharField(
        label="Address",
        max_length=64,
        help_text="The part before the @.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "all"}),
    )
    domain = forms.ChoiceField(label="Domain")
    members = AddressesField(
        label="Members",
        help_text="Addresses of mailboxes, contacts or other lists, one to a line. You can add them later as well.",
    )

    field_order = ("name", "domain", "display_name", "manager", "members", "is_open", "is_hidden")

    def __init__(self, domains: list[str], mailboxes: list[str], *arguments, **options) -> None:
        super().__init__(mailboxes, *arguments, **options)
        self.fields["domain"].choices = [(name, name) for name in domains]

    @property
    def address(self) -> str:
        return f"{self.cleaned_data['name'].strip()}@{self.cleaned_data['domain']}"


class Members(Form):
    addresses = AddressesField(label="Or enter addresses", help_text="One to a line.")


class FolderAddress(_InDomain):
    """Where a folder takes mail; no name, no mail."""

    mail_name = forms.CharField(
        label="Mail address",
        max_length=64,
        required=False,
        help_text="The part before the @. Leave it empty for a folder that takes no mail.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "team"}),
    )
    domain = forms.ChoiceField(label="Domain", required=False)

    @property
    def address(self) -> str:
        name = self.cleaned_data["mail_name"].strip()
        return f"{name}@{self.cleaned_data['domain']}" if name else ""


class AddFolder(FolderAddress):
    name = forms.CharField(label="Name", max_length=64)
    above = forms.ChoiceField(label="In", required=False)

    field_order = ("name", "above", "mail_name", "domain")

    def __init__(self, folders: list[str], domains: list[str], *arguments, **options) -> None:
        super().__init__(domains, *arguments, **options)
        self.fields["above"].choices = [("", "Top level"), *((path, path) for path in folders)]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if "\\" in name or "/" in name:
            raise forms.ValidationError("A folder's name holds no slash. Choose the folder it lies in below.")
        return name

    @property
    def path(self) -> str:
        return f"{self.cleaned_data['above']}\\{self.cleaned_data['name']}"


class Retyped(Form):
    """A deletion that cannot be undone: the name has to be typed."""

    confirmation = forms.CharField(
        label="Type the name to confirm", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class Unlink(Form):
    """Why a link was wrong, and whether its usage is billed; each answer carries the amount it was shown with."""

    because = forms.CharField(
        label="Why", max_length=200, help_text="It is kept in the history with your name: “It is Beta’s.”"
    )
    bill = forms.ChoiceField(label="What was used and not billed yet", widget=forms.RadioSelect)

    def __init__(self, waived: Unlinking, billed: Unlinking, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        if not waived.is_metered:
            del self.fields["bill"]
            return
        choices = [(f"no {waived.amount}", f"Do not bill it{_books(waived)}")]
        if billed.is_read:
            words = f"Bill what was used up to today{_books(billed) or ': nothing'}"
            choices.append((f"yes {billed.amount}", words))
        self.fields["bill"].choices = choices
        self.fields["bill"].initial = f"no {waived.amount}"

    @property
    def is_billed(self) -> bool:
        return self.cleaned_data.get("bill", "").startswith("yes")

    @property
    def agreed(self) -> int | None:
        """The amount beside the answer, in minor units."""
        answer = self.cleaned_data.get("bill", "")
        return int(answer.split()[1]) if answer else None


def _books(done: Unlinking) -> str:
    if not done.lines or not done.amount:
        return ""
    what = "charge" if done.amount > 0 else "refund"
    return f": {what} {money.text(abs(done.amount), done.currency)} {done.currency} before tax"


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

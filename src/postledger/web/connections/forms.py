"""The form of a connection is made from what its connector says it needs."""

from collections.abc import Mapping
from typing import Any

from django import forms

from postledger.connectors import contract
from postledger.web.forms import Form


class Connection(Form):
    """A name, the connector's own settings, and for a platform the DNS records its mail domains need."""

    def __init__(
        self, settings_class: type[Any], *arguments, is_platform: bool, is_new: bool, **options
    ) -> None:
        super().__init__(*arguments, **options)
        self.lines = contract.setting_fields(settings_class=settings_class)
        self.is_platform = is_platform
        self.fields["name"] = forms.CharField(
            label="Name", max_length=100, help_text="Your own name for it, such as Exchange."
        )
        for line in self.lines:
            self.fields[line.name] = _field(line, is_new)
        if is_platform:
            self.fields["mx"] = forms.CharField(
                label="MX",
                required=False,
                widget=forms.Textarea(attrs={"rows": 2, "placeholder": "10 mx1.host.example"}),
                help_text="Where mail to customers' domains goes: preference and host, one a line.",
            )
            self.fields["autodiscover"] = forms.CharField(
                label="Autodiscover", required=False, help_text="The host autodiscover points to."
            )
            self.fields["spf"] = forms.CharField(
                label="SPF",
                required=False,
                help_text="What a domain's SPF record has to hold: include:spf.host.example",
            )

    @property
    def first(self) -> list[forms.BoundField]:
        """What everybody fills in; the rest has good defaults."""
        return [field for field in self if field.name not in self._rest]

    @property
    def rest(self) -> list[forms.BoundField]:
        return [field for field in self if field.name in self._rest]

    @property
    def has_rest_errors(self) -> bool:
        return any(field.errors for field in self.rest)

    @property
    def _rest(self) -> set[str]:
        return {line.name for line in self.lines if not line.is_required and line.name != "portal_url"}

    def values(self) -> dict[str, Any]:
        return {line.name: self.cleaned_data[line.name] for line in self.lines}

    def mail(self) -> dict[str, Any] | None:
        """The mail records, as connections keep them; None for a DNS host."""
        if not self.is_platform:
            return None
        given = self.cleaned_data
        made: dict[str, Any] = {}
        if given["mx"].strip():
            made["mx"] = [
                [int(p), h] for p, h in (line.split() for line in given["mx"].splitlines() if line.strip())
            ]
        if given["autodiscover"].strip():
            made["autodiscover"] = given["autodiscover"].strip()
        if given["spf"].strip():
            made["spf"] = given["spf"].split()
        return made

    def clean(self) -> None:
        for line in self.cleaned_data.get("mx", "").splitlines():
            parts = line.split()
            if parts and (len(parts) != 2 or not parts[0].isdigit()):
                self.refuse(
                    f"“{line.strip()}” is no MX. Write a preference and a host: 10 mx1.host.example", "mx"
                )


def initial(settings: Mapping[str, Any], mail: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the form shows of a connection; secrets are never shown again."""
    return {
        "name": name,
        **settings,
        "mx": "\n".join(f"{preference} {host}" for preference, host in mail.get("mx", [])),
        "autodiscover": mail.get("autodiscover", ""),
        "spf": " ".join(mail.get("spf", [])),
    }


def _field(line: contract.SettingField, is_new: bool) -> forms.Field:
    common = {"label": line.label, "help_text": line.help, "required": line.is_required}
    if line.is_secret:
        if not is_new:
            common |= {
                "required": False,
                "help_text": "Empty: it stays as it is. It is kept encrypted and never shown.",
            }
        return forms.CharField(
            **common, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
        )
    if line.type is bool:
        return forms.BooleanField(label=line.label, help_text=line.help, required=False, initial=line.default)
    if line.type is int:
        return forms.IntegerField(**{**common, "required": False}, initial=line.default, min_value=0)
    return forms.CharField(**common, initial=line.default or "")

"""The plan editor: a plan's terms as one form, its charges as rows."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from postledger.resources import meters
from postledger.web.forms import Form

BLANK_ROWS = 2
_METERS = [(meter.code, f"{meter.title} ({meter.code})") for meter in meters.METERS.values()]


class Plan(Form):
    name = forms.CharField(label="Name", max_length=200)
    code = forms.CharField(label="Code", max_length=64, help_text="A short name of your own, such as office.")
    effective_from = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Prices of the running month follow the terms in force when it closes.",
    )
    periods = forms.CharField(
        label="Billing periods",
        help_text="Months, with a discount on recurring fees where wanted: 1, 12 -10%",
        initial="1, 12",
    )
    refund_percent = forms.DecimalField(label="Refund (%)", min_value=0, max_value=100, initial=100)
    money_back_days = forms.IntegerField(label="Money back within (days)", min_value=0, initial=0)
    moderated = forms.BooleanField(label="Signups wait until you have looked at them", required=False)
    grandfathered = forms.BooleanField(
        label="Subscribers keep this version when a newer one comes", required=False
    )

    def clean_periods(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for part in self.cleaned_data["periods"].split(","):
            months, _, off = part.strip().partition(" ")
            off = off.strip().strip("-−%").strip()
            if not months.isdigit() or not 0 < int(months) <= 120 or (off and not _is_number(off)):
                raise forms.ValidationError(
                    f"“{part.strip()}” is no billing period. Write months, as in 1, 12 -10%."
                )
            found[months] = {"recurring": off} if off else {}
        return found


class Charge(Form):
    """One charge. A metered one is read from the platform, the others are named freely."""

    measure = forms.ChoiceField(
        label="Kind",
        choices=[
            ("", "–"),
            ("fixed", "Base fee"),
            ("reserved", "Ordered quantity"),
            ("metered", "Read from Exchange"),
        ],
        required=False,
    )
    name = forms.CharField(
        label="Name", max_length=100, required=False, help_text="Of a base fee or quantity."
    )
    meter = forms.ChoiceField(label="What is read", choices=[("", "–"), *_METERS], required=False)
    cadence = forms.ChoiceField(
        label="Billed each",
        choices=[("", "as usual"), ("month", "month"), ("period", "billing period")],
        required=False,
        help_text="As usual: usage by the month, fees by the period.",
    )
    aggregate = forms.ChoiceField(
        label="Counts",
        choices=[
            ("last", "the reading at the close"),
            ("average", "the average of the days"),
            ("peak", "the highest reading"),
            ("sum", "the sum"),
        ],
        required=False,
        help_text="Of what is read.",
    )
    setup = forms.DecimalField(
        label="Setup, once", min_value=0, required=False, max_digits=14, decimal_places=6
    )
    recurring = forms.DecimalField(
        label="Fee for a month", min_value=0, required=False, max_digits=14, decimal_places=6
    )
    usage = forms.DecimalField(
        label="Usage for a month", min_value=0, required=False, max_digits=14, decimal_places=6
    )
    free = forms.DecimalField(
        label="Included units", min_value=0, required=False, max_digits=14, decimal_places=4
    )
    max = forms.DecimalField(label="At most", min_value=0, required=False, max_digits=14, decimal_places=4)
    unit = forms.CharField(label="Unit", max_length=16, required=False)
    started_unit = forms.BooleanField(label="A started unit counts whole", required=False)
    optional = forms.BooleanField(label="Only when switched on", required=False)
    remove = forms.BooleanField(label="Remove this charge", required=False)

    def clean(self) -> None:
        given = self.cleaned_data
        if not given.get("measure"):
            if given.get("name") or given.get("meter"):
                self.refuse("Say which kind of charge this is.", "measure")
            return
        if given["measure"] == "metered" and not given.get("meter"):
            self.refuse("Choose what is read.", "meter")
        if given["measure"] != "metered" and not given.get("name"):
            self.refuse("Give the charge a name.", "name")

    @property
    def is_used(self) -> bool:
        return bool(self.cleaned_data.get("measure")) and not self.cleaned_data.get("remove")

    def document(self, before: Mapping[str, Any] | None) -> dict[str, Any]:
        """The stored form of the charge; prices for single billing periods and commitments it had are kept."""
        given = self.cleaned_data
        is_metered = given["measure"] == "metered"
        made: dict[str, Any] = {
            **(before or {}),
            "name": given["meter"] if is_metered else given["name"].strip(),
            "measure": given["measure"],
            "cadence": given["cadence"] or None,
            "free": _text(given["free"]) or "0",
            "max": _text(given["max"]),
            "unit": given["unit"].strip() or ("GB" if is_metered and _is_space(given["meter"]) else ""),
            "started_unit": given["started_unit"],
            "activated": not given["optional"],
        }
        if is_metered:
            made["aggregate"] = given["aggregate"] or "last"
            if _is_space(given["meter"]) and not before:
                made["step"] = "0.01"
        for kind in ("setup", "recurring", "usage"):
            prices = {m: p for m, p in ((before or {}).get(kind) or {}).items() if m != "1"}
            if given[kind]:
                prices = {"1": _text(given[kind]), **prices}
            made[kind] = prices
        return made


def initial_plan(
    name: str, code: str, document: Mapping[str, Any], effective_from: dt.date
) -> dict[str, Any]:
    """What the plan form shows of the terms in force."""
    return {
        "name": name,
        "code": code,
        "effective_from": effective_from,
        "periods": ", ".join(
            months + (f" -{off['recurring']}%" if off.get("recurring", "0") not in ("0", "") else "")
            for months, off in document["periods"].items()
        ),
        "refund_percent": document.get("refund_percent", "100"),
        "money_back_days": document.get("money_back_days", 0),
        "moderated": document.get("moderated", False),
        "grandfathered": document.get("grandfathered", False),
    }


def initial_charge(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a row shows of a charge."""
    is_metered = item["measure"] == "metered"
    return {
        **item,
        "name": "" if is_metered else item["name"],
        "meter": item["name"] if is_metered else "",
        "free": item.get("free") if item.get("free") not in ("0", None) else None,
        "optional": not item.get("activated", True),
        **{kind: (item.get(kind) or {}).get("1") for kind in ("setup", "recurring", "usage")},
    }


def _is_space(meter: str) -> bool:
    found = meters.METERS.get(meter)
    return found is not None and found.unit == meters.MIB


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()

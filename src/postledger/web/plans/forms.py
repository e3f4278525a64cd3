"""The plan editor: a plan's terms as one page, with rows for its billing periods, charges and extra packages.

What is sent is never lost: rows are bound again, and the parts that depend on others (prices by period, charges a package
adds units of) follow what was typed.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from postledger.documents import words
from postledger.resources import meters
from postledger.web.forms import Form

MOST_ROWS = 200
_METERS = [(meter.code, f"{meter.title} ({meter.code})") for meter in meters.METERS.values()]
_KINDS = ("fixed", "reserved", "metered")
_PRICES = {"setup": _KINDS, "recurring": _KINDS, "usage": ("metered",), "commitment": ("metered",)}


def _price(label: str = "", **options: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, required=False, max_digits=14, decimal_places=6, **options
    )


def _percent(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, min_value=0, max_value=100, required=False, max_digits=9, decimal_places=4
    )


class Plan(Form):
    name = forms.CharField(label="Name", max_length=200)
    code = forms.CharField(label="Code", max_length=64, help_text="A short name of your own, such as office.")
    effective_from = forms.DateField(
        label="In force from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Prices of the running month follow the terms in force when it closes.",
    )
    refund_percent = forms.DecimalField(
        label="Refund (%)",
        min_value=0,
        max_value=100,
        initial=100,
        help_text="Of what was prepaid for the days left, when something is given up.",
    )
    money_back_days = forms.IntegerField(
        label="Money back within (days)",
        min_value=0,
        max_value=3650,
        initial=0,
        help_text="Who quits this soon gets all fees of the period back. 0: no such promise.",
    )
    trial_days = forms.IntegerField(
        label="Trial (days)",
        min_value=1,
        max_value=3650,
        required=False,
        help_text="Empty: there is no trial. Its days carry no recurring fees.",
    )
    trial_credit_limit = forms.DecimalField(
        label="Most a trial may order",
        min_value=0,
        required=False,
        max_digits=14,
        decimal_places=3,
        help_text="What is recorded on trial, without recurring fees. Empty: no limit.",
    )
    moderated = forms.BooleanField(label="Signups wait until you have looked at them", required=False)
    grandfathered = forms.BooleanField(
        label="Subscribers keep this version when a newer one comes", required=False
    )

    def clean(self) -> None:
        given = self.cleaned_data
        has_days = given.get("trial_days") or "trial_days" in self.errors
        if given.get("trial_credit_limit") is not None and not has_days:
            self.refuse("Say how many days the trial lasts.", "trial_days")

    def document(self) -> dict[str, Any]:
        given = self.cleaned_data
        limit = given["trial_credit_limit"]
        return {
            "refund_percent": _text(given["refund_percent"]),
            "money_back_days": given["money_back_days"],
            "trial": {"days": given["trial_days"], "credit_limit": _text(limit)}
            if given["trial_days"]
            else None,
            "moderated": given["moderated"],
            "grandfathered": given["grandfathered"],
        }


class Period(Form):
    """One billing period with its discounts; a row without months is left out."""

    months = forms.IntegerField(label="Months", min_value=1, max_value=120, required=False)
    setup = _percent("Off setup (%)")
    recurring = _percent("Off fees (%)")
    usage = _percent("Off usage (%)")

    def clean(self) -> None:
        given = self.cleaned_data
        has_discount = any(given.get(name) for name in ("setup", "recurring", "usage"))
        if has_discount and given.get("months") is None and "months" not in self.errors:
            self.refuse("Say how many months this period has.", "months")

    def document(self) -> dict[str, str]:
        given = self.cleaned_data
        return {name: _text(given[name]) or "0" for name in ("setup", "recurring", "usage")}


class _Priced(Form):
    """A form with a base price for one month, and a price of its own for each longer period where one is wanted."""

    kinds: tuple[str, ...] = ()

    def __init__(self, *arguments: Any, months: Sequence[int] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.months = months
        for kind in self.kinds:
            for count in months:
                self.fields[f"{kind}_{count}"] = _price(f"{self.fields[kind].label}, {count} months")

    def prices(self, kind: str) -> dict[str, str]:
        given = self.cleaned_data
        found = {"1": _text(given[kind])} if given[kind] else {}
        return found | {
            str(count): _text(given[f"{kind}_{count}"])
            for count in self.months
            if given[f"{kind}_{count}"] is not None
        }

    @property
    def price_rows(self) -> list[tuple[str, list[Any]]]:
        """The prices as a table: a row for the month, one for each longer period."""
        rows = [("for one month", [self[kind] for kind in self.kinds])]
        for count in self.months:
            told = f"instead, for all {count} months"
            rows.append((told, [self[f"{kind}_{count}"] for kind in self.kinds]))
        return rows

    @property
    def price_heads(self) -> list[tuple[str, str]]:
        return [(kind, self.fields[kind].label) for kind in self.kinds]

    @property
    def price_names(self) -> set[str]:
        return {*self.kinds, *(f"{kind}_{count}" for kind in self.kinds for count in self.months)}


class Charge(_Priced):
    """One charge. A metered one is read from the platform, the others are named freely; a row without a kind is left out."""

    kinds = tuple(_PRICES)
    MAIN = ("measure", "name", "meter", "free", "max", "unit")

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
        label="Name", max_length=100, required=False, help_text="As it stands on the invoice."
    )
    meter = forms.ChoiceField(label="What is read", choices=[("", "–"), *_METERS], required=False)
    free = forms.DecimalField(
        label="Included units", min_value=0, required=False, max_digits=14, decimal_places=4
    )
    max = forms.DecimalField(
        label="At most",
        min_value=0,
        required=False,
        max_digits=14,
        decimal_places=4,
        help_text="More is refused, and the platform is told.",
    )
    unit = forms.CharField(label="Unit", max_length=16, required=False)
    setup = _price("Setup, once for each unit")
    recurring = _price("Fee")
    usage = _price("Usage")
    commitment = _price("Prepaid unit")
    commitment_units = forms.DecimalField(
        label="Units prepaid for the period",
        min_value=0,
        required=False,
        max_digits=14,
        decimal_places=4,
        help_text="A commitment: paid for the whole period at its discount; only what is read above them is usage.",
    )
    cadence = forms.ChoiceField(
        label="Billed each",
        choices=[("", "as usual"), ("month", "month"), ("period", "billing period")],
        required=False,
        help_text="As usual: usage by the month, fees by the period.",
    )
    timing = forms.ChoiceField(
        label="Charged",
        choices=[
            ("", "as usual"),
            ("arrears", "afterwards, as it was read"),
            ("advance", "ahead, corrected by daily readings"),
        ],
        required=False,
        help_text="As usual: afterwards.",
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
    )
    step = forms.DecimalField(
        label="Readings are kept to",
        required=False,
        max_digits=14,
        decimal_places=4,
        min_value=Decimal("0.0001"),
        help_text="Such as 0.01 for storage. Empty: storage to 0.01, all else to whole units.",
    )
    place = forms.IntegerField(label="Place on the invoice", required=False, min_value=1, max_value=MOST_ROWS)
    started_unit = forms.BooleanField(label="A started unit counts whole", required=False)
    optional = forms.BooleanField(label="Only when the customer switches it on", required=False)
    remove = forms.BooleanField(label="Remove this charge", required=False)

    only_for: ClassVar[Mapping[str, str]] = {
        "name": "fixed reserved",
        "meter": "metered",
        "free": "reserved metered",
        "max": "reserved metered",
        "unit": "reserved metered",
        "commitment_units": "metered",
        "timing": "metered",
        "aggregate": "metered",
        "step": "metered",
        "started_unit": "metered",
    }

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("remove"):
            return
        if not given.get("measure"):
            if given.get("name") or given.get("meter"):
                self.refuse("Say which kind of charge this is.", "measure")
            return
        if given["measure"] == "metered":
            if not given.get("meter"):
                self.refuse("Choose what is read.", "meter")
            has_price = any(given.get(name) for name in self.price_names if name.startswith("commitment"))
            if given.get("commitment_units") and not has_price:
                self.refuse("Say what a prepaid unit costs in a month.", "commitment")
            if has_price and not given.get("commitment_units"):
                self.refuse("Say how many units are prepaid, or leave their price empty.", "commitment_units")
        elif not given.get("name"):
            self.refuse("Give the charge a name.", "name")

    @property
    def is_used(self) -> bool:
        return bool(self.cleaned_data.get("measure")) and not self.cleaned_data.get("remove")

    @property
    def title(self) -> str:
        """What the row is headed by: as it was sent, else as it stands in the plan."""
        name = self["meter"].value() if self["measure"].value() == "metered" else self["name"].value()
        return words.charge_title(name) if name else ""

    @property
    def main(self) -> list[Any]:
        return [self[name] for name in self.MAIN]

    @property
    def further(self) -> list[Any]:
        shown = {*self.MAIN, *self.price_names}
        return [self[name] for name in self.fields if name not in shown]

    @property
    def is_further_told(self) -> bool:
        """Whether something unusual or wrong hides among the further properties, so that they are shown open."""
        return any(field.errors for field in self.further) or any(
            self[name].value() not in (None, "", False, "last", *usual)
            for name, usual in (
                ("timing", ("arrears",) if self["measure"].value() == "metered" else ("advance", "arrears")),
                ("aggregate", ()),
                ("started_unit", ()),
                ("optional", ()),
                ("commitment_units", ("0",)),
            )
        )

    def document(self) -> dict[str, Any]:
        """The stored form of the charge; what its kind does not have is left out."""
        given = self.cleaned_data
        is_metered, is_fixed = given["measure"] == "metered", given["measure"] == "fixed"
        made: dict[str, Any] = {
            "name": given["meter"] if is_metered else given["name"].strip(),
            "measure": given["measure"],
            "cadence": given["cadence"] or None,
            "setup": self.prices("setup"),
            "recurring": self.prices("recurring"),
            "activated": not given["optional"],
        }
        if not is_fixed:
            made |= {
                "free": _text(given["free"]) or "0",
                "max": _text(given["max"]),
                "unit": given["unit"].strip() or ("GB" if is_metered and _is_space(given["meter"]) else ""),
            }
        if is_metered:
            made |= {
                "usage": self.prices("usage"),
                "timing": given["timing"] or None,
                "aggregate": given["aggregate"] or "last",
                "step": _text(given["step"]) or ("0.01" if _is_space(given["meter"]) else "1"),
                "started_unit": given["started_unit"],
            }
            if given["commitment_units"]:
                made["commitment"] = {
                    "units": _text(given["commitment_units"]),
                    "recurring": self.prices("commitment"),
                }
        return made


class Package(_Priced):
    """An extra package: more included units of some charges; a row without a name is left out."""

    kinds = ("setup", "recurring")

    name = forms.CharField(
        label="Name", max_length=100, required=False, help_text="As it stands on the invoice."
    )
    setup = _price("Setup, once")
    recurring = _price("Fee")
    remove = forms.BooleanField(label="Remove this package", required=False)

    def __init__(self, *arguments: Any, charges: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        initial = options.get("initial") or {}
        known = [value for name, value in initial.items() if name.startswith("charge")]
        choices = [(name, words.charge_title(name)) for name in dict.fromkeys((*charges, *known))]
        self.numbers = range(max(3, len(known) + 1))
        for number in self.numbers:
            self.fields[f"charge{number}"] = forms.ChoiceField(
                label="Adds units of", choices=[("", "–"), *choices], required=False
            )
            self.fields[f"units{number}"] = forms.DecimalField(
                label="How many", min_value=0, required=False, max_digits=14, decimal_places=4
            )

    def clean(self) -> None:
        given = self.cleaned_data
        if given.get("remove"):
            return
        pairs = [(given.get(f"charge{n}"), given.get(f"units{n}"), n) for n in self.numbers]
        if not given.get("name"):
            is_meant = any(charge or units for charge, units, _ in pairs)
            if is_meant or any(given.get(name) for name in self.price_names):
                self.refuse("Give the package a name.", "name")
            return
        for charge, units, number in pairs:
            if charge and not units and f"units{number}" not in self.errors:
                self.refuse("Say how many units it adds.", f"units{number}")
            if units and not charge and f"charge{number}" not in self.errors:
                self.refuse("Choose what it adds units of.", f"charge{number}")
        chosen = [charge for charge, _, _ in pairs if charge]
        if not chosen and not self.errors:
            self.refuse("Choose what it adds units of.", "charge0")
        if len(set(chosen)) < len(chosen):
            self.refuse("Name each charge once.", f"charge{len(chosen) - 1}")

    @property
    def is_used(self) -> bool:
        return bool(self.cleaned_data.get("name")) and not self.cleaned_data.get("remove")

    @property
    def adds(self) -> list[tuple[Any, Any]]:
        return [(self[f"charge{number}"], self[f"units{number}"]) for number in self.numbers]

    def document(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "name": given["name"].strip(),
            "setup": self.prices("setup"),
            "recurring": self.prices("recurring"),
            "adds": {
                given[f"charge{number}"]: _text(given[f"units{number}"])
                for number in self.numbers
                if given[f"charge{number}"]
            },
        }


class Editor:
    """All parts of the page: the plan, and its rows."""

    def __init__(self, data: Any, *, document: Mapping[str, Any], initial: Mapping[str, Any]) -> None:
        """The page as it was sent, or as the terms in force say.

        Args:
            data: what was sent; None shows the terms.
            document: the stored form of the terms in force, or of a plan to begin with.
            initial: name, code and first day.
        """
        more = data.get("more", "") if data is not None else ""
        self.is_asked_for_rows = bool(more)
        self.plan = Plan(data, initial={**_initial_plan(document), **initial})
        periods = [
            {
                "months": int(months),
                **{name: _shown(off.get(name)) for name in ("setup", "recurring", "usage")},
            }
            for months, off in document["periods"].items()
        ]
        self.periods = [
            Period(data, prefix=f"p{number}", initial=row)
            for number, row in enumerate(_rows(data, "periods", periods, 1, more))
        ]
        months = self._months(document)
        charges = [_initial_charge(item, number) for number, item in enumerate(document["charges"], 1)]
        self.charges = [
            Charge(data, prefix=f"c{number}", initial=row, months=months)
            for number, row in enumerate(_rows(data, "rows", charges, 1, more))
        ]
        names = [
            name
            for row in self.charges
            if (name := row["meter" if row["measure"].value() == "metered" else "name"].value())
        ]
        packages = [_initial_package(item) for item in document.get("packages", [])]
        self.packages = [
            Package(data, prefix=f"k{number}", initial=row, months=months, charges=names)
            for number, row in enumerate(_rows(data, "packages", packages, 1, more))
        ]

    @property
    def parts(self) -> Iterable[Form]:
        return (self.plan, *self.periods, *self.charges, *self.packages)

    @property
    def has_errors(self) -> bool:
        return not self.is_asked_for_rows and any(part.errors for part in self.parts)

    def is_valid(self) -> bool:
        """Whether all parts can be taken; each one tells what is wrong with it."""
        if [part for part in self.parts if not part.is_valid()]:
            return False
        months = [(row, row.cleaned_data["months"]) for row in self.periods if row.cleaned_data["months"]]
        charges = [(row, row.document()["name"]) for row in self.charges if row.is_used]
        packages = [(row, row.document()["name"]) for row in self.packages if row.is_used]
        if not charges:
            self.plan.refuse("A plan has at least one charge.")
        if not months:
            self.periods[0].refuse("A plan has at least one billing period.", "months")
        names = {name for _, name in charges}
        for row, _ in packages:
            for number in row.numbers:
                charge = row.cleaned_data[f"charge{number}"]
                if charge and charge not in names:
                    row.refuse("The plan has no such charge any more.", f"charge{number}")
        for row in _second(months):
            row.refuse("Another row has the same period.", "months")
        for row in _second(charges):
            is_metered = row.cleaned_data["measure"] == "metered"
            row.refuse("Another charge has this name.", "meter" if is_metered else "name")
        for row in _second(packages):
            row.refuse("Another package has this name.", "name")
        return not any(part.errors for part in self.parts)

    def document(self) -> dict[str, Any]:
        """The stored form of the terms as they were sent."""
        used = [(number, row) for number, row in enumerate(self.charges) if row.is_used]
        used.sort(key=lambda pair: (pair[1].cleaned_data["place"] or MOST_ROWS, pair[0]))
        return {
            **self.plan.document(),
            "periods": {
                str(row.cleaned_data["months"]): row.document()
                for row in self.periods
                if row.cleaned_data["months"]
            },
            "charges": [row.document() for _, row in used],
            "packages": [row.document() for row in self.packages if row.is_used],
        }

    def digest(self) -> str:
        """Tells one version that was looked at from another."""
        told = [self.document(), self.plan.cleaned_data["effective_from"].isoformat()]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]

    def _months(self, document: Mapping[str, Any]) -> list[int]:
        """The longer periods: those on the page, and those that have prices of their own already."""
        found: set[int] = set()
        for row in self.periods:
            typed = str(row["months"].value() or "")
            if typed.isascii() and typed.isdigit() and 1 < int(typed) <= 120:
                found.add(int(typed))
        for item in (*document["charges"], *document.get("packages", [])):
            priced = (
                item.get("setup"),
                item.get("recurring"),
                item.get("usage"),
                _commitment(item)["recurring"],
            )
            for prices in priced:
                if isinstance(prices, Mapping):
                    found |= {int(months) for months in prices if int(months) > 1}
        return sorted(found)


def _second(rows: Iterable[tuple[Form, Any]]) -> list[Form]:
    """The rows whose key another row before them has."""
    seen: set[Any] = set()
    found = []
    for row, key in rows:
        if key in seen:
            found.append(row)
        seen.add(key)
    return found


def _rows(
    data: Any, name: str, known: Sequence[Mapping[str, Any]], blank: int, more: str
) -> list[Mapping[str, Any] | None]:
    """One entry for each row to show: those on file and blank ones, or as many as were sent."""
    if data is None:
        return [*known, *[None] * blank]
    sent = data.get(name, "")
    count = min(int(sent), MOST_ROWS) if sent.isascii() and sent.isdigit() else 0
    if more == name:
        count += 2
    return [known[number] if number < len(known) else None for number in range(max(count, 1))]


def _initial_plan(document: Mapping[str, Any]) -> dict[str, Any]:
    trial = document.get("trial") or {}
    return {
        "refund_percent": document.get("refund_percent", "100"),
        "money_back_days": document.get("money_back_days", 0),
        "trial_days": trial.get("days"),
        "trial_credit_limit": trial.get("credit_limit"),
        "moderated": document.get("moderated", False),
        "grandfathered": document.get("grandfathered", False),
    }


def _initial_charge(item: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What a row shows of a charge."""
    is_metered = item["measure"] == "metered"
    commitment = _commitment(item)
    return {
        **item,
        "name": "" if is_metered else item["name"],
        "meter": item["name"] if is_metered else "",
        "place": place,
        "free": _shown(item.get("free")),
        "optional": not item.get("activated", True),
        "commitment_units": commitment["units"],
        **_initial_prices(item, ("setup", "recurring", "usage")),
        **_initial_prices({"commitment": commitment["recurring"]}, ("commitment",)),
    }


def _initial_package(item: Mapping[str, Any]) -> dict[str, Any]:
    adds = {}
    for number, (charge, units) in enumerate(item.get("adds", {}).items()):
        adds |= {f"charge{number}": charge, f"units{number}": units}
    return {"name": item["name"], **_initial_prices(item, ("setup", "recurring")), **adds}


def _initial_prices(item: Mapping[str, Any], kinds: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds:
        for months, price in (item.get(kind) or {}).items():
            found[kind if months == "1" else f"{kind}_{months}"] = price
        found.setdefault(kind, None)
    return found


def _commitment(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item.get("commitment") or {"units": None, "recurring": {}}


def initial(name: str, code: str, effective_from: dt.date) -> dict[str, Any]:
    """What the page shows of the plan itself."""
    return {"name": name, "code": code, "effective_from": effective_from}


def _is_space(meter: str) -> bool:
    found = meters.METERS.get(meter)
    return found is not None and found.unit == meters.MIB


def _shown(number: Any) -> Any:
    """A number in its field; none where it is 0."""
    return None if number in ("0", 0, "", None) else number


def _text(value: Decimal | None) -> str | None:
    """A decimal without needless zeros."""
    if value is None:
        return None
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text

"""How values are written on a page: amounts, days, icons, badges, form fields."""

import datetime as dt
from fractions import Fraction
from typing import Any

from django import forms, template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from postledger.core import money as core_money
from postledger.core import words as core_words
from postledger.documents import words

register = template.Library()

_COLOURS = {
    "ok": "green",
    "ready": "green",
    "active": "green",
    "done": "green",
    "seen": "green",
    "waiting": "azure",
    "working": "azure",
    "removing": "azure",
    "trial": "azure",
    "untested": "secondary",
    "retrying": "yellow",
    "warning": "yellow",
    "failing": "yellow",
    "drifted": "yellow",
    "suspended": "orange",
    "refused": "red",
    "failed": "red",
    "blocked": "red",
    "needs_operator": "red",
    "unknown": "yellow",
    "sent": "yellow",
}
_WORDS = {
    "ready": "Ready",
    "waiting": "Waiting",
    "working": "Being set up",
    "removing": "Being removed",
    "retrying": "Trying again",
    "needs_operator": "Needs an operator",
    "drifted": "Differs",
    "ok": "Works",
    "untested": "Not checked yet",
    "failing": "Fails",
    "blocked": "Stopped",
    "sent": "No answer known",
}


@register.filter
def money(minor: int | None, currency: str) -> str:
    """1133 with USD is `USD 11.33`."""
    return "" if minor is None else words.amount(minor, currency)


@register.filter
def plain(minor: int | None, currency: str) -> str:
    """1133 with USD is `11.33`."""
    return "" if minor is None else words.plain(minor, currency)


@register.filter
def day(value: dt.date | None) -> str:
    return words.day(value)


@register.filter
def instant(value: dt.datetime | None, zone: dt.tzinfo | None = None) -> str:
    """An instant by the clock of a zone, else of UTC."""
    if value is None:
        return ""
    there = value.astimezone(zone or dt.UTC)
    return f"{words.day(there.date())}, {there:%H:%M} {there.tzname()}"


@register.filter
def days_of(line: Any) -> str:
    """The days a line is for."""
    return words.days(line.start, line.end)


@register.simple_tag
def days(start: dt.date | None, end: dt.date | None) -> str:
    return words.days(start, end)


@register.filter
def number(value: Any) -> str:
    if isinstance(value, Fraction):
        return core_money.decimal_text(value, most=4)
    return words.number(value)


@register.filter
def price(value: Any, currency: str) -> str:
    """A price for one unit."""
    if isinstance(value, Fraction):
        return core_money.decimal_text(value, least=core_money.exponent(currency), most=6)
    return words.price(value, currency)


@register.filter
def line_title(line: Any) -> str:
    return words.line_title(line.kind, line.item)


@register.filter
def charge_title(name: str) -> str:
    return words.charge_title(name)


@register.filter
def reasons(line: Any) -> list[str]:
    """Why a line is as it is, a sentence each."""
    return core_words.reasons(line.kind, line.why, line.currency)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A drawing that says nothing a screen reader should read."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("vendor/icons/icons.svg"),
        name,
    )


@register.simple_tag
def badge(code: str, text: str = "") -> SafeString:
    """A condition as a coloured word."""
    colour = _COLOURS.get(code, "secondary")
    return format_html(
        '<span class="badge bg-{}-lt">{}</span>',
        colour,
        text or _WORDS.get(code) or code.replace("_", " ").capitalize(),
    )


@register.filter
def styled(field: forms.BoundField) -> SafeString:
    """The input of a form field in the look of the panel."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        css = "form-check-input"
    elif isinstance(widget, forms.Select):
        css = "form-select"
    else:
        css = "form-control"
    given = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{css} {given} {'is-invalid' if field.errors else ''}".strip()})


@register.filter
def is_check(field: forms.BoundField) -> bool:
    return type(field.field.widget) is forms.CheckboxInput


@register.filter
def is_radio(field: forms.BoundField) -> bool:
    return isinstance(field.field.widget, forms.RadioSelect)


@register.simple_tag(takes_context=True)
def here(context: Any, *names: str, of: int | None = None, but: int | None = None) -> SafeString | str:
    """Marks the menu entry of the area that is shown.

    Args:
        of: only if it is shown for this account. but: only if it is not.
    """
    match = context["request"].resolver_match
    area = match.url_name.partition("-")[0] if match and match.url_name else ""
    shown = context.get("account")
    account_id = shown.id if shown else (match.kwargs.get("account_id") if match else None)
    is_here = area in names and of in (None, account_id) and (but is None or but != account_id)
    return mark_safe(' aria-current="page"') if is_here else ""


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping by a key that is itself a value."""
    return mapping.get(key)


@register.filter
def is_moving(progress: Any) -> bool:
    """True while something will change without anybody doing anything."""
    return any(line.is_waiting_for_us and not line.is_settled for line in progress.lines)


@register.filter
def called(actor: str, people: dict[str, str] | None) -> str:
    """Who did something: a person by his address where the viewer may know it."""
    return (people or {}).get(actor, "somebody at your provider" if actor.startswith("user ") else actor)


@register.filter
def absolute(minor: int) -> int:
    return abs(minor)


@register.filter
def negated(minor: int) -> int:
    return -minor


@register.filter
def spaced(code: str) -> str:
    """A stored code as words: `change_plan` is `Change plan`."""
    return code.replace("_", " ").replace(".", " ").capitalize()


@register.filter
def times(minor: int, count: int) -> int:
    return minor * count

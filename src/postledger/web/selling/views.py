"""How a seller sells: what his invoices show, taxes, when cards are charged, and what he does about debts."""

from django.http import HttpResponse

from postledger.billing import queries as billing
from postledger.core.errors import Refusal
from postledger.payments import queries as payments
from postledger.web.door import Ask, page
from postledger.web.forms import Form
from postledger.web.selling import forms
from postledger.workflows import change_billing_settings as changing


@page
def settings(ask: Ask) -> HttpResponse:
    own = ask.require_seller()
    now, policy = billing.settings_of(ask.viewer, own.id), payments.collection_of(ask.viewer, own.id)
    form = forms.Settings(
        ask.data,
        initial={
            **{name: getattr(own, name) for name in forms.DETAILS},
            "number_prefix": now.number_prefix,
            "sends_no_charge_notice": now.sends_no_charge_notice,
            "mode": policy.mode,
        },
    )
    taxes = _taxes(ask, now.taxes)
    days = dict(policy.dunning)
    steps = [
        forms.Step(step, ask.data, initial={"is_on": step in days, "days": days.get(step) or None})
        for step in forms.STEPS
    ]
    is_valid = ask.is_post and _are_valid((form, *taxes, *steps))
    if is_valid and "more" not in ask.request.POST:
        given = form.cleaned_data
        try:
            changing.change_billing_settings(
                ask.viewer,
                seller_id=own.id,
                taxes=[row.given for row in taxes if row.given is not None],
                dunning=[
                    (part.step, part.cleaned_data["days"] or 0)
                    for part in steps
                    if part.cleaned_data["is_on"]
                ],
                sends_no_charge_notice=given["sends_no_charge_notice"],
                number_prefix=given["number_prefix"],
                mode=given["mode"] or None,
                details={
                    **{name: given[name] for name in forms.DETAILS},
                    "country": given["country"].upper(),
                },
                now=ask.now,
            )
            return ask.done("Saved. It holds from the next invoice on.", "selling")
        except Refusal as error:
            form.refuse(error)
    has_errors = any(part.errors for part in (form, *taxes, *steps))
    return ask.page(
        "selling/settings.html",
        form=form,
        taxes=taxes,
        steps=steps,
        prefix=now.number_prefix,
        next_number=now.next_number,
        status=422 if has_errors else 200,
    )


def _taxes(ask: Ask, known: tuple[tuple[str, str], ...]) -> list[forms.Tax]:
    """The rows as they were sent, with blank ones after them where more were asked for; else those on file and blank ones."""
    if not ask.is_post:
        return [
            forms.Tax(prefix=f"t{number}", initial={"name": name, "rate": rate} if name else None)
            for number, (name, rate) in enumerate([*known, *[("", "")] * forms.BLANK_ROWS])
        ]
    sent = ask.request.POST.get("rows", "")
    count = min(int(sent), 50) if sent.isascii() and sent.isdigit() else 0
    if "more" in ask.request.POST:
        count += forms.BLANK_ROWS
    return [forms.Tax(ask.data, prefix=f"t{number}") for number in range(count)]


def _are_valid(parts: tuple[Form, ...]) -> bool:
    """Whether all parts of the page can be taken; each one tells what is wrong with it."""
    return [part for part in parts if not part.is_valid()] == []

"""A seller changes how he sells: what invoices show of him, taxes, when cards are charged, his steps with debtors."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction

from postledger.accounts import operations as accounts
from postledger.accounts.types import Viewer
from postledger.billing import operations as billing
from postledger.payments import operations as payments


def change_billing_settings(
    viewer: Viewer,
    *,
    seller_id: int,
    taxes: Sequence[tuple[str, str]] | None = None,
    sends_no_charge_notice: bool | None = None,
    number_prefix: str | None = None,
    mode: str | None = None,
    dunning: Sequence[tuple[str, int]] | None = None,
    details: Mapping[str, str] | None = None,
    now: dt.datetime,
) -> None:
    """Change all of it or nothing; what is not given stays.

    Args:
        taxes: names with percentages as texts, in the order in which odd cents are given out (M3).
        mode: `anniversary` or `credit_limit` (M5).
        details: name, email, address and country as invoices show them.
        dunning: the steps that are on, each with its days after the one before (M7).
    Raises:
        NotVisible, NotAllowed: not his to act for as its seller. BadDetails, BadAmount, BadPayment: the message says what.
    """
    with transaction.atomic():
        if details is not None:
            accounts.update_details(viewer, account_id=seller_id, now=now, **details)
        billing.set_seller_settings(
            viewer,
            seller_id=seller_id,
            taxes=taxes,
            sends_no_charge_notice=sends_no_charge_notice,
            number_prefix=number_prefix,
        )
        payments.set_policy(viewer, seller_id=seller_id, mode=mode, dunning=dunning)

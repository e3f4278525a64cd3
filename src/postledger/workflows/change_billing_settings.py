"""A seller changes how he bills: taxes, invoice numbers, when cards are charged, and his steps with debtors."""

from collections.abc import Sequence

from django.db import transaction

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
) -> None:
    """Change all of it or nothing; what is not given stays.

    Args:
        taxes: names with percentages as texts, in the order in which odd cents are given out (M3).
        mode: `anniversary` or `credit_limit` (M5).
        dunning: the steps that are on, each with its days after the one before (M7).
    Raises:
        NotVisible, NotAllowed: not his to act for as its seller. BadAmount, BadPayment: the message says what.
    """
    with transaction.atomic():
        billing.set_seller_settings(
            viewer,
            seller_id=seller_id,
            taxes=taxes,
            sends_no_charge_notice=sends_no_charge_notice,
            number_prefix=number_prefix,
        )
        payments.set_policy(viewer, seller_id=seller_id, mode=mode, dunning=dunning)

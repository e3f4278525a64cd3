"""Printed invoices hold what the invoice holds, and the same invoice is the same file."""

import datetime as dt
import io
from decimal import Decimal

import pypdf
import pytest

from postledger.billing.types import InvoiceView, LineView
from postledger.documents import invoice as document
from postledger.documents import words

WHY = {"rule": "R5", "price": "8", "units": "3", "free": "2"}


def an_invoice(*, name: str = "Acme Ltd", lines: int = 1) -> InvoiceView:
    usage = LineView(
        1,
        "usage",
        "exchange.mailboxes",
        dt.date(2027, 1, 10),
        dt.date(2027, 2, 10),
        Decimal(3),
        Decimal(8),
        2400,
        "USD",
        WHY,
    )
    tax = LineView(
        2, "tax", "", None, None, None, None, 456 * lines, "USD",
        {"rule": "M3", "subtotal": 2400 * lines, "rates": [["VAT", "19"]], "breakdown": {"VAT": 456 * lines}},
    )  # fmt: skip
    return InvoiceView(
        id=1, number="2027-0001", kind="invoice", seller_id=1, buyer_id=2, subscription_id=3, for_subscription_id=None,
        on=dt.date(2027, 2, 10), posted_on=dt.date(2027, 2, 10), closes_on=dt.date(2027, 2, 10), currency="USD",
        subtotal=2400 * lines, tax=456 * lines, total=2856 * lines, is_silent=False,
        parties={
            "seller": {"name": "Host & Co", "address": "1 Rack Row", "country": "US", "email": ""},
            "buyer": {"name": name, "address": "2 High Street\nTown", "country": "DE", "email": ""},
        },
        lines=(*[usage] * lines, tax),
    )  # fmt: skip


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_it_holds_parties_lines_sums_and_total():
    text = text_of(document.pdf(an_invoice(name="Ünïcode GmbH & Söhne")))
    for part in (
        "2027-0001",
        "10 Feb 2027",
        "Host & Co",
        "Ünïcode GmbH & Söhne",
        "2 High Street",
        "Exchange mailboxes",
    ):
        assert part in text
    for part in ("10 Jan – 9 Feb 2027", "8.00 × 3", "24.00", "VAT", "4.56", "USD 28.56"):
        assert part in text


def test_the_same_invoice_is_the_same_file():
    assert document.pdf(an_invoice()) == document.pdf(an_invoice())


@pytest.mark.parametrize("name", ['#panic("x")', "$x$ *b* _i_ `r` @a", '\\#read("/etc/passwd")', "<script>"])
def test_what_people_enter_is_printed_and_never_run(name):
    assert name.replace(" ", "") in text_of(document.pdf(an_invoice(name=name))).replace(" ", "")


def test_a_long_one_goes_on_over_pages():
    pdf = document.pdf(an_invoice(lines=120))
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) > 2
    assert "page 3 of" in text_of(pdf)


def test_as_html_it_escapes_what_people_enter():
    html = document.html(an_invoice(name="<b>x</b>"))
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>x</b>" not in html


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (dt.date(2027, 1, 1), dt.date(2027, 2, 1), "1 – 31 Jan 2027"),
        (dt.date(2027, 1, 10), dt.date(2027, 2, 10), "10 Jan – 9 Feb 2027"),
        (dt.date(2026, 12, 10), dt.date(2027, 1, 10), "10 Dec 2026 – 9 Jan 2027"),
        (dt.date(2027, 1, 5), dt.date(2027, 1, 6), "5 Jan 2027"),
        (None, None, ""),
    ],
)
def test_days_are_said_by_the_first_and_the_last(start, end, said):
    assert words.days(start, end) == said


def test_amounts_have_the_decimals_of_their_currency():
    assert words.amount(123450, "USD") == "USD 1,234.50"
    assert words.amount(-123450, "JPY") == "JPY −123,450"

"""Hand waiting mail over to the mail server."""

import datetime as dt
import logging

from django.core.mail import EmailMessage

from postledger.accounts.types import Viewer
from postledger.billing import queries as billing
from postledger.documents import invoice
from postledger.events import operations as events

log = logging.getLogger(__name__)


def deliver_mails(*, now: dt.datetime, most: int = 50) -> int:
    """How many mails were handed over, each with the invoice it tells about; what failed is tried again later."""
    done = 0
    for mail in events.claim_due_mails(now=now, most=most):
        message = EmailMessage(
            subject=mail.subject,
            body=mail.body,
            from_email=mail.sender or None,
            to=[mail.to],
            headers={"Message-ID": f"<{mail.id}.{mail.created_at:%Y%m%d%H%M%S}@postledger>"},
        )
        if "invoice_id" in mail.attachment:
            found = billing.invoice(Viewer.system(), int(mail.attachment["invoice_id"]))
            message.attach(f"invoice-{found.number}.pdf", invoice.pdf(found), "application/pdf")
        try:
            message.send()
        except OSError as error:  # smtplib's errors are of this class
            log.warning("mail %s was not handed over: %s", mail.id, error)
            events.mail_failed(mail_id=mail.id, error=str(error), now=now)
            continue
        events.mail_delivered(mail_id=mail.id, now=now)
        done += 1
    return done

"""Events stay as they were written; a mail is sent once and retried with growing delays."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from postledger.events import operations, queries

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def _mail(key: str = "invoice 1"):
    return operations.enqueue_mail(
        seller_id=1, account_id=2, key=key, to="ann@acme.example", subject="Invoice", body="…", now=NOW
    )


def test_an_event_is_never_changed(db):
    operations.note(seller_id=1, account_id=2, kind="x.happened", subject="x", at=NOW, actor="system")
    for statement in ("update events_event set subject = 'y'", "delete from events_event"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert [event.subject for event in queries.events_of(account_id=2)] == ["x"]


def test_the_same_key_is_one_mail(db):
    assert _mail().id == _mail().id


def test_a_claimed_mail_is_given_to_nobody_else_until_its_lease_ends(db):
    mail = _mail()
    assert [found.id for found in operations.claim_due_mails(now=NOW)] == [mail.id]
    assert operations.claim_due_mails(now=NOW) == ()
    assert operations.claim_due_mails(now=NOW + dt.timedelta(minutes=6))


def test_a_delivered_mail_is_never_due_again(db):
    mail = _mail()
    operations.mail_delivered(mail_id=mail.id, now=NOW)
    assert operations.claim_due_mails(now=NOW + dt.timedelta(days=9)) == ()


def test_a_mail_is_given_up_after_twelve_attempts_and_then_shown(db):
    mail = _mail()
    for _ in range(12):
        operations.mail_failed(mail_id=mail.id, error="refused", now=NOW)
    assert [found.id for found in queries.stuck_mails(seller_id=1)] == [mail.id]

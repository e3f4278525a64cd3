"""Entries stay as they were posted: no posting is added to one later, and the tables are never emptied.

A plan made while a table is small is kept for the session, so the check is told to use the index from the start.
"""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION ledger_posting_must_balance() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE bad bigint;
BEGIN
    SELECT a.entry_id INTO bad FROM (SELECT entry_id, sum(amount) AS total, count(*) AS legs FROM added GROUP BY 1) a
    WHERE a.total <> 0 OR a.legs <> (SELECT count(*) FROM ledger_posting p WHERE p.entry_id = a.entry_id) LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'ledger entry % does not balance: write all its postings in one statement, adding up to 0', bad
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION ledger_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'posted entries are final: % is never emptied', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER entries_are_never_emptied BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_emptied();
CREATE TRIGGER postings_are_never_emptied BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_never_emptied();
"""
REVERSE = """
DROP TRIGGER postings_are_never_emptied ON ledger_posting;
DROP TRIGGER entries_are_never_emptied ON ledger_entry;
DROP FUNCTION ledger_is_never_emptied();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_balanced_and_final")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

"""The database itself refuses an unbalanced entry and a change to what is posted (M11).

The check runs once per statement over the rows it inserted, so all postings of an entry are written by one statement; a
million of them cost one aggregate, not a million trigger calls.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_posting_must_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad bigint;
BEGIN
    SELECT entry_id INTO bad FROM added GROUP BY entry_id HAVING sum(amount) <> 0 LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'ledger entry % does not balance: write all its postings in one statement, adding up to 0', bad
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_balance AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_must_balance();

CREATE FUNCTION ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'posted entries are final: correct % % by a further entry', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER entries_are_final BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER postings_are_final BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_is_final();
"""
REVERSE = """
DROP TRIGGER postings_are_final ON ledger_posting;
DROP TRIGGER entries_are_final ON ledger_entry;
DROP FUNCTION ledger_is_final();
DROP TRIGGER postings_balance ON ledger_posting;
DROP FUNCTION ledger_posting_must_balance();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

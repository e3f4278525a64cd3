"""Invoices stay as they were finalised: no line is added to one later, credits do not change, no table is ever emptied.

The lines of an invoice are written before it; the invoice makes them final. A plan made while a table is small is kept for
the session, so the check is told to use the index from the start.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_line_comes_before_its_invoice() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE bad bigint;
BEGIN
    SELECT a.invoice_id INTO bad FROM (SELECT DISTINCT invoice_id FROM added) a
    WHERE (SELECT true FROM billing_invoice i WHERE i.id = a.invoice_id) LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'invoices are final: no line is added to invoice %; correct it by a credit note', bad
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lines_come_before_their_invoice AFTER INSERT ON billing_invoiceline
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_line_comes_before_its_invoice();

CREATE FUNCTION billing_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'invoices are final: % is never emptied', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER invoices_are_never_emptied BEFORE TRUNCATE ON billing_invoice
    FOR EACH STATEMENT EXECUTE FUNCTION billing_is_never_emptied();
CREATE TRIGGER invoice_lines_are_never_emptied BEFORE TRUNCATE ON billing_invoiceline
    FOR EACH STATEMENT EXECUTE FUNCTION billing_is_never_emptied();

CREATE FUNCTION billing_credit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'credits are final: correct one by a debit' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER credits_are_final BEFORE UPDATE OR DELETE ON billing_credit
    FOR EACH ROW EXECUTE FUNCTION billing_credit_is_final();
CREATE TRIGGER credits_are_never_emptied BEFORE TRUNCATE ON billing_credit
    FOR EACH STATEMENT EXECUTE FUNCTION billing_credit_is_final();
"""
REVERSE = """
DROP TRIGGER credits_are_never_emptied ON billing_credit;
DROP TRIGGER credits_are_final ON billing_credit;
DROP FUNCTION billing_credit_is_final();
DROP TRIGGER invoice_lines_are_never_emptied ON billing_invoiceline;
DROP TRIGGER invoices_are_never_emptied ON billing_invoice;
DROP FUNCTION billing_is_never_emptied();
DROP TRIGGER lines_come_before_their_invoice ON billing_invoiceline;
DROP FUNCTION billing_line_comes_before_its_invoice();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_final")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

"""Finalised invoices and their lines are never changed, and no usage is billed twice: kept by the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'invoices are final: correct % % by a credit note', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER invoices_are_final BEFORE UPDATE OR DELETE ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION billing_is_final();
CREATE TRIGGER invoice_lines_are_final BEFORE UPDATE OR DELETE ON billing_invoiceline
    FOR EACH ROW EXECUTE FUNCTION billing_is_final();
CREATE UNIQUE INDEX no_usage_is_billed_twice ON billing_invoiceline (subscription_id, item, start)
    WHERE kind = 'usage';
"""
REVERSE = """
DROP INDEX no_usage_is_billed_twice;
DROP TRIGGER invoice_lines_are_final ON billing_invoiceline;
DROP TRIGGER invoices_are_final ON billing_invoice;
DROP FUNCTION billing_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

"""A payment that was entered is never changed or deleted: kept by the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION payments_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payments are final: enter a debit or a credit instead of changing one'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER payments_are_final BEFORE UPDATE OR DELETE ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION payments_are_final();
CREATE TRIGGER payments_are_never_emptied BEFORE TRUNCATE ON payments_payment
    FOR EACH STATEMENT EXECUTE FUNCTION payments_are_final();
"""
REVERSE = """
DROP TRIGGER payments_are_never_emptied ON payments_payment;
DROP TRIGGER payments_are_final ON payments_payment;
DROP FUNCTION payments_are_final();
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_ceiling_warned_for")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

"""Plan versions are never emptied away either."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION catalog_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'plan versions are frozen: % is never emptied', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER plan_versions_are_never_emptied BEFORE TRUNCATE ON catalog_planversion
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_is_never_emptied();
"""
REVERSE = """
DROP TRIGGER plan_versions_are_never_emptied ON catalog_planversion;
DROP FUNCTION catalog_is_never_emptied();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_frozen")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

"""A plan version is never changed or deleted: kept by the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION catalog_version_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'plan versions are frozen: publish a new version instead of changing %', OLD.id
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER plan_versions_are_frozen BEFORE UPDATE OR DELETE ON catalog_planversion
    FOR EACH ROW EXECUTE FUNCTION catalog_version_is_frozen();
"""
REVERSE = """
DROP TRIGGER plan_versions_are_frozen ON catalog_planversion;
DROP FUNCTION catalog_version_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, REVERSE)]

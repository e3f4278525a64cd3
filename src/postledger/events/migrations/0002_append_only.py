"""The database itself refuses to change or delete what happened."""

from django.db import migrations

REFUSE = """
create function events_are_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'events are never changed or deleted' using errcode = 'integrity_constraint_violation';
end $$;
create trigger events_are_append_only before update or delete on events_event
    for each row execute function events_are_append_only();
"""

ALLOW = """
drop trigger events_are_append_only on events_event;
drop function events_are_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]

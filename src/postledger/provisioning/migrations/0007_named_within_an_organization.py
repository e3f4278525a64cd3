from django.db import migrations, models
from django.db.models import Q

_OWN_NAMES = ("exchange_contact", "exchange_folder")


class Migration(migrations.Migration):
    """Two organizations may have a contact of one address, and folders of one name."""

    dependencies = [("provisioning", "0006_further")]

    operations = [
        migrations.RemoveConstraint(model_name="resource", name="a_thing_on_a_platform_has_one_holder"),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(
                fields=["connection", "kind", "key"],
                condition=Q(gone_at=None) & ~Q(kind__in=_OWN_NAMES),
                name="a_thing_on_a_platform_has_one_holder",
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(
                fields=["seller", "parent", "kind", "key"],
                condition=Q(gone_at=None, kind__in=_OWN_NAMES),
                name="an_organization_has_a_contact_or_folder_once",
            ),
        ),
    ]

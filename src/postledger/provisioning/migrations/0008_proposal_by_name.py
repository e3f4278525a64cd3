from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0007_named_within_an_organization")]

    operations = [
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(fields=["connection", "name"], name="proposal_by_name"),
        ),
    ]

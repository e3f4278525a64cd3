from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0005_reason")]

    operations = [
        migrations.AddField(
            model_name="proposal",
            name="is_further",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]

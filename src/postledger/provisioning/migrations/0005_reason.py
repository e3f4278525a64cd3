from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0004_differences")]

    operations = [
        migrations.AddField(
            model_name="resource",
            name="reason",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
    ]

"""What a seller enters before his buyer has any plan is invoiced too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_whole_and_final")]
    operations = [
        migrations.AlterField(
            "invoice",
            "subscription",
            models.ForeignKey("subscriptions.Subscription", models.PROTECT, null=True, related_name="+"),
        ),
        migrations.AlterField("invoiceline", "subscription_id", models.BigIntegerField(null=True)),
    ]

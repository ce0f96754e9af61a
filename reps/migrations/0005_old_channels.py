"""The columns whose content is rows of ChannelChoice now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reps", "0004_channels_as_rows")]

    operations = [
        migrations.RemoveField(model_name="notificationpreference", name="by_email"),
        migrations.RemoveField(model_name="notificationpreference", name="by_slack"),
        migrations.RemoveField(model_name="notificationpreference", name="slack_webhook_url"),
    ]

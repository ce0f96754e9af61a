"""Who was told by e-mail and Slack still is; messages know the lead that they tell of."""

from django.db import migrations

BATCH = 2000


def choose_channels(apps, schema_editor):
    preference = apps.get_model("reps", "NotificationPreference")
    choice = apps.get_model("reps", "ChannelChoice")
    rows = []
    for one in preference.objects.all().iterator(chunk_size=BATCH):
        by_email = "ALWAYS" if one.by_email else "OFF"
        rows.append(choice(user_id=one.user_id, channel="email", mode=by_email, place=10))
        if one.slack_webhook_url:
            rows.append(
                choice(
                    user_id=one.user_id,
                    channel="slack",
                    mode="ALWAYS" if one.by_slack else "OFF",
                    place=20,
                    address=one.slack_webhook_url,
                )
            )
    choice.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def name_the_lead(apps, schema_editor):
    message = apps.get_model("reps", "Message")
    rows = []
    for one in message.objects.filter(about="").only("pk", "payload").iterator(chunk_size=BATCH):
        lead = one.payload.get("lead")
        if isinstance(lead, int):
            one.about = f"routing.lead:{lead}"
            rows.append(one)
    message.objects.bulk_update(rows, ["about"], batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [("reps", "0003_promises")]

    operations = [
        migrations.RunPython(choose_channels, migrations.RunPython.noop),
        migrations.RunPython(name_the_lead, migrations.RunPython.noop),
    ]

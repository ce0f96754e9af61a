"""The lines of the score are in the versions of its model now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("routing", "0007_carry_over")]

    operations = [
        migrations.RemoveField(model_name="historicalscorefactor", name="history_user"),
        migrations.DeleteModel(name="ScoreFactor"),
        migrations.DeleteModel(name="HistoricalScoreFactor"),
    ]

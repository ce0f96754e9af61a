"""
Nothing to do; so that `0001_tables`, which stands for all of these, is not taken as applied
where the tables of routing that it needs are not there yet.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sla", "0003_running_clocks"), ("routing", "0008_no_score_lines")]

    operations = []

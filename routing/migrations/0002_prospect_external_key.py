from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="prospectkey",
            name="kind",
            field=models.CharField(
                choices=[
                    ("EMAIL", "e-mail"),
                    ("PHONE", "phone"),
                    ("LINKEDIN", "LinkedIn"),
                    ("EXTERNAL", "id elsewhere"),
                ],
                max_length=8,
            ),
        ),
    ]

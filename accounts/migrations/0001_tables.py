"""All tables of the app as they are now; what there was before takes its own way here."""

import accounts.models.territory
import django.db.models.deletion
import simple_history.models
from django.db import migrations, models
from django.conf import settings
from reps.together import CreateTogether


class Migration(migrations.Migration):
    initial = True

    replaces = [('accounts', '0001_initial'), ('accounts', '0002_initial'), ('accounts', '0003_clean_data')]

    dependencies = [
        ('reps', '0001_tables'),
    ]

    operations = [
        CreateTogether(
            [
                migrations.CreateModel(
                    name='Cover',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('what', models.CharField(choices=[('NEW', 'New leads only'), ('OPEN', 'Open leads too; they come back')], default='NEW', max_length=4, verbose_name='what')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('reason', models.CharField(blank=True, max_length=120, verbose_name='reason')),
                        ('moved_at', models.DateTimeField(editable=False, null=True)),
                        ('returned_at', models.DateTimeField(editable=False, null=True)),
                        ('moved', models.JSONField(default=dict, editable=False)),
                    ],
                    options={
                        'ordering': ['starts_at', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalAccount',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(max_length=200, verbose_name='name')),
                        ('domain', models.CharField(blank=True, help_text='e.g. example.com', max_length=200, verbose_name='web domain')),
                        ('further_domains', models.JSONField(blank=True, default=list, help_text='A list of domains of the same company, e.g. of its other countries.', verbose_name='further web domains')),
                        ('aliases', models.JSONField(blank=True, default=list, help_text='A list of names that mean the same company.', verbose_name='other names')),
                        ('industry', models.CharField(blank=True, max_length=80, verbose_name='industry')),
                        ('employees', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees')),
                        ('revenue', models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True, verbose_name='yearly revenue')),
                        ('country', models.CharField(blank=True, help_text='Two letters.', max_length=2, verbose_name='country')),
                        ('region', models.CharField(blank=True, max_length=60, verbose_name='state or region')),
                        ('city', models.CharField(blank=True, max_length=80, verbose_name='city')),
                        ('postal_code', models.CharField(blank=True, max_length=20, verbose_name='postal code')),
                        ('external_id', models.CharField(blank=True, help_text='The id in the CRM or in the file it was imported from.', max_length=80, verbose_name='id elsewhere')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical account',
                        'verbose_name_plural': 'historical accounts',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalAccountOwner',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('role', models.CharField(choices=[('OWNER', 'Owner (AE)'), ('SDR', 'SDR'), ('BACKUP', 'Backup')], default='OWNER', max_length=6, verbose_name='role')),
                        ('starts_on', models.DateField(verbose_name='from')),
                        ('ends_on', models.DateField(blank=True, null=True, verbose_name='until before')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical named account',
                        'verbose_name_plural': 'historical named accounts',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalCover',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('what', models.CharField(choices=[('NEW', 'New leads only'), ('OPEN', 'Open leads too; they come back')], default='NEW', max_length=4, verbose_name='what')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('reason', models.CharField(blank=True, max_length=120, verbose_name='reason')),
                        ('moved_at', models.DateTimeField(editable=False, null=True)),
                        ('returned_at', models.DateTimeField(editable=False, null=True)),
                        ('moved', models.JSONField(default=dict, editable=False)),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical cover',
                        'verbose_name_plural': 'historical covers',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalOpportunity',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(max_length=200, verbose_name='name')),
                        ('state', models.CharField(choices=[('OPEN', 'Open'), ('WON', 'Won'), ('LOST', 'Lost')], default='OPEN', max_length=4, verbose_name='state')),
                        ('value', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='value')),
                        ('opened_at', models.DateTimeField(verbose_name='opened')),
                        ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical opportunity',
                        'verbose_name_plural': 'historical opportunities',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalPlannedTerritory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('territory', models.BigIntegerField(null=True)),
                        ('before', models.JSONField(null=True)),
                        ('after', models.JSONField()),
                        ('was', models.JSONField(null=True)),
                        ('became', models.JSONField(null=True)),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical planned territory',
                        'verbose_name_plural': 'historical planned territories',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalTerritory',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(db_index=True, max_length=120, verbose_name='name')),
                        ('description', models.CharField(blank=True, help_text='What it is for, and why it was cut so.', max_length=500, verbose_name='description')),
                        ('countries', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='countries')),
                        ('regions', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='states or regions')),
                        ('postal_prefixes', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='postal code prefixes')),
                        ('postal_ranges', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.range_list], verbose_name='postal code ranges')),
                        ('industries', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='industries')),
                        ('employees_min', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees from')),
                        ('employees_max', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees up to')),
                        ('conditions', models.JSONField(blank=True, default=dict, help_text='On any other fact of a lead, as in rules. Each counts as one criterion.', validators=[accounts.models.territory.readable_conditions], verbose_name='further conditions')),
                        ('rank', models.IntegerField(default=0, help_text='Breaks a tie between equally specific ones; lower wins.', verbose_name='rank')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical territory',
                        'verbose_name_plural': 'historical territories',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalTerritoryBackup',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical territory backup',
                        'verbose_name_plural': 'historical territory backups',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalTerritoryPlan',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, verbose_name='name')),
                        ('reason', models.CharField(help_text='Whoever approves it and whoever it concerns reads this.', max_length=300, verbose_name='why')),
                        ('leads', models.CharField(choices=[('STAY', 'Open leads stay with whoever holds them'), ('UNSEEN', 'Open leads that nobody has acknowledged move'), ('ALL', 'All open leads move')], default='STAY', max_length=6, verbose_name='open leads')),
                        ('effective_at', models.DateTimeField(blank=True, help_text='Empty: as soon as it is approved.', null=True, verbose_name='takes effect')),
                        ('state', models.CharField(choices=[('DRAFT', 'Draft'), ('ASKED', 'Waits for approval'), ('SCHEDULED', 'Approved, takes effect at its time'), ('IN_EFFECT', 'In effect'), ('SUPERSEDED', 'Superseded by a later plan'), ('UNDONE', 'Undone')], default='DRAFT', max_length=10, verbose_name='state')),
                        ('drafted_at', models.DateTimeField(verbose_name='drafted')),
                        ('asked_at', models.DateTimeField(null=True)),
                        ('approved_at', models.DateTimeField(null=True)),
                        ('digest', models.CharField(blank=True, help_text='Of what was asked for and approved.', max_length=64)),
                        ('due_at', models.DateTimeField(null=True)),
                        ('took_effect_at', models.DateTimeField(null=True, verbose_name='took effect')),
                        ('undone_at', models.DateTimeField(null=True)),
                        ('undo_reason', models.CharField(blank=True, max_length=300)),
                        ('exceptions', models.JSONField(blank=True, default=list)),
                        ('error', models.CharField(blank=True, max_length=500)),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                    ],
                    options={
                        'verbose_name': 'historical territory plan',
                        'verbose_name_plural': 'historical territory plans',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Opportunity',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200, verbose_name='name')),
                        ('state', models.CharField(choices=[('OPEN', 'Open'), ('WON', 'Won'), ('LOST', 'Lost')], default='OPEN', max_length=4, verbose_name='state')),
                        ('value', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='value')),
                        ('opened_at', models.DateTimeField(verbose_name='opened')),
                        ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                    ],
                    options={
                        'verbose_name_plural': 'opportunities',
                        'ordering': ['-opened_at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='PlannedTerritory',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('territory', models.BigIntegerField(null=True)),
                        ('before', models.JSONField(null=True)),
                        ('after', models.JSONField()),
                        ('was', models.JSONField(null=True)),
                        ('became', models.JSONField(null=True)),
                    ],
                    options={
                        'verbose_name_plural': 'planned territories',
                        'ordering': ['plan', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Territory',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                        ('description', models.CharField(blank=True, help_text='What it is for, and why it was cut so.', max_length=500, verbose_name='description')),
                        ('countries', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='countries')),
                        ('regions', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='states or regions')),
                        ('postal_prefixes', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='postal code prefixes')),
                        ('postal_ranges', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.range_list], verbose_name='postal code ranges')),
                        ('industries', models.JSONField(blank=True, default=list, validators=[accounts.models.territory.text_list], verbose_name='industries')),
                        ('employees_min', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees from')),
                        ('employees_max', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees up to')),
                        ('conditions', models.JSONField(blank=True, default=dict, help_text='On any other fact of a lead, as in rules. Each counts as one criterion.', validators=[accounts.models.territory.readable_conditions], verbose_name='further conditions')),
                        ('rank', models.IntegerField(default=0, help_text='Breaks a tie between equally specific ones; lower wins.', verbose_name='rank')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ],
                    options={
                        'verbose_name_plural': 'territories',
                        'ordering': ['name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='TerritoryBackup',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField(default=0, verbose_name='position')),
                    ],
                    options={
                        'ordering': ['position', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='TerritoryImport',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('file_name', models.CharField(max_length=200, verbose_name='file')),
                        ('content', models.BinaryField(null=True)),
                        ('created_at', models.DateTimeField(verbose_name='uploaded')),
                        ('applied_at', models.DateTimeField(null=True, verbose_name='applied')),
                        ('said', models.CharField(blank=True, max_length=200, verbose_name='what it did')),
                    ],
                    options={
                        'ordering': ['-created_at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='TerritoryPlan',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, verbose_name='name')),
                        ('reason', models.CharField(help_text='Whoever approves it and whoever it concerns reads this.', max_length=300, verbose_name='why')),
                        ('leads', models.CharField(choices=[('STAY', 'Open leads stay with whoever holds them'), ('UNSEEN', 'Open leads that nobody has acknowledged move'), ('ALL', 'All open leads move')], default='STAY', max_length=6, verbose_name='open leads')),
                        ('effective_at', models.DateTimeField(blank=True, help_text='Empty: as soon as it is approved.', null=True, verbose_name='takes effect')),
                        ('state', models.CharField(choices=[('DRAFT', 'Draft'), ('ASKED', 'Waits for approval'), ('SCHEDULED', 'Approved, takes effect at its time'), ('IN_EFFECT', 'In effect'), ('SUPERSEDED', 'Superseded by a later plan'), ('UNDONE', 'Undone')], default='DRAFT', max_length=10, verbose_name='state')),
                        ('drafted_at', models.DateTimeField(verbose_name='drafted')),
                        ('asked_at', models.DateTimeField(null=True)),
                        ('approved_at', models.DateTimeField(null=True)),
                        ('digest', models.CharField(blank=True, help_text='Of what was asked for and approved.', max_length=64)),
                        ('due_at', models.DateTimeField(null=True)),
                        ('took_effect_at', models.DateTimeField(null=True, verbose_name='took effect')),
                        ('undone_at', models.DateTimeField(null=True)),
                        ('undo_reason', models.CharField(blank=True, max_length=300)),
                        ('exceptions', models.JSONField(blank=True, default=list)),
                        ('error', models.CharField(blank=True, max_length=500)),
                    ],
                    options={
                        'ordering': ['-drafted_at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Account',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200, verbose_name='name')),
                        ('domain', models.CharField(blank=True, help_text='e.g. example.com', max_length=200, verbose_name='web domain')),
                        ('further_domains', models.JSONField(blank=True, default=list, help_text='A list of domains of the same company, e.g. of its other countries.', verbose_name='further web domains')),
                        ('aliases', models.JSONField(blank=True, default=list, help_text='A list of names that mean the same company.', verbose_name='other names')),
                        ('industry', models.CharField(blank=True, max_length=80, verbose_name='industry')),
                        ('employees', models.PositiveIntegerField(blank=True, null=True, verbose_name='employees')),
                        ('revenue', models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True, verbose_name='yearly revenue')),
                        ('country', models.CharField(blank=True, help_text='Two letters.', max_length=2, verbose_name='country')),
                        ('region', models.CharField(blank=True, max_length=60, verbose_name='state or region')),
                        ('city', models.CharField(blank=True, max_length=80, verbose_name='city')),
                        ('postal_code', models.CharField(blank=True, max_length=20, verbose_name='postal code')),
                        ('external_id', models.CharField(blank=True, help_text='The id in the CRM or in the file it was imported from.', max_length=80, verbose_name='id elsewhere')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='accounts.account', verbose_name='parent company')),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='AccountKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('DOMAIN', 'domain'), ('NAME', 'name'), ('WORD', 'word of a name'), ('ACRONYM', 'initials'), ('SOUND', 'consonants')], max_length=8)),
                        ('value', models.CharField(max_length=200)),
                        ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='accounts.account')),
                    ],
                ),
                migrations.CreateModel(
                    name='AccountOwner',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('role', models.CharField(choices=[('OWNER', 'Owner (AE)'), ('SDR', 'SDR'), ('BACKUP', 'Backup')], default='OWNER', max_length=6, verbose_name='role')),
                        ('starts_on', models.DateField(verbose_name='from')),
                        ('ends_on', models.DateField(blank=True, null=True, verbose_name='until before')),
                        ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='owners', to='accounts.account', verbose_name='account')),
                    ],
                    options={
                        'verbose_name': 'named account',
                        'ordering': ['account__name', 'role', '-starts_on', 'pk'],
                    },
                ),
                migrations.AddField(
                    model_name='accountowner',
                    name='rep',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='owned_accounts', to='reps.rep', verbose_name='rep'),
                ),
                migrations.AddField(
                    model_name='cover',
                    name='account',
                    field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='covers', to='accounts.account', verbose_name='account'),
                ),
                migrations.AddField(
                    model_name='cover',
                    name='rep',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='covered', to='reps.rep', verbose_name='in place of'),
                ),
                migrations.AddField(
                    model_name='cover',
                    name='stand_in',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='covers', to='reps.rep', verbose_name='who stands in'),
                ),
                migrations.AddField(
                    model_name='historicalaccount',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalaccount',
                    name='parent',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.account', verbose_name='parent company'),
                ),
                migrations.AddField(
                    model_name='historicalaccountowner',
                    name='account',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.account', verbose_name='account'),
                ),
                migrations.AddField(
                    model_name='historicalaccountowner',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalaccountowner',
                    name='rep',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='rep'),
                ),
                migrations.AddField(
                    model_name='historicalcover',
                    name='account',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.account', verbose_name='account'),
                ),
                migrations.AddField(
                    model_name='historicalcover',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalcover',
                    name='rep',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='in place of'),
                ),
                migrations.AddField(
                    model_name='historicalcover',
                    name='stand_in',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='who stands in'),
                ),
                migrations.AddField(
                    model_name='historicalopportunity',
                    name='account',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.account', verbose_name='account'),
                ),
                migrations.AddField(
                    model_name='historicalopportunity',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalopportunity',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='owner'),
                ),
                migrations.AddField(
                    model_name='historicalplannedterritory',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritory',
                    name='backup',
                    field=models.ForeignKey(blank=True, db_constraint=False, help_text="Takes the leads while the owner is away. Empty: the owner's own backup.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='backup owner'),
                ),
                migrations.AddField(
                    model_name='historicalterritory',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritory',
                    name='owner',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='owner'),
                ),
                migrations.AddField(
                    model_name='historicalterritorybackup',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritorybackup',
                    name='rep',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='rep'),
                ),
                migrations.AddField(
                    model_name='historicalterritoryplan',
                    name='approved_by',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritoryplan',
                    name='asked_by',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritoryplan',
                    name='author',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritoryplan',
                    name='history_user',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='historicalterritoryplan',
                    name='undone_by',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='opportunity',
                    name='account',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='accounts.account', verbose_name='account'),
                ),
                migrations.AddField(
                    model_name='opportunity',
                    name='owner',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opportunities', to='reps.rep', verbose_name='owner'),
                ),
                migrations.AddField(
                    model_name='territory',
                    name='backup',
                    field=models.ForeignKey(blank=True, help_text="Takes the leads while the owner is away. Empty: the owner's own backup.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='backup_territories', to='reps.rep', verbose_name='backup owner'),
                ),
                migrations.AddField(
                    model_name='territory',
                    name='owner',
                    field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='territories', to='reps.rep', verbose_name='owner'),
                ),
                migrations.AddField(
                    model_name='territory',
                    name='parent',
                    field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='accounts.territory', verbose_name='part of'),
                ),
                migrations.AddField(
                    model_name='historicalterritorybackup',
                    name='territory',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.territory', verbose_name='territory'),
                ),
                migrations.AddField(
                    model_name='historicalterritory',
                    name='parent',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.territory', verbose_name='part of'),
                ),
                migrations.AddField(
                    model_name='historicalcover',
                    name='territory',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.territory', verbose_name='territory'),
                ),
                migrations.AddField(
                    model_name='cover',
                    name='territory',
                    field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='covers', to='accounts.territory', verbose_name='territory'),
                ),
                migrations.AddField(
                    model_name='territorybackup',
                    name='rep',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='further_backup_of', to='reps.rep', verbose_name='rep'),
                ),
                migrations.AddField(
                    model_name='territorybackup',
                    name='territory',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further_backups', to='accounts.territory', verbose_name='territory'),
                ),
                migrations.AddField(
                    model_name='territoryimport',
                    name='created_by',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='territoryplan',
                    name='approved_by',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='territoryplan',
                    name='asked_by',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='territoryplan',
                    name='author',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='territoryplan',
                    name='undone_by',
                    field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AddField(
                    model_name='plannedterritory',
                    name='plan',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='accounts.territoryplan'),
                ),
                migrations.AddField(
                    model_name='historicalplannedterritory',
                    name='plan',
                    field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.territoryplan'),
                ),
                migrations.AddConstraint(
                    model_name='account',
                    constraint=models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('external_id',), name='accounts_one_account_per_external_id'),
                ),
                migrations.AddIndex(
                    model_name='accountkey',
                    index=models.Index(fields=['kind', 'value', 'account'], name='accounts_key_lookup'),
                ),
                migrations.AddConstraint(
                    model_name='accountkey',
                    constraint=models.UniqueConstraint(fields=('account', 'kind', 'value'), name='accounts_one_key_once'),
                ),
                migrations.AddConstraint(
                    model_name='accountowner',
                    constraint=models.CheckConstraint(condition=models.Q(('ends_on__isnull', True), ('ends_on__gte', models.F('starts_on')), _connector='OR'), name='accounts_ownership_ends_after_it_starts'),
                ),
                migrations.AddConstraint(
                    model_name='accountowner',
                    constraint=models.UniqueConstraint(condition=models.Q(('ends_on__isnull', True)), fields=('account', 'role'), name='accounts_one_open_owner_per_role'),
                ),
                migrations.AddIndex(
                    model_name='opportunity',
                    index=models.Index(condition=models.Q(('state', 'OPEN')), fields=['account'], name='accounts_open_deal'),
                ),
                migrations.AddConstraint(
                    model_name='opportunity',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('state', 'OPEN')), models.Q(models.Q(('state', 'OPEN'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='accounts_closed_deal_has_a_date'),
                ),
                migrations.AddConstraint(
                    model_name='territory',
                    constraint=models.CheckConstraint(condition=models.Q(('employees_min__isnull', True), ('employees_max__isnull', True), ('employees_max__gte', models.F('employees_min')), _connector='OR'), name='accounts_territory_size_from_to'),
                ),
                migrations.AddIndex(
                    model_name='cover',
                    index=models.Index(condition=models.Q(('moved_at__isnull', True)), fields=['starts_at'], name='accounts_cover_begins'),
                ),
                migrations.AddIndex(
                    model_name='cover',
                    index=models.Index(condition=models.Q(('moved_at__isnull', False), ('returned_at__isnull', True)), fields=['ends_at'], name='accounts_cover_ends'),
                ),
                migrations.AddConstraint(
                    model_name='cover',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('account__isnull', False), ('territory__isnull', True)), models.Q(('account__isnull', True), ('territory__isnull', False)), _connector='OR'), name='accounts_cover_is_of_one_thing'),
                ),
                migrations.AddConstraint(
                    model_name='cover',
                    constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='accounts_cover_ends_after_it_starts'),
                ),
                migrations.AddConstraint(
                    model_name='cover',
                    constraint=models.CheckConstraint(condition=models.Q(('stand_in', models.F('rep')), _negated=True), name='accounts_nobody_covers_themselves'),
                ),
                migrations.AddConstraint(
                    model_name='territorybackup',
                    constraint=models.UniqueConstraint(fields=('territory', 'rep'), name='accounts_backup_once_per_territory'),
                ),
                migrations.AddIndex(
                    model_name='territoryplan',
                    index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='accounts_plan_due'),
                ),
                migrations.AddConstraint(
                    model_name='territoryplan',
                    constraint=models.UniqueConstraint(condition=models.Q(('state', 'IN_EFFECT')), fields=('state',), name='accounts_one_plan_in_effect'),
                ),
                migrations.AddConstraint(
                    model_name='territoryplan',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at__isnull', False), ('state', 'SCHEDULED')), models.Q(models.Q(('state', 'SCHEDULED'), _negated=True), ('due_at__isnull', True)), _connector='OR'), name='accounts_approved_plan_is_due'),
                ),
                migrations.AddConstraint(
                    model_name='plannedterritory',
                    constraint=models.UniqueConstraint(fields=('plan', 'territory'), name='accounts_territory_once_per_plan'),
                ),
            ]
        ),
    ]

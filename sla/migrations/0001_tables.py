"""All tables of the app as they are now; what there was before takes its own way here."""

import django.core.validators
import django.db.models.deletion
import simple_history.models
import sla.chain
import sla.models.policy
from django.conf import settings
from django.db import migrations, models
from reps.together import CreateTogether


class Migration(migrations.Migration):
    initial = True

    replaces = [('sla', '0001_initial'), ('sla', '0002_promises'), ('sla', '0003_running_clocks'), ('sla', '0004_after_clean_data')]

    dependencies = [
        ('reps', '0001_tables'),
        ('routing', '0001_tables'),
    ]

    operations = [
        CreateTogether(
            [
                migrations.CreateModel(
                    name='ClockHours',
                    fields=[
                        ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ('body', models.JSONField()),
                    ],
                ),
                migrations.CreateModel(
                    name='PauseReason',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                        ('longest', models.PositiveIntegerField(default=604800, help_text='Seconds.', validators=[django.core.validators.MinValueValidator(60)], verbose_name='at most')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Policy',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                        ('position', models.PositiveIntegerField(default=10, verbose_name='position')),
                        ('metric', models.CharField(choices=[('ACKNOWLEDGE', 'acknowledge'), ('CONTACT', 'first contact'), ('CLAIM', 'claim from the queue'), ('ASSIGN', 'find an owner'), ('FOLLOW_UP', 'follow up')], default='ACKNOWLEDGE', max_length=11, verbose_name='promise')),
                        ('scope', models.CharField(choices=[('LEAD', 'Lead: runs on across owners'), ('HOLD', 'Holder: starts anew with each owner')], default='LEAD', max_length=4, verbose_name='clock')),
                        ('hours', models.CharField(choices=[('REP', "the rep's working hours"), ('TEAM', "the team's working hours"), ('ALWAYS', 'around the clock')], default='REP', help_text='While nobody holds the lead: the hours of whoever may claim it; around the clock where there are none.', max_length=6, verbose_name='counted in')),
                        ('condition', models.JSONField(blank=True, default=sla.models.policy.any_lead, verbose_name='for which leads')),
                        ('budget', models.PositiveIntegerField(default=900, help_text='Seconds.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='time limit')),
                        ('steps', models.JSONField(blank=True, default=sla.chain.standard, help_text='Steps such as {"at_percent": 100, "do": "tell_manager"}.', verbose_name='escalation')),
                        ('most_hops', models.PositiveSmallIntegerField(default=3, help_text='How often an escalation may change the owner; then people are only told.', verbose_name='hand-overs at most')),
                        ('pausable', models.BooleanField(default=True, help_text='By the owner, for a reason from the list.', verbose_name='may be paused')),
                        ('target_percent', models.PositiveSmallIntegerField(default=80, help_text='Percent of its clocks that should end in time.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='target')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ],
                    options={
                        'verbose_name_plural': 'policies',
                        'ordering': ['metric', 'position', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Clock',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('metric', models.CharField(choices=[('ACKNOWLEDGE', 'acknowledge'), ('CONTACT', 'first contact'), ('CLAIM', 'claim from the queue'), ('ASSIGN', 'find an owner'), ('FOLLOW_UP', 'follow up')], max_length=11)),
                        ('scope', models.CharField(choices=[('LEAD', 'Lead: runs on across owners'), ('HOLD', 'Holder: starts anew with each owner')], max_length=4)),
                        ('epoch', models.PositiveIntegerField()),
                        ('state', models.CharField(choices=[('RUNNING', 'Running'), ('MET', 'Met'), ('STOPPED', 'Stopped')], default='RUNNING', max_length=7)),
                        ('budget', models.PositiveIntegerField(default=0, help_text='Seconds of its working time.')),
                        ('policy_version', models.PositiveIntegerField(default=1)),
                        ('started_at', models.DateTimeField()),
                        ('first_due_at', models.DateTimeField(help_text='The deadline as it was when the clock started.', null=True)),
                        ('due_at', models.DateTimeField()),
                        ('paused_at', models.DateTimeField(null=True)),
                        ('steps', models.JSONField(default=list)),
                        ('next_step', models.PositiveSmallIntegerField(default=0)),
                        ('next_at', models.DateTimeField(null=True)),
                        ('breached_at', models.DateTimeField(null=True)),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('holder', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='reps.rep')),
                        ('lead', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='routing.lead')),
                        ('hours', models.ForeignKey(help_text='Empty: around the clock.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sla.clockhours')),
                        ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='clocks', to='sla.policy')),
                    ],
                ),
                migrations.CreateModel(
                    name='HistoricalPauseReason',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(db_index=True, max_length=120, verbose_name='name')),
                        ('longest', models.PositiveIntegerField(default=604800, help_text='Seconds.', validators=[django.core.validators.MinValueValidator(60)], verbose_name='at most')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical pause reason',
                        'verbose_name_plural': 'historical pause reasons',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalPolicy',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(db_index=True, max_length=120, verbose_name='name')),
                        ('position', models.PositiveIntegerField(default=10, verbose_name='position')),
                        ('metric', models.CharField(choices=[('ACKNOWLEDGE', 'acknowledge'), ('CONTACT', 'first contact'), ('CLAIM', 'claim from the queue'), ('ASSIGN', 'find an owner'), ('FOLLOW_UP', 'follow up')], default='ACKNOWLEDGE', max_length=11, verbose_name='promise')),
                        ('scope', models.CharField(choices=[('LEAD', 'Lead: runs on across owners'), ('HOLD', 'Holder: starts anew with each owner')], default='LEAD', max_length=4, verbose_name='clock')),
                        ('hours', models.CharField(choices=[('REP', "the rep's working hours"), ('TEAM', "the team's working hours"), ('ALWAYS', 'around the clock')], default='REP', help_text='While nobody holds the lead: the hours of whoever may claim it; around the clock where there are none.', max_length=6, verbose_name='counted in')),
                        ('condition', models.JSONField(blank=True, default=sla.models.policy.any_lead, verbose_name='for which leads')),
                        ('budget', models.PositiveIntegerField(default=900, help_text='Seconds.', validators=[django.core.validators.MinValueValidator(1)], verbose_name='time limit')),
                        ('steps', models.JSONField(blank=True, default=sla.chain.standard, help_text='Steps such as {"at_percent": 100, "do": "tell_manager"}.', verbose_name='escalation')),
                        ('most_hops', models.PositiveSmallIntegerField(default=3, help_text='How often an escalation may change the owner; then people are only told.', verbose_name='hand-overs at most')),
                        ('pausable', models.BooleanField(default=True, help_text='By the owner, for a reason from the list.', verbose_name='may be paused')),
                        ('target_percent', models.PositiveSmallIntegerField(default=80, help_text='Percent of its clocks that should end in time.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)], verbose_name='target')),
                        ('version', models.PositiveIntegerField(default=1, editable=False)),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical policy',
                        'verbose_name_plural': 'historical policies',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Escalation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('step', models.PositiveSmallIntegerField()),
                        ('action', models.CharField(max_length=20)),
                        ('due_at', models.DateTimeField()),
                        ('fired_at', models.DateTimeField()),
                        ('driver', models.CharField(max_length=20)),
                        ('recipients', models.PositiveSmallIntegerField()),
                        ('told', models.JSONField(default=list, help_text='Ids of the users told.')),
                        ('effect', models.CharField(max_length=200)),
                        ('clock', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='escalations', to='sla.clock')),
                        ('lead', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='escalations', to='routing.lead')),
                    ],
                    options={
                        'ordering': ['-fired_at', '-pk'],
                        'constraints': [models.UniqueConstraint(fields=('clock', 'step'), name='sla_a_step_fires_once'), models.CheckConstraint(condition=models.Q(('fired_at__gte', models.F('due_at'))), name='sla_no_step_fires_early'), models.CheckConstraint(condition=models.Q(('recipients__gte', 1)), name='sla_a_step_reaches_somebody')],
                    },
                ),
                migrations.CreateModel(
                    name='Pause',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('epoch', models.PositiveIntegerField()),
                        ('clocks', models.JSONField(default=list, help_text='Ids of the clocks that stand still.')),
                        ('note', models.CharField(blank=True, max_length=300)),
                        ('started_at', models.DateTimeField()),
                        ('resume_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('ended', models.CharField(blank=True, choices=[('TIME', 'Time was up'), ('BY_HAND', 'Resumed by hand'), ('MOVED', 'The lead changed hands'), ('DONE', 'Nothing left to wait for')], max_length=8)),
                        ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('lead', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pauses', to='routing.lead')),
                        ('reason', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pauses', to='sla.pausereason')),
                    ],
                    options={
                        'ordering': ['started_at', 'pk'],
                        'indexes': [models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['resume_at', 'id'], name='sla_pause_due')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('lead',), name='sla_one_pause_at_a_time'), models.CheckConstraint(condition=models.Q(('resume_at__gt', models.F('started_at'))), name='sla_pause_ends_after_it_starts')],
                    },
                ),
                migrations.AddIndex(
                    model_name='clock',
                    index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at', 'id'], name='sla_clock_due'),
                ),
                migrations.AddIndex(
                    model_name='clock',
                    index=models.Index(fields=['lead', 'state'], name='sla_clock_of_lead'),
                ),
                migrations.AddConstraint(
                    model_name='clock',
                    constraint=models.UniqueConstraint(condition=models.Q(('state', 'RUNNING')), fields=('lead', 'metric', 'scope'), name='sla_one_running_clock_per_promise'),
                ),
                migrations.AddConstraint(
                    model_name='clock',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('state', 'RUNNING')), models.Q(models.Q(('state', 'RUNNING'), _negated=True), ('ended_at__isnull', False), ('next_at__isnull', True)), _connector='OR'), name='sla_ended_clock_has_no_next_step'),
                ),
                migrations.AddConstraint(
                    model_name='clock',
                    constraint=models.CheckConstraint(condition=models.Q(('breached_at__isnull', True), ('breached_at__gte', models.F('due_at')), _connector='OR'), name='sla_no_breach_before_the_deadline'),
                ),
                migrations.AddConstraint(
                    model_name='clock',
                    constraint=models.CheckConstraint(condition=models.Q(('paused_at__isnull', True), models.Q(('next_at__isnull', True), ('state', 'RUNNING')), _connector='OR'), name='sla_paused_clock_takes_no_step'),
                ),
            ]
        ),
    ]

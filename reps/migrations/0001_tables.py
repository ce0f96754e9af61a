"""All tables of the app as they are now; what there was before takes its own way here."""

import django.contrib.auth.models
import django.contrib.auth.validators
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import reps.models.hours
import reps.models.user
import simple_history.models
from django.conf import settings
from django.db import migrations, models
from reps.together import CreateTogether


class Migration(migrations.Migration):
    initial = True

    replaces = [('reps', '0001_initial'), ('reps', '0002_routing_brain'), ('reps', '0003_promises'), ('reps', '0004_channels_as_rows'), ('reps', '0005_old_channels')]

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        CreateTogether(
            [
                migrations.CreateModel(
                    name='AuditAnchor',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('day', models.DateField(unique=True)),
                        ('first_id', models.BigIntegerField()),
                        ('last_id', models.BigIntegerField()),
                        ('events', models.PositiveIntegerField()),
                        ('prev_root', models.CharField(blank=True, max_length=64)),
                        ('root', models.CharField(max_length=64)),
                        ('made_at', models.DateTimeField()),
                    ],
                    options={
                        'ordering': ['day'],
                    },
                ),
                migrations.CreateModel(
                    name='AuditHead',
                    fields=[
                        ('chain', models.CharField(max_length=80, primary_key=True, serialize=False)),
                        ('seq', models.PositiveIntegerField()),
                        ('hash', models.CharField(max_length=64)),
                    ],
                ),
                migrations.CreateModel(
                    name='Heartbeat',
                    fields=[
                        ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                        ('at', models.DateTimeField()),
                        ('max_age', models.PositiveIntegerField(help_text='Seconds of silence after which it is red.')),
                        ('detail', models.JSONField(default=dict)),
                    ],
                ),
                migrations.CreateModel(
                    name='RetentionRule',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('what', models.SlugField(max_length=40, unique=True, verbose_name='what')),
                        ('days', models.PositiveIntegerField(verbose_name='days')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ],
                    options={
                        'ordering': ['what'],
                    },
                ),
                migrations.CreateModel(
                    name='RosterStamp',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('version', models.BigIntegerField(default=1)),
                    ],
                ),
                migrations.CreateModel(
                    name='Routine',
                    fields=[
                        ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                        ('next_at', models.DateTimeField(db_index=True)),
                        ('last_at', models.DateTimeField(null=True)),
                        ('seconds', models.FloatField(default=0.0)),
                        ('detail', models.JSONField(default=dict)),
                        ('failures', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.CharField(blank=True, max_length=300)),
                        ('driver', models.CharField(blank=True, max_length=20)),
                    ],
                ),
                migrations.CreateModel(
                    name='Skill',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('slug', models.SlugField(help_text='How rules name it, e.g. french.', max_length=60, unique=True, verbose_name='key')),
                        ('name', models.CharField(max_length=120, verbose_name='name')),
                        ('category', models.CharField(choices=[('LANGUAGE', 'Language'), ('INDUSTRY', 'Industry'), ('PRODUCT', 'Product'), ('SEGMENT', 'Segment'), ('OTHER', 'Other')], default='OTHER', max_length=10, verbose_name='category')),
                        ('criteria', models.TextField(blank=True, help_text='Written criteria, level by level.', verbose_name='what each level means')),
                    ],
                    options={
                        'ordering': ['category', 'name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='WorkCalendar',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                        ('time_zone', models.CharField(default='UTC', max_length=64, validators=[reps.models.user.validate_time_zone], verbose_name='time zone')),
                        ('weekly', models.JSONField(default=reps.models.hours.office_hours, help_text='Per weekday a list of windows: {"mon": [["09:00", "17:00"]]}.', verbose_name='weekly hours')),
                        ('holiday_country', models.CharField(blank=True, help_text='Country as two letters, e.g. DE. Empty: none.', max_length=2, verbose_name='public holidays of')),
                        ('holiday_region', models.CharField(blank=True, help_text='State or province, e.g. BY.', max_length=10, verbose_name='region')),
                        ('overrides', models.JSONField(blank=True, default=dict, help_text='Dates with other hours: {"2026-12-24": [["09:00", "12:00"]]}; [] is closed.', verbose_name='exceptions')),
                        ('breaks', models.JSONField(blank=True, default=dict, verbose_name='breaks')),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='User',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('password', models.CharField(max_length=128, verbose_name='password')),
                        ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                        ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                        ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                        ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                        ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                        ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                        ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                        ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                        ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                        ('time_zone', models.CharField(default='UTC', help_text='Times are shown in this zone.', max_length=64, validators=[reps.models.user.validate_time_zone], verbose_name='time zone')),
                        ('away_until', models.DateTimeField(blank=True, help_text='Until then a deputy answers for what you decide, such as reassignments.', null=True, verbose_name='away until')),
                        ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                        ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                    ],
                    options={
                        'verbose_name': 'user',
                        'verbose_name_plural': 'users',
                        'abstract': False,
                    },
                    managers=[
                        ('objects', django.contrib.auth.models.UserManager()),
                    ],
                ),
                migrations.CreateModel(
                    name='Alarm',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=120)),
                        ('text', models.CharField(max_length=500)),
                        ('since', models.DateTimeField()),
                        ('seen_at', models.DateTimeField(help_text='When it was last found to be so.')),
                        ('cleared_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'ordering': ['-since', '-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('key',), name='reps_one_alarm_of_a_kind')],
                    },
                ),
                migrations.CreateModel(
                    name='ChangeLog',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('table_name', models.CharField(max_length=63)),
                        ('row_id', models.BigIntegerField()),
                        ('verb', models.CharField(max_length=1)),
                        ('digest', models.CharField(blank=True, max_length=32)),
                        ('transaction', models.BigIntegerField()),
                        ('at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['table_name', 'row_id', 'id'], name='reps_changelog_row'), models.Index(fields=['at'], name='reps_changelog_at')],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalRetentionRule',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('what', models.SlugField(max_length=40, verbose_name='what')),
                        ('days', models.PositiveIntegerField(verbose_name='days')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical retention rule',
                        'verbose_name_plural': 'historical retention rules',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalSkill',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('slug', models.SlugField(help_text='How rules name it, e.g. french.', max_length=60, verbose_name='key')),
                        ('name', models.CharField(max_length=120, verbose_name='name')),
                        ('category', models.CharField(choices=[('LANGUAGE', 'Language'), ('INDUSTRY', 'Industry'), ('PRODUCT', 'Product'), ('SEGMENT', 'Segment'), ('OTHER', 'Other')], default='OTHER', max_length=10, verbose_name='category')),
                        ('criteria', models.TextField(blank=True, help_text='Written criteria, level by level.', verbose_name='what each level means')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical skill',
                        'verbose_name_plural': 'historical skills',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalWorkCalendar',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(db_index=True, max_length=120, verbose_name='name')),
                        ('time_zone', models.CharField(default='UTC', max_length=64, validators=[reps.models.user.validate_time_zone], verbose_name='time zone')),
                        ('weekly', models.JSONField(default=reps.models.hours.office_hours, help_text='Per weekday a list of windows: {"mon": [["09:00", "17:00"]]}.', verbose_name='weekly hours')),
                        ('holiday_country', models.CharField(blank=True, help_text='Country as two letters, e.g. DE. Empty: none.', max_length=2, verbose_name='public holidays of')),
                        ('holiday_region', models.CharField(blank=True, help_text='State or province, e.g. BY.', max_length=10, verbose_name='region')),
                        ('overrides', models.JSONField(blank=True, default=dict, help_text='Dates with other hours: {"2026-12-24": [["09:00", "12:00"]]}; [] is closed.', verbose_name='exceptions')),
                        ('breaks', models.JSONField(blank=True, default=dict, verbose_name='breaks')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name': 'historical work calendar',
                        'verbose_name_plural': 'historical work calendars',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Message',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=120, unique=True)),
                        ('kind', models.CharField(max_length=40)),
                        ('payload', models.JSONField(default=dict)),
                        ('about', models.CharField(blank=True, help_text='The row it tells of, such as routing.lead:12.', max_length=60)),
                        ('urgent', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField()),
                        ('due_at', models.DateTimeField()),
                        ('state', models.CharField(choices=[('PENDING', 'Waiting'), ('SENT', 'Sent'), ('DROPPED', 'No longer wanted'), ('DEAD', 'Given up'), ('DIGESTED', 'Told in a digest')], default='PENDING', max_length=8)),
                        ('waits_for', models.CharField(blank=True, choices=[('RETRY', 'another attempt'), ('QUIET', 'the end of quiet hours'), ('REST', 'a channel that rests'), ('DIGEST', 'the next digest')], max_length=6)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('leased_until', models.DateTimeField(null=True)),
                        ('delivered', models.JSONField(default=dict)),
                        ('last_error', models.CharField(blank=True, max_length=300)),
                        ('done_at', models.DateTimeField(null=True)),
                        ('driver', models.CharField(blank=True, max_length=20)),
                        ('read_at', models.DateTimeField(null=True)),
                        ('digest', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='collected', to='reps.message')),
                        ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to=settings.AUTH_USER_MODEL)),
                    ],
                ),
                migrations.CreateModel(
                    name='Delivery',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('channel', models.CharField(max_length=12)),
                        ('at', models.DateTimeField()),
                        ('seconds', models.FloatField(default=0.0)),
                        ('outcome', models.CharField(choices=[('TAKEN', 'Taken by the provider'), ('CONFIRMED', 'Arrived'), ('FAILED', 'Failed'), ('REFUSED', 'Refused for good')], max_length=9)),
                        ('detail', models.CharField(blank=True, max_length=300)),
                        ('provider_id', models.CharField(blank=True, max_length=120)),
                        ('body', models.JSONField(null=True)),
                        ('driver', models.CharField(blank=True, max_length=20)),
                        ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='reps.message')),
                    ],
                    options={
                        'verbose_name_plural': 'deliveries',
                        'ordering': ['at', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='NotificationPreference',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('quiet_from', models.TimeField(blank=True, null=True, verbose_name='quiet from')),
                        ('quiet_until', models.TimeField(blank=True, null=True, verbose_name='quiet until')),
                        ('urgent_when_quiet', models.BooleanField(default=True, help_text='A hot lead or a breach is told at once, in quiet hours too.', verbose_name='urgent messages even then')),
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='notification_preference', to=settings.AUTH_USER_MODEL)),
                    ],
                ),
                migrations.CreateModel(
                    name='PushSubscription',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('endpoint', models.CharField(max_length=1000, unique=True)),
                        ('p256dh', models.CharField(max_length=120)),
                        ('auth', models.CharField(max_length=60)),
                        ('device', models.CharField(blank=True, max_length=120, verbose_name='device')),
                        ('created_at', models.DateTimeField()),
                        ('last_sent_at', models.DateTimeField(null=True)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='push_subscriptions', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['created_at', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Rep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('role', models.CharField(choices=[('SDR', 'SDR'), ('AE', 'Account executive'), ('SE', 'Solutions engineer'), ('FIELD', 'Field rep'), ('MANAGER', 'Manager'), ('AI_AGENT', 'AI agent')], default='SDR', max_length=10, verbose_name='role')),
                        ('capacity', models.PositiveIntegerField(default=40, help_text='Hard cap on open leads. Never exceeded.', validators=[django.core.validators.MaxValueValidator(100000)], verbose_name='capacity')),
                        ('seniority', models.PositiveSmallIntegerField(choices=[(0, 'not said'), (1, 'junior'), (2, 'mid-level'), (3, 'senior'), (4, 'principal')], default=0, verbose_name='seniority')),
                        ('country', models.CharField(blank=True, help_text='Where the rep is, two letters.', max_length=2, verbose_name='country')),
                        ('postal_code', models.CharField(blank=True, help_text='Where the rep is, for rules that prefer whoever is nearest.', max_length=12, verbose_name='postal code')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused since')),
                        ('paused_until', models.DateTimeField(blank=True, null=True, verbose_name='paused until')),
                        ('pause_reason', models.CharField(blank=True, max_length=200, verbose_name='reason for the pause')),
                        ('pause_is_own', models.BooleanField(default=True, help_text="If not, the company keeps the rep's share of the rotation for them.", verbose_name='paused by themselves')),
                        ('backup', models.ForeignKey(blank=True, help_text='Takes over when this rep is away or late.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='backs_up', to='reps.rep', verbose_name='backup')),
                        ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='rep', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                    ],
                    options={
                        'ordering': ['user__first_name', 'user__last_name', 'user__username', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalCalendarFeed',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('rep', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='rep')),
                    ],
                    options={
                        'verbose_name': 'historical calendar feed',
                        'verbose_name_plural': 'historical calendar feeds',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalAbsence',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('reason', models.CharField(blank=True, max_length=120, verbose_name='reason')),
                        ('cover', models.CharField(choices=[('STAY', 'Open leads stay; new ones go to the delegate'), ('MOVE', 'Open leads move to the delegate and come back')], default='STAY', max_length=4, verbose_name='open leads')),
                        ('cover_started_at', models.DateTimeField(editable=False, null=True)),
                        ('cover_ended_at', models.DateTimeField(editable=False, null=True)),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('delegate', models.ForeignKey(blank=True, db_constraint=False, help_text="Stands in meanwhile. Empty: the rep's backup.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='delegate')),
                        ('rep', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='rep')),
                    ],
                    options={
                        'verbose_name': 'historical absence',
                        'verbose_name_plural': 'historical absences',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='CalendarFeed',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('url', models.CharField(max_length=1000, verbose_name='address')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('next_fetch_at', models.DateTimeField(null=True)),
                        ('fetched_at', models.DateTimeField(null=True, verbose_name='last read')),
                        ('etag', models.CharField(blank=True, max_length=200)),
                        ('modified', models.CharField(blank=True, help_text='As the server wrote it in Last-Modified.', max_length=60)),
                        ('failures', models.PositiveSmallIntegerField(default=0)),
                        ('error', models.CharField(blank=True, max_length=300, verbose_name='what went wrong')),
                        ('rep', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='feed', to='reps.rep', verbose_name='rep')),
                    ],
                    options={
                        'ordering': ['rep', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Absence',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('starts_at', models.DateTimeField(verbose_name='from')),
                        ('ends_at', models.DateTimeField(verbose_name='until')),
                        ('reason', models.CharField(blank=True, max_length=120, verbose_name='reason')),
                        ('cover', models.CharField(choices=[('STAY', 'Open leads stay; new ones go to the delegate'), ('MOVE', 'Open leads move to the delegate and come back')], default='STAY', max_length=4, verbose_name='open leads')),
                        ('cover_started_at', models.DateTimeField(editable=False, null=True)),
                        ('cover_ended_at', models.DateTimeField(editable=False, null=True)),
                        ('delegate', models.ForeignKey(blank=True, help_text="Stands in meanwhile. Empty: the rep's backup.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stands_in_for', to='reps.rep', verbose_name='delegate')),
                        ('rep', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='absences', to='reps.rep', verbose_name='rep')),
                    ],
                    options={
                        'ordering': ['starts_at', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='RepSkill',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('level', models.PositiveSmallIntegerField(default=3, help_text='1 (basic) to 5 (native, expert).', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)], verbose_name='level')),
                        ('evidence', models.CharField(blank=True, max_length=200, verbose_name='evidence')),
                        ('review_on', models.DateField(blank=True, null=True, verbose_name='review on')),
                        ('rep', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skills', to='reps.rep', verbose_name='rep')),
                        ('skill', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holders', to='reps.skill', verbose_name='skill')),
                    ],
                    options={
                        'ordering': ['skill__name', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='HistoricalRepSkill',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('level', models.PositiveSmallIntegerField(default=3, help_text='1 (basic) to 5 (native, expert).', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)], verbose_name='level')),
                        ('evidence', models.CharField(blank=True, max_length=200, verbose_name='evidence')),
                        ('review_on', models.DateField(blank=True, null=True, verbose_name='review on')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('rep', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='rep')),
                        ('skill', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.skill', verbose_name='skill')),
                    ],
                    options={
                        'verbose_name': 'historical rep skill',
                        'verbose_name_plural': 'historical rep skills',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='Strike',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('job', models.CharField(max_length=20)),
                        ('row_id', models.BigIntegerField()),
                        ('failures', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.CharField(blank=True, max_length=300)),
                        ('last_at', models.DateTimeField()),
                        ('given_up_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('job', 'row_id'), name='reps_strikes_of_a_row')],
                    },
                ),
                migrations.CreateModel(
                    name='Team',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                        ('deputy', models.ForeignKey(blank=True, help_text="Answers in the manager's place while the manager is away.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deputy_of', to=settings.AUTH_USER_MODEL, verbose_name='deputy')),
                        ('manager', models.ForeignKey(blank=True, help_text='Approves reassignments and is told of late leads.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='managed_teams', to=settings.AUTH_USER_MODEL, verbose_name='manager')),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='reps.team', verbose_name='part of')),
                        ('calendar', models.ForeignKey(blank=True, help_text='For reps without hours of their own. Empty: around the clock.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='teams', to='reps.workcalendar', verbose_name='working hours')),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                    },
                ),
                migrations.AddField(
                    model_name='rep',
                    name='team',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reps', to='reps.team', verbose_name='team'),
                ),
                migrations.AddField(
                    model_name='rep',
                    name='calendar',
                    field=models.ForeignKey(blank=True, help_text="Empty: the team's.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reps', to='reps.workcalendar', verbose_name='working hours'),
                ),
                migrations.CreateModel(
                    name='HistoricalTeam',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('name', models.CharField(db_index=True, max_length=120, verbose_name='name')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('deputy', models.ForeignKey(blank=True, db_constraint=False, help_text="Answers in the manager's place while the manager is away.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='deputy')),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('manager', models.ForeignKey(blank=True, db_constraint=False, help_text='Approves reassignments and is told of late leads.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='manager')),
                        ('parent', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.team', verbose_name='part of')),
                        ('calendar', models.ForeignKey(blank=True, db_constraint=False, help_text='For reps without hours of their own. Empty: around the clock.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.workcalendar', verbose_name='working hours')),
                    ],
                    options={
                        'verbose_name': 'historical team',
                        'verbose_name_plural': 'historical teams',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='HistoricalRep',
                    fields=[
                        ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                        ('role', models.CharField(choices=[('SDR', 'SDR'), ('AE', 'Account executive'), ('SE', 'Solutions engineer'), ('FIELD', 'Field rep'), ('MANAGER', 'Manager'), ('AI_AGENT', 'AI agent')], default='SDR', max_length=10, verbose_name='role')),
                        ('capacity', models.PositiveIntegerField(default=40, help_text='Hard cap on open leads. Never exceeded.', validators=[django.core.validators.MaxValueValidator(100000)], verbose_name='capacity')),
                        ('seniority', models.PositiveSmallIntegerField(choices=[(0, 'not said'), (1, 'junior'), (2, 'mid-level'), (3, 'senior'), (4, 'principal')], default=0, verbose_name='seniority')),
                        ('country', models.CharField(blank=True, help_text='Where the rep is, two letters.', max_length=2, verbose_name='country')),
                        ('postal_code', models.CharField(blank=True, help_text='Where the rep is, for rules that prefer whoever is nearest.', max_length=12, verbose_name='postal code')),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('paused_at', models.DateTimeField(blank=True, null=True, verbose_name='paused since')),
                        ('paused_until', models.DateTimeField(blank=True, null=True, verbose_name='paused until')),
                        ('pause_reason', models.CharField(blank=True, max_length=200, verbose_name='reason for the pause')),
                        ('pause_is_own', models.BooleanField(default=True, help_text="If not, the company keeps the rep's share of the rotation for them.", verbose_name='paused by themselves')),
                        ('history_id', models.AutoField(primary_key=True, serialize=False)),
                        ('history_date', models.DateTimeField(db_index=True)),
                        ('history_change_reason', models.CharField(max_length=100, null=True)),
                        ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                        ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
                        ('backup', models.ForeignKey(blank=True, db_constraint=False, help_text='Takes over when this rep is away or late.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.rep', verbose_name='backup')),
                        ('team', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.team', verbose_name='team')),
                        ('calendar', models.ForeignKey(blank=True, db_constraint=False, help_text="Empty: the team's.", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='reps.workcalendar', verbose_name='working hours')),
                    ],
                    options={
                        'verbose_name': 'historical rep',
                        'verbose_name_plural': 'historical reps',
                        'ordering': ('-history_date', '-history_id'),
                        'get_latest_by': ('history_date', 'history_id'),
                    },
                    bases=(simple_history.models.HistoricalChanges, models.Model),
                ),
                migrations.CreateModel(
                    name='AuditEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('chain', models.CharField(max_length=80)),
                        ('seq', models.PositiveIntegerField()),
                        ('kind', models.CharField(max_length=40)),
                        ('at', models.DateTimeField()),
                        ('actor_label', models.CharField(max_length=200)),
                        ('reason_code', models.CharField(max_length=40)),
                        ('reason', models.CharField(blank=True, max_length=500)),
                        ('subject', models.CharField(max_length=60)),
                        ('subject_id', models.BigIntegerField()),
                        ('writes_history', models.BooleanField(default=True)),
                        ('data', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        ('prev_hash', models.CharField(blank=True, max_length=64)),
                        ('hash', models.CharField(max_length=64)),
                        ('actor', models.ForeignKey(help_text='Empty: the system.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['subject', 'subject_id'], name='reps_audit_subject'), models.Index(fields=['at'], name='reps_audit_at')],
                        'constraints': [models.UniqueConstraint(fields=('chain', 'seq'), name='reps_audit_one_event_per_place')],
                    },
                ),
                migrations.CreateModel(
                    name='BusyTime',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('MEETING', 'Meeting'), ('OUT', 'Out of office')], max_length=7)),
                        ('starts_at', models.DateTimeField()),
                        ('ends_at', models.DateTimeField()),
                        ('feed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='busy', to='reps.calendarfeed')),
                    ],
                    options={
                        'ordering': ['starts_at', 'pk'],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='reps_busy_ends_after_it_starts')],
                    },
                ),
                migrations.CreateModel(
                    name='ChannelChoice',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('channel', models.CharField(max_length=12, verbose_name='channel')),
                        ('mode', models.CharField(choices=[('ALWAYS', 'every message'), ('URGENT', 'urgent messages only'), ('FALLBACK', 'if another way fails'), ('OFF', 'never')], default='ALWAYS', max_length=8, verbose_name='used for')),
                        ('place', models.PositiveSmallIntegerField(default=10)),
                        ('address', models.CharField(blank=True, help_text='Webhook or phone number; e-mail and push know theirs.', max_length=500, verbose_name='address')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='channel_choices', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['place', 'pk'],
                        'constraints': [models.UniqueConstraint(fields=('user', 'channel'), name='reps_one_choice_per_channel')],
                    },
                ),
                migrations.CreateModel(
                    name='Hold',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('RESTORED', 'restored from a backup'), ('CLOCK_JUMP', "the database's clock has jumped"), ('BY_HAND', 'held by hand')], max_length=10)),
                        ('since', models.DateTimeField()),
                        ('reason', models.CharField(blank=True, max_length=300)),
                        ('detail', models.JSONField(default=dict)),
                        ('released_at', models.DateTimeField(null=True)),
                        ('released_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-since', '-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('released_at__isnull', True)), fields=('kind',), name='reps_one_hold_of_a_kind')],
                    },
                ),
                migrations.AddIndex(
                    model_name='message',
                    index=models.Index(condition=models.Q(('about', ''), _negated=True), fields=['about'], name='reps_message_about'),
                ),
                migrations.AddIndex(
                    model_name='message',
                    index=models.Index(condition=models.Q(('state', 'PENDING')), fields=['due_at', 'id'], name='reps_message_due'),
                ),
                migrations.AddIndex(
                    model_name='message',
                    index=models.Index(condition=models.Q(('state', 'DEAD')), fields=['due_at'], name='reps_message_dead'),
                ),
                migrations.AddIndex(
                    model_name='message',
                    index=models.Index(fields=['recipient', '-created_at'], name='reps_message_inbox'),
                ),
                migrations.AddIndex(
                    model_name='delivery',
                    index=models.Index(condition=models.Q(('provider_id', ''), _negated=True), fields=['provider_id'], name='reps_delivery_of_provider'),
                ),
                migrations.AddIndex(
                    model_name='delivery',
                    index=models.Index(fields=['channel', '-at'], name='reps_delivery_of_channel'),
                ),
                migrations.AddIndex(
                    model_name='calendarfeed',
                    index=models.Index(condition=models.Q(('is_active', True)), fields=['next_fetch_at'], name='reps_feed_due'),
                ),
                migrations.AddConstraint(
                    model_name='absence',
                    constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='reps_absence_ends_after_it_starts'),
                ),
                migrations.AddConstraint(
                    model_name='repskill',
                    constraint=models.UniqueConstraint(fields=('rep', 'skill'), name='reps_one_level_per_skill'),
                ),
                migrations.AddConstraint(
                    model_name='repskill',
                    constraint=models.CheckConstraint(condition=models.Q(('level__gte', 1), ('level__lte', 5)), name='reps_skill_level_1_to_5'),
                ),
                migrations.AddConstraint(
                    model_name='rep',
                    constraint=models.CheckConstraint(condition=models.Q(('paused_at__isnull', False), models.Q(('paused_until__isnull', True), ('pause_reason', '')), _connector='OR'), name='reps_pause_has_a_start'),
                ),
                migrations.AddConstraint(
                    model_name='rep',
                    constraint=models.CheckConstraint(condition=models.Q(('backup__isnull', True), models.Q(('backup', models.F('pk')), _negated=True), _connector='OR'), name='reps_nobody_backs_up_themselves'),
                ),
            ]
        ),
    ]
